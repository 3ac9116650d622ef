"""Lines of text with what they say: printed in many fonts and colours, then badly recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from inpaint_eval.drawing import Coverage, log_uniform, smooth_noise
from inpaint_eval.fonts import FontSplit, font_files, open_font
from inpaint_eval.text_lines import (
    CHARACTERS,
    LINE_HEIGHT,
    draw_line,
    made_up,
    prose,
    vertical_extent,
)

LONGEST = 48
"""Characters of a line at most."""

NARROWEST = 5.0
"""Pixels of width that a character has at least on average: the network looks every 4 pixels."""

_SIZES = (16, 20, 26, 32, 40)
"""Pixels to the em that fonts are opened in: the next larger than needed is drawn and reduced."""

Grey = NDArray[np.float32]


@dataclass(frozen=True)
class LineStyle:
    """How badly lines are recorded.

    degraded: share of lines that are blurred, noisy, compressed, faint, bent or soiled, each by
    some of these. bent: share of those that are bent or turned.
    """

    degraded: float = 0.7
    bent: float = 0.4


CLEAN = LineStyle(degraded=0.0)
DEGRADED = LineStyle(degraded=1.0)


@dataclass(frozen=True)
class TextLinesDataConfig:
    """Lines of ``width`` pixels, filled up at their right with what they are printed on.

    prose: share of lines of English words; the others are of no language. gentle: the first items,
    that grow from short and clean lines to all. style: of those after them.
    """

    width: int = 320
    prose: float = 0.5
    gentle: int = 10_000
    style: LineStyle = LineStyle()
    fonts: FontSplit = "train"

    @property
    def crop(self) -> int:
        """Height of lines in pixels."""
        return LINE_HEIGHT

    def open(self, root: Path, *, seed: int, length: int) -> TextLines:
        """Finds the fonts; nothing is read below ``root``. See :class:`TextLines`."""
        return TextLines(self, seed=seed, length=length)


class TextLines(Dataset[dict[str, Tensor]]):
    """Drawn lines.

    Each item is a dict of uint8 tensors: ``image`` [1, 32, width], grey, and ``label``
    [``LONGEST``], the number of each character in the alphabet from 1 on, and 0 after the last.
    """

    def __init__(self, config: TextLinesDataConfig, *, seed: int, length: int) -> None:
        self.config, self.seed, self.length = config, seed, length
        self.fonts = font_files(config.fonts)

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        line, text, _ = self.draw(index)
        return {"image": torch.from_numpy(line)[None], "label": encode(text)}

    def draw(self, index: int) -> tuple[NDArray[np.uint8], str, int]:
        """A line uint8 [32, width], what it says, and the column where its last letter ends."""
        rng = np.random.default_rng((self.seed, index))
        config = self.config
        grown = min(1.0, index / config.gentle) if config.gentle else 1.0
        style = replace(config.style, degraded=config.style.degraded * grown)
        reach = 0.4 + 0.6 * grown
        share = rng.uniform(0.7, 1.0) if rng.random() < 0.7 else rng.uniform(0.1, 0.7)
        source = prose if rng.random() < config.prose else made_up
        text = source(rng, LONGEST)
        family = self.fonts[int(rng.integers(len(self.fonts)))]
        font = family[int(rng.integers(len(family)))]
        return print_line(rng, text, font, config.width, share * reach, style)


def encode(text: str) -> Tensor:
    """A label, uint8 [``LONGEST``], as :class:`TextLines` has it."""
    label = torch.zeros(LONGEST, dtype=torch.uint8)
    numbers = [1 + CHARACTERS.index(character) for character in text]
    label[: len(numbers)] = torch.tensor(numbers, dtype=torch.uint8)
    return label


def print_line(
    rng: np.random.Generator,
    text: str,
    path: Path,
    width: int,
    share: float,
    style: LineStyle,
) -> tuple[NDArray[np.uint8], str, int]:
    """As much of a text as fits into a line, uint8 [32, width], what it is and where it ends.

    path: of the font. share: of the width that is filled, about.
    """
    degraded = bool(rng.random() < style.degraded)
    bend = _bend(rng, width) if degraded and rng.random() < style.bent else np.zeros(width)
    room = LINE_HEIGHT - float(np.ptp(bend))
    height = rng.uniform(0.62, 0.98) * room  # from ascenders to descenders
    tall = open_font(path, 100)
    top, foot = vertical_extent(tall)
    em = 100.0 * height / (foot - top)
    font = open_font(path, next((s for s in _SIZES if s >= em), _SIZES[-1]))
    stretch = float(np.exp(rng.normal(0.0, 0.08)))
    wide = rng.random() < 0.12
    spacing = float(rng.uniform(-0.03, 0.2)) * font.size if wide else 0.0
    scale = em / font.size
    left = rng.uniform(1.0, 8.0)
    space = max(12.0, share * (width - left - 3.0))
    text = _fit(text, space, lambda t: (font.getlength(t) + spacing * len(t)) * scale * stretch)
    ink = draw_line(text, font, spacing)
    if len(text) * NARROWEST > ink.shape[1] * scale * stretch:
        stretch = len(text) * NARROWEST / (ink.shape[1] * scale)
    stretch = min(stretch, (width - left - 1.0) / (ink.shape[1] * scale))
    ink = _weighted(rng, ink)
    above = rng.uniform(0.0, LINE_HEIGHT - np.ptp(bend) - height) - bend.min()
    if rng.random() < 0.2:  # cut close, as by those who look for letters and not for lines
        rows = np.flatnonzero(ink.max(axis=1))
        cut = ink[rows[0] : rows[-1] + 1]
        closer = min(1.5, rng.uniform(0.75, 0.97) * room / (cut.shape[0] * scale))
        if ink.shape[1] * scale * stretch * closer < width - left - 1.0:
            ink, scale = cut, scale * closer
        else:
            ink = cut
        above = rng.uniform(0.0, max(0.0, room - ink.shape[0] * scale)) - bend.min()
    placed = _place(ink, width, (left, above), (scale * stretch, scale), bend)
    page = _colour(rng, placed, degraded)
    if degraded:
        page = _record(rng, page)
    elif rng.random() < 0.3:
        page = _compress(rng, page, (70, 98))
    end = 1 + int(np.flatnonzero(placed.max(axis=0) > 0.0)[-1])
    return np.asarray(page.clip(0.0, 255.0), np.uint8), text, end


def _fit(text: str, space: float, measure: Any) -> str:
    """The longest beginning that is not wider than the space, and at least a character."""
    low, high = 1, min(len(text), LONGEST)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(text[:middle]) <= space else (low, middle - 1)
    return text[:low].strip()


def _bend(rng: np.random.Generator, width: int) -> NDArray[np.float64]:
    """How far a line is shifted down along its width, in pixels: turned, curved or waved."""
    along = np.linspace(-1.0, 1.0, width)
    turned = rng.normal(0.0, 2.5) * along
    curved = rng.normal(0.0, 2.0) * along**2
    waved = rng.normal(0.0, 0.8) * np.sin(rng.uniform(2.0, 8.0) * along + rng.uniform(0.0, 6.3))
    bend = turned + curved + waved
    return np.asarray(bend * min(1.0, 10.0 / max(1e-6, float(np.ptp(bend)))))


def _weighted(rng: np.random.Generator, ink: Coverage) -> Coverage:
    """Letters that are printed fatter or thinner, or in outline, now and then."""
    kind = rng.random()
    if kind < 0.06:
        return np.asarray(cv2.dilate(ink, np.ones((2, 2), np.uint8)), np.uint8)
    if kind < 0.1:
        return np.asarray(cv2.GaussianBlur(ink, (3, 3), 0), np.uint8)
    return ink


def _place(
    ink: Coverage,
    width: int,
    at: tuple[float, float],
    scale: tuple[float, float],
    bend: NDArray[np.float64],
) -> Grey:
    """Coverage from 0 to 1, [32, width], of letters that are reduced, set at a place and bent."""
    if min(scale) < 0.75:
        ink = np.asarray(cv2.blur(ink, (2, 2)), np.uint8)
    columns, rows = np.arange(width, dtype=np.float32), np.arange(LINE_HEIGHT, dtype=np.float32)
    x = np.broadcast_to((columns - np.float32(at[0])) / np.float32(scale[0]), (LINE_HEIGHT, width))
    shift = np.float32(at[1]) + bend.astype(np.float32)
    y = (rows[:, None] - shift[None]) / np.float32(scale[1])
    padded = np.pad(ink, 2)  # so that what is outside fades into nothing
    placed = cv2.remap(
        padded,
        np.ascontiguousarray(x + np.float32(2.0)),
        y + np.float32(2.0),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return placed.astype(np.float32) / np.float32(255.0)


def _colour(rng: np.random.Generator, ink: Grey, degraded: bool) -> Grey:
    """Letters in a grey on another, [32, width] from 0 to 255; dark on light more often."""
    contrast = rng.uniform(70.0, 255.0)
    if degraded and rng.random() < 0.25:
        contrast = log_uniform(rng, 18.0, 90.0)
    low = rng.uniform(0.0, 255.0 - contrast)
    paper, letters = (low + contrast, low) if rng.random() < 0.65 else (low, low + contrast)
    page = np.full(ink.shape, paper, np.float32)
    kind = rng.random()
    most = 0.45 * contrast
    if degraded and kind < 0.25:
        ramp = np.linspace(-0.5, 0.5, ink.shape[1], dtype=np.float32)
        page += np.float32(rng.uniform(-1.5, 1.5) * most) * ramp
    elif degraded and kind < 0.45:
        cell = log_uniform(rng, 3.0, 60.0)
        page += np.float32(rng.uniform(0.05, 0.35) * most) * smooth_noise(rng, _shape(ink), cell)
    if rng.random() < 0.06:  # a rule below the line, or above it
        row = (
            int(rng.integers(LINE_HEIGHT - 4, LINE_HEIGHT))
            if rng.random() < 0.7
            else int(rng.integers(2))
        )
        page[row : row + 2] = letters
    if rng.random() < 0.03:
        column = int(rng.integers(ink.shape[1]))
        page[:, column : column + 2] = letters
    if rng.random() < 0.04:  # a shadow
        shadow = np.roll(ink, (1, 1), (0, 1)) * np.float32(rng.uniform(0.2, 0.5))
        page += shadow * np.float32(letters - paper)
    return page + ink * (np.float32(letters) - page)


def _record(rng: np.random.Generator, page: Grey) -> Grey:
    """A line as a bad camera, scanner or copy shows it, by one to three faults."""
    faults = (_soften, _blur, _shake, _add_noise, _squeeze, _soil, _scratch)
    weights = np.array([0.22, 0.2, 0.06, 0.22, 0.18, 0.06, 0.06])
    count = int(rng.choice([0, 1, 2, 3], p=[0.1, 0.4, 0.3, 0.2]))
    for which in sorted(rng.choice(len(faults), count, replace=False, p=weights)):
        page = faults[which](rng, page)
    return page


def _soften(rng: np.random.Generator, page: Grey) -> Grey:
    """Recorded in fewer pixels and enlarged."""
    rows = int(rng.integers(11, 28))
    size = max(4, page.shape[1] * rows // LINE_HEIGHT), rows
    small = cv2.resize(page, size, interpolation=cv2.INTER_AREA)
    method = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    return cv2.resize(small, page.shape[::-1], interpolation=method).astype(np.float32, copy=False)


def _blur(rng: np.random.Generator, page: Grey) -> Grey:
    return np.asarray(cv2.GaussianBlur(page, (0, 0), log_uniform(rng, 0.4, 1.7)), np.float32)


def _shake(rng: np.random.Generator, page: Grey) -> Grey:
    kernel = np.zeros((5, 5), np.float32)
    end = tuple(int(v) for v in rng.integers(0, 5, 2))
    cv2.line(kernel, end, (4 - end[0], 4 - end[1]), 1.0, 1)
    kernel[2, 2] = 1.0
    return np.asarray(cv2.filter2D(page, -1, kernel / kernel.sum()), np.float32)


def _add_noise(rng: np.random.Generator, page: Grey) -> Grey:
    """A sensor's noise, of at most a third of the contrast: what is below it nobody reads."""
    most = min(32.0, 0.35 * float(np.ptp(page)))
    sigma = rng.uniform(0.05, 1.0) * most
    noise = rng.standard_normal(page.shape, np.float32)
    if rng.random() < 0.3:
        noise = np.asarray(cv2.GaussianBlur(noise, (3, 3), 0.7), np.float32) * np.float32(1.8)
    page = page + np.float32(sigma) * noise
    if rng.random() < 0.15:
        specks = rng.random(page.shape, np.float32) < rng.uniform(0.002, 0.02)
        page[specks] = rng.choice(np.array([0.0, 255.0], np.float32), int(specks.sum()))
    return page


