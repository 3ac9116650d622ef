"""How well text can be read: character error rates, and those of lines before and after restoring.

A line is printed on a photograph, damaged, and restored; a reader reads each of the three. What the
damage costs a reader, and what of it a restorer gives back, says more of restored writing than the
difference of pixels: a stroke that is closed where it was open is another letter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from rapidfuzz.distance import Levenshtein

from inpaint_eval.damage import damage_held_out
from inpaint_eval.fonts import FontSplit, font_files, open_font
from inpaint_eval.pictures import Pixels
from inpaint_eval.text_lines import draw_line, prose, vertical_extent

LINE = (64, 640)
"""Height and width of pictures of a line, in pixels."""

DAMAGES: Mapping[str, str | None] = {
    "scratches": "scratches",
    "stains": "stains",
    "text over text": "text",
    "noise": None,
}
"""What lines are damaged by, to the name in :data:`inpaint_eval.damage.KINDS`; noise has none."""

NOISE = (25.0, 60.0)
"""Standard deviations of noise, of 255."""

_CONTRAST = 90.0
"""Of 255: least difference between letters and what they are printed on."""

Read = Callable[[Pixels], str]
Restore = Callable[[Pixels, Pixels | None], Pixels]
"""From a picture, uint8 [H, W, 3] RGB, and the mask of its damage, uint8 [H, W], or None for noise.
"""


def character_error_rate(found: Sequence[str], written: Sequence[str]) -> float:
    """Insertions, deletions and replacements for each written character, over all lines together.

    0 for what was read without a fault; more than 1 where more is wrong than is written.

    Raises:
        ValueError: the two are not of one length, or nothing is written.
    """
    characters = sum(map(len, written))
    if not characters:
        raise ValueError("there is no character written; give lines of text")
    pairs = zip(found, written, strict=True)
    return sum(Levenshtein.distance(mine, theirs) for mine, theirs in pairs) / characters


@dataclass(frozen=True)
class DamagedLine:
    """A line that was damaged.

    text: what it says. clean, damaged: uint8 [H, W, 3], RGB. mask: of the damage, uint8 [H, W], 255
    there; None for noise, which is everywhere.
    """

    text: str
    clean: Pixels
    damaged: Pixels
    mask: Pixels | None


@dataclass(frozen=True)
class Legibility:
    """Character error rates of lines as they were, when damaged, and when restored."""

    lines: int
    clean: float
    damaged: float
    restored: float


def measure_legibility(read: Read, restore: Restore, lines: Sequence[DamagedLine]) -> Legibility:
    """What damage costs a reader, and what a restorer gives back.

    Raises:
        ValueError: there are no lines.
    """
    written = [line.text for line in lines]

    def rate(pictures: Sequence[Pixels]) -> float:
        return character_error_rate([read(picture) for picture in pictures], written)

    return Legibility(
        lines=len(lines),
        clean=rate([line.clean for line in lines]),
        damaged=rate([line.damaged for line in lines]),
        restored=rate([restore(line.damaged, line.mask) for line in lines]),
    )


def damaged_lines(
    photographs: Sequence[Pixels], damage: str, *, seed: int, fonts: FontSplit = "test"
) -> list[DamagedLine]:
    """A damaged line on each photograph, the same ones each time.

    photographs: RGB, of at least :data:`LINE`. damage: a key of :data:`DAMAGES`.
    """
    made = []
    for index, photograph in enumerate(photographs):
        rng = np.random.default_rng((seed, index))
        clean, text = line_on(rng, photograph, fonts)
        kind = DAMAGES[damage]
        if kind is None:
            noise = rng.normal(0.0, rng.uniform(*NOISE), clean.shape)
            noisy = np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)
            made.append(DamagedLine(text, clean, noisy, None))
        else:
            damaged = damage_held_out(rng, clean, kind)
            made.append(DamagedLine(text, clean, damaged.picture, damaged.mask))
    return made


def line_on(
    rng: np.random.Generator, photograph: Pixels, fonts: FontSplit = "test"
) -> tuple[Pixels, str]:
    """A line of English words printed on a part of a photograph, uint8 [H, W, 3], and its text.

    The photograph shows through what the letters are printed on, as through a label.

    Raises:
        ValueError: the photograph is smaller than :data:`LINE`.
    """
    height, width = LINE
    if photograph.shape[0] < height or photograph.shape[1] < width:
        raise ValueError(
            f"a photograph has {photograph.shape[1]}x{photograph.shape[0]} pixels; a line takes "
            f"{width}x{height}"
        )
    top = int(rng.integers(photograph.shape[0] - height + 1))
    left = int(rng.integers(photograph.shape[1] - width + 1))
    paper = rng.uniform(0.0, 255.0, 3)
    through = float(rng.uniform(0.1, 0.5))
    page = photograph[top : top + height, left : left + width] * through + paper * (1.0 - through)
    colour = rng.uniform(0.0, 255.0, 3)
    while abs(float(colour.mean() - page.mean())) < _CONTRAST:
        colour = rng.uniform(0.0, 255.0, 3)

    families = font_files(fonts)
    family = families[int(rng.integers(len(families)))]
    path = family[int(rng.integers(len(family)))]
    ink, text = _ink(path, prose(rng, 60), (height, width), float(rng.uniform(0.6, 0.8)))
    opacity = ink[..., None].astype(np.float32) / np.float32(255.0)
    printed = page + (colour - page) * opacity
    return np.clip(np.rint(printed), 0, 255).astype(np.uint8), text


def _ink(path: Path, words: str, shape: tuple[int, int], share: float) -> tuple[Pixels, str]:
    """As many whole words as fit, in letters that take a share of the height, and which."""
    tall = open_font(path, 100)
    top, foot = vertical_extent(tall)
    font = open_font(path, round(100.0 * share * shape[0] / (foot - top)))
    text, *others = words.split(" ")
    for word in others:
        if font.getlength(f"{text} {word}") > shape[1] - 24:
            break
        text += f" {word}"
    drawn = draw_line(text, font)
    if drawn.shape[1] > shape[1] - 16:  # one word that is too long
        size = shape[1] - 16, drawn.shape[0]
        drawn = np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA), np.uint8)
    canvas = np.zeros(shape, np.uint8)
    at = (shape[0] - drawn.shape[0]) // 2
    canvas[at : at + drawn.shape[0], 8 : 8 + drawn.shape[1]] = drawn
    return canvas, text
