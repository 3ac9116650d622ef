"""The drawer of text: made-up words, as soft coverage or as a mask."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inpaint_eval.drawing import Coverage, Shape, log_uniform, turned

FONTS: Sequence[int] = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
"""OpenCV's, which are the same on every machine."""

_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiouy"

_DRAWN = (20, 36)
"""Heights of capital letters, in pixels, that lines are drawn in before they are resized."""


def words(rng: np.random.Generator, count: int) -> str:
    """Made-up words, numbers, dates and addresses."""
    return " ".join(_word(rng) for _ in range(count))


def _word(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.1:
        return str(rng.integers(0, 10 ** int(rng.integers(1, 5))))
    if kind < 0.16:
        return f"{rng.integers(1, 32):02d}{'./-'[rng.integers(3)]}{rng.integers(1, 13):02d}"
    word = "".join(
        _CONSONANTS[rng.integers(len(_CONSONANTS))] + _VOWELS[rng.integers(len(_VOWELS))]
        for _ in range(rng.integers(1, 4))
    )
    if rng.random() < 0.4:
        word += "nrstlx!?&@%"[rng.integers(11)]
    style = rng.random()
    return word.upper() if style < 0.3 else word.capitalize() if style < 0.6 else word


def letters(rng: np.random.Generator, text: str, height: float) -> Coverage:
    """A line of text, [h, w]; height: of a capital letter, about, in pixels.

    In Pillow's own font or one of OpenCV's, drawn larger and stretched, so that each line differs.
    """
    drawn = _DRAWN[height > _DRAWN[0]]
    if rng.random() < 0.6:
        canvas = _outline_font(text, drawn, round(rng.integers(0, 5) * drawn / 36.0))
    else:
        font = FONTS[int(rng.integers(len(FONTS)))]
        canvas = _stroke_font(text, drawn, font, round(rng.integers(2, 9) * drawn / 36.0))
    factor = height / drawn
    stretch = factor * float(rng.uniform(0.75, 1.3))
    size = max(1, round(canvas.shape[1] * stretch)), max(1, round(canvas.shape[0] * factor))
    method = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_LINEAR
    return cv2.resize(canvas, size, interpolation=method).astype(np.uint8, copy=False)


def _outline_font(text: str, height: int, bold: int) -> Coverage:
    font = _font(height * 1.4)
    left, top, right, bottom = font.getbbox(text, stroke_width=bold)
    canvas = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
    where = -left, -top
    ImageDraw.Draw(canvas).text(where, text, fill=255, font=font, stroke_width=bold)
    return np.asarray(canvas)


@lru_cache(maxsize=len(_DRAWN))
def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _stroke_font(text: str, height: int, font: int, thickness: int) -> Coverage:
    scale = height / 22.0
    (width, above), below = cv2.getTextSize(text, font, scale, thickness)
    canvas = np.zeros((above + below + 2 * thickness, width + 2 * thickness), np.uint8)
    where = thickness, above + thickness
    cv2.putText(canvas, text, where, font, scale, 255, thickness, cv2.LINE_AA)
    return canvas


ALL_OVER = 1000
"""Lines of text that fill any picture."""


def lay_out(rng: np.random.Generator, shape: Shape, height: float, count: int) -> Coverage:
    """So many lines of text below each other over a picture, anywhere, now and then turned.

    height: of a capital letter, in pixels. More lines than fit fill the picture from its top.
    """
    page = np.zeros(shape, np.uint8)
    spacing = height * rng.uniform(1.5, 4.0)
    fill = count * spacing >= shape[0]
    top = rng.uniform(-1.0, 0.0) * spacing if fill else rng.uniform(-0.1, 0.9) * shape[0]
    for _ in range(min(count, int(shape[0] / spacing) + 2)):
        stamp = letters(rng, words(rng, int(rng.integers(1, 6))), height)
        place(page, stamp, round(rng.uniform(-0.6, 0.7) * shape[1]), round(top))
        top += spacing
    if rng.random() < 0.3:
        page = turned(page, float(rng.uniform(-np.pi / 4, np.pi / 4)))
    return page


def place(page: Coverage, stamp: Coverage, left: int, top: int) -> None:
    """Joins a stamp to a page, in place, cut where it leaves it."""
    height, width = stamp.shape
    rows = slice(max(0, top), min(page.shape[0], top + height))
    columns = slice(max(0, left), min(page.shape[1], left + width))
    if rows.start < rows.stop and columns.start < columns.stop:
        part = page[rows, columns]
        np.maximum(
            part,
            stamp[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left],
            out=part,
        )


def page_of_text(rng: np.random.Generator, shape: Shape) -> Coverage:
    """A caption, a paragraph, or lines all over the picture, in letters of 7 to 45 pixels."""
    height, layout = log_uniform(rng, 7.0, 45.0), rng.random()
    count = 1 if layout < 0.4 else ALL_OVER if layout < 0.6 else int(rng.integers(2, 6))
    return lay_out(rng, shape, height, count)
