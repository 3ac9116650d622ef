"""The pictures that film damage is measured on, and what is counted on undamaged ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from inpaint_eval.damage import Damaged, damage_held_out
from inpaint_eval.film import FilmDamaged, film_pictures
from inpaint_eval.pictures import Pixels
from inpaint_eval.scores import psnr_of
from inpaint_eval.splits import list_split
from inpaint_eval.undamaged import EACH, Undamaged, undamaged_photographs, undamaged_pictures
from inpaint_export.data.photos import read_rgb
from inpaint_export.training.validation import evenly_spread

_T = TypeVar("_T")

INPAINTER = "photo"
"""What fills the damage that detectors find."""

FOLDERS = ("photos/val", "photos/more")

COMPOSITES = "held-out film damage"
"""What model files call the composites."""

HELD_OUT_KINDS: Mapping[str, tuple[str, ...]] = {
    "scratch": ("scratches", "cracks", "hairs", "folds"),
    "speck": ("dust", "pixels"),
    "stain": ("stains", "fading", "corners"),
    "overlay": ("text", "logos"),
    "sensor": ("lines", "dirt", "drops"),
}
"""A detector's kinds to those of :mod:`inpaint_eval.held_out_damage`, damage of another drawer."""

OTHER_DAMAGE = 29
"""Seed of it."""

WORSE = 0.1
"""In dB; a restored picture that loses more was made worse."""


@dataclass(frozen=True)
class Sizes:
    """How many pictures, at most; they are spread evenly over a folder.

    composites: of each folder. hard: drawn ones of every kind. photographs: hard ones.
    straight: with straight scratches. held_out: under every other kind of damage. tuned: that the
    peer is tuned on.
    """

    composites: int = 500
    hard: int = EACH
    photographs: int = 80
    straight: int = 80
    held_out: int = 8
    tuned: int = 24

    @classmethod
    def limited(cls, limit: int) -> Sizes:
        """At most so many of each."""
        return cls(*(min(limit, count) for count in asdict(cls()).values()))

    def described(self, root: Path) -> dict[str, Any]:
        """As result files have them, with how many composites of each folder there are."""
        described: dict[str, Any] = asdict(self)
        described["composites"] = {folder: self._composites_of(root, folder) for folder in FOLDERS}
        described["damage"] = "film/frames 08 to 10, film/shapes whose number is divisible by 5"
        return described

    def _composites_of(self, root: Path, folder: str) -> int:
        return min(self.composites, len(list_split(root, folder, "held-out")))


def composites(root: Path, sizes: Sizes) -> Iterator[tuple[str, FilmDamaged]]:
    """Names and pictures of held-out photographs under held-out film damage."""
    for folder, total in sizes.described(root)["composites"].items():
        items = film_pictures(root, folder, limit=sizes.composites)
        for index, item in enumerate(shown(items, folder, total)):
            yield f"{folder} {index}", item


def hard_pictures(root: Path, sizes: Sizes) -> Iterator[tuple[str, str, Undamaged]]:
    """Groups, names and pictures: undamaged ones in which much looks like damage."""
    groups: tuple[tuple[str, Iterable[Undamaged], int], ...] = (
        ("hard, drawn", undamaged_pictures(sizes.hard), 20 * sizes.hard),
        ("hard, photographs", undamaged_photographs(root, sizes.photographs), sizes.photographs),
    )
    for group, items, total in groups:
        numbers: dict[str, int] = {}
        for item in shown(items, group, total):
            number = numbers[item.kind] = numbers.get(item.kind, -1) + 1
            yield group, f"{item.kind} {number}", item


def other_damage(root: Path, kind: str, count: int) -> Iterator[tuple[str, Damaged, Pixels]]:
    """Photographs under another drawer's damage of a detector's kind.

    count: of photographs, each under every damage of the kind. Yields the damage's name, the
    damaged picture and the same undamaged.
    """
    clean = [read_rgb(path) for path in evenly_spread(root / FOLDERS[0], count)]
    number, drawn = list(HELD_OUT_KINDS).index(kind), HELD_OUT_KINDS[kind]
    for index, name in enumerate(shown(drawn, kind, len(drawn))):
        for which, picture in enumerate(clean):
            rng = np.random.default_rng((OTHER_DAMAGE, number, index, which))
            yield name, damage_held_out(rng, picture, name), picture


def shown(items: Iterable[_T], title: str, total: int) -> Iterator[_T]:
    """The items, with a bar that shows how many of them are done."""
    yield from tqdm(items, desc=title, total=total, unit="picture", disable=None)


@dataclass
class Clean:
    """Marks on undamaged pictures. worst: share of the pixels and name of the worst picture."""

    pictures: int = 0
    pixels: int = 0
    marked: int = 0
    over_half_percent: int = 0
    worst: tuple[float, str] = (0.0, "")
    text: int = 0
    text_marked: int = 0

    def add(self, name: str, mask: Pixels, text: Pixels | None = None) -> None:
        """One picture. mask: nonzero where it is marked or changed. text: where it has text."""
        marked = int(np.count_nonzero(mask))
        self.pictures += 1
        self.pixels += mask.size
        self.marked += marked
        self.over_half_percent += marked > 0.005 * mask.size
        self.worst = max(self.worst, (marked / mask.size, name))
        if text is not None:
            self.text += int(np.count_nonzero(text))
            self.text_marked += int(np.count_nonzero((text > 0) & (mask > 0)))

    def figures(self) -> dict[str, Any]:
        """As the result file has them."""
        found: dict[str, Any] = {
            "pictures": self.pictures,
            "marked": round(self.marked / max(1, self.pixels), 7),
            "worst": round(self.worst[0], 6),
            "worst_picture": self.worst[1],
            "over_half_percent": self.over_half_percent,
        }
        if self.text:
            found["text_marked"] = round(self.text_marked / self.text, 6)
        return found


def squared_error(picture: Pixels, clean: Pixels) -> float:
    """Mean squared, of 255."""
    return float(cv2.norm(picture, clean, cv2.NORM_L2SQR)) / clean.size


psnrs = np.vectorize(psnr_of, otypes=[float])
"""PSNR in dB of each mean squared error in an array."""


def rounded(values: NDArray[np.float64]) -> list[float]:
    """For result files."""
    return [round(float(value), 3) for value in values]