def _squeeze(rng: np.random.Generator, page: Grey) -> Grey:
    return _compress(rng, page, (10, 70))


def _compress(rng: np.random.Generator, page: Grey, quality: tuple[int, int]) -> Grey:
    pixels = page.clip(0.0, 255.0).astype(np.uint8)
    setting = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(*quality))]
    _, data = cv2.imencode(".jpg", pixels, setting)
    decoded = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    assert decoded is not None
    return decoded.astype(np.float32)


def _soil(rng: np.random.Generator, page: Grey) -> Grey:
    """A stain through which the letters are seen."""
    field = smooth_noise(rng, _shape(page), log_uniform(rng, 8.0, 60.0))
    depth = np.float32(rng.uniform(-0.35, 0.35) * float(np.ptp(page)))
    return page + depth * (field > np.float32(0.6)).astype(np.float32)


def _scratch(rng: np.random.Generator, page: Grey) -> Grey:
    """One or two hairlines across the line."""
    colour = float(rng.uniform(0.0, 255.0))
    page = np.ascontiguousarray(page)
    for _ in range(int(rng.integers(1, 3))):
        ends = rng.uniform((0.0, -10.0), (page.shape[1], LINE_HEIGHT + 10.0), (2, 2)).astype(int)
        cv2.line(page, ends[0].tolist(), ends[1].tolist(), colour, 1, cv2.LINE_AA)
    return page


def _shape(page: Grey) -> tuple[int, int]:
    return page.shape[0], page.shape[1]
