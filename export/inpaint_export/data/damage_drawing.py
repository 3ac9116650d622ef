"""What synthetic damage is drawn with: soft lines, smooth noise, colours, and letters."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""One number a pixel, [H, W]."""

Light = NDArray[np.float32]
"""A picture in [0, 1], [H, W, 3], RGB, encoded as sRGB."""

Points = NDArray[np.float64]
"""A line's points (x, y) in pixels, [n, 2]."""


class Canvas:
    """Draws finer than the picture, so that lines may have any width and soft edges.

    shape: the picture's height and width.
    """

    FINER = 4

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._fine = np.zeros((shape[0] * self.FINER, shape[1] * self.FINER), np.uint8)

    def line(self, points: Points, width: float, strength: float = 1.0) -> None:
        """Draws a line; width in pixels, strength from 0 to 1."""
        pixels = max(1, round(width * self.FINER))
        value = round(255 * strength)
        cv2.polylines(self._fine, [self._grid(points)], False, value, pixels, cv2.LINE_8)

    def polygon(self, points: Points, strength: float = 1.0) -> None:
        """Fills what the points enclose."""
        cv2.fillPoly(self._fine, [self._grid(points)], round(255 * strength))

    def ellipse(self, centre: Points, radii: tuple[float, float], angle: float) -> None:
        """Fills an ellipse; radii in pixels, angle in radians."""
        around = np.linspace(0.0, 2.0 * np.pi, 24, endpoint=False)
        x, y = radii[0] * np.cos(around), radii[1] * np.sin(around)
        turned = np.stack(
            [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=1
        )
        self.polygon(centre + turned)

    def coverage(self, blur: float = 0.0) -> Field:
        """The share of each pixel that was drawn on, [H, W]; blur is a deviation in pixels."""
        size = self.shape[1], self.shape[0]
        covered = cv2.resize(self._fine, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        if blur > 0.2:
            covered = cv2.GaussianBlur(covered, (0, 0), blur).astype(np.float32, copy=False)
        return covered / np.float32(255.0)

    def _grid(self, points: Points) -> NDArray[np.int32]:
        return np.round(points * self.FINER).astype(np.int32).reshape(-1, 1, 2)


def blend(light: Light, opacity: Field, colour: NDArray[np.float32]) -> Light:
    """Lays a colour, [3] or [H, W, 3], over a picture."""
    mixed: Light = light + opacity[..., None] * (colour - light)
    return mixed


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> Field:
    """Smooth noise of zero mean and about unit variance; a bump takes about ``cell`` pixels."""
    rows, columns = (max(3, round(side / cell) + 2) for side in shape)
    coarse = rng.standard_normal((rows, columns)).astype(np.float32)
    size = shape[1], shape[0]
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).astype(np.float32, copy=False)


def ragged_noise(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> Field:
    """Smooth noise with finer noise in it, for borders that are torn or soaked."""
    total, strength = smooth_noise(rng, shape, cell), 1.0
    while cell > 6.0:
        cell, strength = cell / 2.5, strength * 0.5
        total += np.float32(strength) * smooth_noise(rng, shape, cell)
    return total


def smooth_step(x: Field) -> Field:
    """From 0 below 0 to 1 above 1, smoothly."""
    x = np.clip(x, 0.0, 1.0)
    stepped: Field = x * x * (3.0 - 2.0 * x)
    return stepped


def patch(rng: np.random.Generator, shape: tuple[int, int], share: float, edge: float) -> Field:
    """A ragged blob or several, 1 inside and 0 outside, [H, W].

    share: of the picture, about. edge: width of the soft border, in deviations of the noise.
    """
    field = ragged_noise(rng, shape, float(rng.uniform(0.2, 0.7)) * min(shape))
    level = np.quantile(field[::4, ::4], 1.0 - share)
    return smooth_step((field - np.float32(level)) / np.float32(edge) + np.float32(0.5))


def paper(rng: np.random.Generator) -> NDArray[np.float32]:
    """White of paper, a little warm; [3]."""
    white = rng.uniform(0.72, 1.0) - np.array([0.0, 0.03, 0.08]) * rng.uniform(0.0, 1.5)
    return np.clip(white, 0.0, 1.0).astype(np.float32)


def dark(rng: np.random.Generator) -> NDArray[np.float32]:
    """Nearly black; [3]."""
    return (rng.uniform(0.0, 0.2) + rng.uniform(0.0, 0.05, 3)).astype(np.float32)


def ink(rng: np.random.Generator, light_share: float = 0.65) -> NDArray[np.float32]:
    """Light, dark, or now and then any colour; [3]."""
    if rng.random() < 0.1:
        return rng.random(3).astype(np.float32)
    return paper(rng) if rng.random() < light_share else dark(rng)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def walk(
    rng: np.random.Generator,
    start: Points,
    heading: float,
    length: float,
    turn: float,
    stride: float,
) -> Points:
    """A line that turns by chance; turn: deviation in radians a stride. Lengths in pixels."""
    steps = max(2, round(length / stride))
    headings = heading + np.cumsum(rng.normal(0.0, turn, steps))
    moves = stride * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    return np.concatenate([start[None], start + np.cumsum(moves, axis=0)])


def curl(rng: np.random.Generator, start: Points, length: float, bend: float) -> Points:
    """A line whose bend itself changes slowly, like a hair; bend: radians over its length."""
    steps = max(6, round(length / 2.0))
    knots = rng.normal(0.0, 1.0, int(rng.integers(2, 6)))
    bends = np.interp(np.linspace(0.0, 1.0, steps), np.linspace(0.0, 1.0, len(knots)), knots)
    headings = rng.uniform(0.0, 2.0 * np.pi) + np.cumsum(bends) * bend / steps
    moves = (length / steps) * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    return np.concatenate([start[None], start + np.cumsum(moves, axis=0)])


def anywhere(rng: np.random.Generator, shape: tuple[int, int], beyond: float = 0.0) -> Points:
    """A point (x, y) in the picture, or up to a share ``beyond`` outside of it."""
    return rng.uniform(-beyond, 1.0 + beyond, 2) * np.array([shape[1], shape[0]])


_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiouy"


def words(rng: np.random.Generator, count: int) -> str:
    """Made-up words, numbers, dates and addresses."""
    made = [_word(rng) for _ in range(count)]
    return " ".join(made)


def _word(rng: np.random.Generator) -> str:
    kind = rng.random()
    if kind < 0.1:
        return str(rng.integers(0, 10 ** int(rng.integers(1, 5))))
    if kind < 0.16:
        return f"{rng.integers(1, 32):02d}{rng.choice(list('./-'))}{rng.integers(1, 13):02d}"
    pairs = rng.integers(1, 4)
    word = "".join(
        str(rng.choice(list(_CONSONANTS))) + str(rng.choice(list(_VOWELS))) for _ in range(pairs)
    )
    if rng.random() < 0.4:
        word += str(rng.choice(list("nrstlx!?&@%")))
    style = rng.random()
    return word.upper() if style < 0.3 else word.capitalize() if style < 0.6 else word


_FONTS: Sequence[int] = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)


def letters(rng: np.random.Generator, text: str, height: float) -> Field:
    """A line of text as coverage, [h, w]; height: of a capital letter, about, in pixels.

    In Pillow's own font or one of OpenCV's, drawn larger and stretched, so that each line differs.
    """
    from PIL import Image, ImageDraw, ImageFont

    drawn = 36
    if rng.random() < 0.6:
        font = ImageFont.load_default(drawn * 1.4)
        bold = int(rng.integers(0, 5))
        left, top, right, bottom = font.getbbox(text, stroke_width=bold)
        picture = Image.new("L", (max(1, round(right - left)), max(1, round(bottom - top))))
        draw = ImageDraw.Draw(picture)
        draw.text((-left, -top), text, fill=255, font=font, stroke_width=bold)
        canvas = np.asarray(picture)
    else:
        font_face, thickness = _FONTS[int(rng.integers(len(_FONTS)))], int(rng.integers(2, 9))
        scale = drawn / 22.0
        (width, above), below = cv2.getTextSize(text, font_face, scale, thickness)
        canvas = np.zeros((above + below + 2 * thickness, width + 2 * thickness), np.uint8)
        where = thickness, above + thickness
        cv2.putText(canvas, text, where, font_face, scale, 255, thickness, cv2.LINE_AA)
    factor = height / drawn
    stretch = factor * float(rng.uniform(0.75, 1.3))
    size = max(1, round(canvas.shape[1] * stretch)), max(1, round(canvas.shape[0] * factor))
    method = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_LINEAR
    return cv2.resize(canvas, size, interpolation=method).astype(np.float32) / np.float32(255.0)


def place(shape: tuple[int, int], stamp: Field, left: int, top: int) -> Field:
    """A stamp on an empty picture, cut where it leaves it; [H, W]."""
    field = np.zeros(shape, np.float32)
    height, width = stamp.shape
    rows = slice(max(0, top), min(shape[0], top + height))
    columns = slice(max(0, left), min(shape[1], left + width))
    if rows.start < rows.stop and columns.start < columns.stop:
        field[rows, columns] = stamp[
            rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
        ]
    return field


def turned(field: Field, angle: float) -> Field:
    """Turned about the centre; angle in radians."""
    height, width = field.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(np.degrees(angle)), 1.0)
    return cv2.warpAffine(field, turn, (width, height)).astype(np.float32, copy=False)
