"""Photographs under all kinds of damage, told apart: film, prints, overlays and sensors."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inpaint_eval.damage import VISIBLE
from inpaint_eval.drawing import Coverage, add_grain, compress, log_uniform, paper, sharpen
from inpaint_eval.film import FilmDamage, changed, label
from inpaint_eval.film_library import FilmLibrary
from inpaint_export.data import overlays, print_damage, sensor_damage, worn_prints
from inpaint_export.data.photos import PhotoItems, Picture, random_crop, recolour, to_tensor
from inpaint_export.data.scene_patterns import scene_pattern
from inpaint_export.data.scene_text import scene_text
from inpaint_sdk.options import OVERLAY

KINDS = ("scratch", "speck", "stain", "overlay", "sensor")
"""In the order of the channels."""

LARGEST = 0.5
"""Share of a picture that may be damaged; beyond it there is nothing to compare with."""

BUSY_OF = 6
"""Places, each in a photograph of its own, of which the busiest is taken."""

STANDS_OUT = 24
"""Of 255, the least difference from the median around a pixel that looks like damage."""

_Painter = Callable[[np.random.Generator, Picture], None]

_PRINT: Sequence[tuple[str, _Painter, float]] = (
    ("scratch", worn_prints.cracks, 3.0),
    ("scratch", worn_prints.creases, 1.5),
    # Often, for one straight line alone is a scratch: in few pictures, it was taken for a wire.
    ("scratch", print_damage.scratches, 4.0),
    ("scratch", print_damage.hairs, 0.7),
    ("speck", print_damage.dust, 1.5),
    ("stain", worn_prints.flakes, 2.0),
    ("stain", worn_prints.foxing, 1.0),
    ("stain", worn_prints.worn_edges, 1.5),
    ("stain", print_damage.corners, 1.0),
    ("stain", print_damage.stains, 1.5),
    ("stain", print_damage.fading, 0.7),
)
_OVERLAY: Sequence[tuple[str, _Painter, float]] = (
    (OVERLAY, overlays.text, 2.0),
    (OVERLAY, overlays.logos, 1.0),
)
_SENSOR: Sequence[tuple[str, _Painter, float]] = (
    ("speck", sensor_damage.pixels, 1.0),
    ("sensor", sensor_damage.lines, 1.5),
    ("sensor", sensor_damage.dirt, 1.0),
    ("sensor", sensor_damage.drops, 0.5),
)
"""Kind, what draws it, and its relative frequency within its family."""


@dataclass(frozen=True)
class FilmDamageDataConfig:
    """Photographs below folders, damaged; what film suffers is real, from ``film`` below the root.

    folders: of photographs, below the data root; their training part is used.
    crop: side of the square crops in pixels. scale: range of the factor by which a picture is
    resized before it is cropped.
    families: relative frequency of ``film``, ``print``, ``digital`` (overlays and sensors) and
    ``none``, the undamaged. Film and prints have an overlay or a sensor's damage now and then.
    scene_text: share of items in whose scene there is drawn text, which is no damage.
    patterns: share of items in whose scene much repeats, which is no damage either.
    busy: share of items that are cut where the scene itself has most that stands out from its
    surroundings, of :data:`BUSY_OF` places: brick, hair, gravel, grids, lights.
    """

    folders: tuple[str, ...] = ("photos/train", "photos/more")
    crop: int = 272
    scale: tuple[float, float] = (0.75, 1.05)
    families: Mapping[str, float] = field(
        default_factory=lambda: {"film": 0.45, "print": 0.25, "digital": 0.15, "none": 0.15}
    )
    scene_text: float = 0.15
    patterns: float = 0.0
    busy: float = 0.0

    def __post_init__(self) -> None:
        unknown = set(self.families) - set(FAMILIES)
        if unknown:
            raise ValueError(f"unknown families {sorted(unknown)}; there are {list(FAMILIES)}")

    def open(self, root: Path, *, seed: int, length: int) -> FilmDamagedPhotos:
        """Reads the photographs and the film damage; see :class:`FilmDamagedPhotos`."""
        return FilmDamagedPhotos(root, self, seed=seed, length=length)


@dataclass(frozen=True)
class LabelledDamage:
    """A damaged picture and what is wrong with it.

    picture: uint8 [H, W, 3], RGB. kinds: uint8 [K, H, W] in the order of :data:`KINDS`, 255 where
    the kind can be seen. ignored: uint8 [H, W], 255 where a pixel teaches nothing: within a pixel
    of damage, or where damage is hidden. clean: the picture as it would have been scanned without
    physical damage, with the same grain, overlays and compression.
    """

    picture: Picture
    kinds: NDArray[np.uint8]
    ignored: Coverage
    clean: Picture

    @property
    def physical(self) -> Coverage:
        """255 where damage can be seen that is not laid over the picture, uint8 [H, W]."""
        kinds = [plane for kind, plane in zip(KINDS, self.kinds, strict=True) if kind != OVERLAY]
        return np.maximum.reduce(kinds)


class _Damaging:
    """A picture that is damaged step by step, and what each step did."""

    def __init__(self, picture: Picture, threshold: float) -> None:
        """threshold: of 255, the change from which on damage can be seen."""
        self.picture = self.clean = picture
        self.threshold = threshold
        self.kinds = np.zeros((len(KINDS), *picture.shape[:2]), np.uint8)
        self.hidden = np.zeros(picture.shape[:2], np.uint8)

    def draw(self, rng: np.random.Generator, kind: str, painter: _Painter) -> None:
        """One kind of damage, which is wherever the picture changes; gaps of a pixel are closed."""
        after, clean = self.picture.copy(), self.clean
        if kind == OVERLAY:
            clean = clean.copy()
            painter(copy.deepcopy(rng), clean)
        painter(rng, after)
        change = changed(self.picture, after)
        seen = np.multiply(change >= self.threshold, 255, dtype=np.uint8)
        seen = np.asarray(cv2.morphologyEx(seen, cv2.MORPH_CLOSE, _SQUARE), np.uint8)
        if self._keep(after, {kind: seen}, np.multiply(change > 2, 255, dtype=np.uint8)):
            self.clean = clean

    def film(self, rng: np.random.Generator, damage: FilmDamage) -> None:
        """Film damage, whose opacity is known."""
        after = self.picture.copy()
        alphas = damage.paint(rng, after)
        self._keep(after, *label(self.picture, after, alphas, self.threshold))

    def _keep(self, after: Picture, seen: Mapping[str, Coverage], hidden: Coverage) -> bool:
        """Whether a step is kept: not where it would damage most of the picture."""
        kinds = self.kinds.copy()
        for kind, where in seen.items():
            np.maximum(kinds[KINDS.index(kind)], where, out=kinds[KINDS.index(kind)])
        if np.count_nonzero(kinds.max(axis=0)) > LARGEST * self.hidden.size:
            return False
        self.picture, self.kinds = after, kinds
        self.hidden = np.maximum(self.hidden, hidden)
        return True

    @property
    def ignored(self) -> Coverage:
        marked = self.kinds.max(axis=0)
        around = np.asarray(cv2.dilate(marked, _SQUARE), np.uint8)
        return np.where(marked > 0, np.uint8(0), np.maximum(around, self.hidden))


_SQUARE = np.ones((3, 3), np.uint8)


def _several(
    rng: np.random.Generator,
    damaging: _Damaging,
    family: Sequence[tuple[str, _Painter, float]],
    most: int,
) -> None:
    share = np.array([weight for *_, weight in family])
    count = min(len(family), int(rng.integers(1, most + 1)))
    for index in rng.choice(len(family), count, replace=False, p=share / share.sum()):
        kind, painter, _ = family[index]
        damaging.draw(rng, kind, painter)


def _film(rng: np.random.Generator, damaging: _Damaging, film: FilmDamage) -> None:
    damaging.film(rng, film)
    if rng.random() < 0.15:  # whatever touched it scratched it in any direction
        damaging.draw(rng, "scratch", print_damage.scratches)
    if rng.random() < 0.1:
        _several(rng, damaging, _OVERLAY, 1)


def _print(rng: np.random.Generator, damaging: _Damaging, film: FilmDamage) -> None:
    _several(rng, damaging, _PRINT, 4)
    if rng.random() < 0.3:
        damaging.film(rng, film)
    if rng.random() < 0.1:
        _several(rng, damaging, _OVERLAY, 1)


def _digital(rng: np.random.Generator, damaging: _Damaging, film: FilmDamage) -> None:
    if rng.random() < 0.7:
        _several(rng, damaging, _OVERLAY, 2)
    if rng.random() < 0.5:
        _several(rng, damaging, _SENSOR, 2)


def _none(rng: np.random.Generator, damaging: _Damaging, film: FilmDamage) -> None:
    pass


FAMILIES: Mapping[str, Callable[[np.random.Generator, _Damaging, FilmDamage], None]] = {
    "film": _film,
    "print": _print,
    "digital": _digital,
    "none": _none,
}


def damage_by_kind(
    rng: np.random.Generator,
    clean: Picture,
    film: FilmDamage,
    families: Mapping[str, float],
    text_share: float,
) -> LabelledDamage:
    """Ages a picture, damages it as one family does, and scans it.

    families, text_share: as :class:`FilmDamageDataConfig` has them. Neither ageing nor grain,
    borders, scene text, sharpening or compression is damage.
    """
    names = list(families)
    share = np.array([families[name] for name in names])
    family = names[int(rng.choice(len(names), p=share / share.sum()))]
    picture = clean
    if rng.random() < text_share:
        picture = picture.copy()
        scene_text(rng, picture)
    picture = _age(rng, picture, family)
    grain = 0.0
    if rng.random() < (0.5 if family == "digital" else 0.75):
        grain = log_uniform(rng, 0.004, 0.06)
        size, colourful = float(rng.uniform(0.0, 1.2)), float(rng.uniform(0.2, 1.0))
        picture = add_grain(rng, picture, grain, size=size, colourful=colourful)
    damaging = _Damaging(picture, max(VISIBLE, 510.0 * grain))
    FAMILIES[family](rng, damaging, film)
    both = [damaging.picture, damaging.clean]
    if rng.random() < 0.35:
        sigma, amount = float(rng.uniform(0.6, 1.5)), float(rng.uniform(0.2, 1.2))
        both = [sharpen(picture, sigma, amount) for picture in both]
    if rng.random() < 0.45:
        quality = int(rng.integers(40, 98))
        both = [compress(picture, ".jpg", quality) for picture in both]
    damaged, undamaged = both
    return LabelledDamage(damaged, damaging.kinds, damaging.ignored, undamaged)


def _age(rng: np.random.Generator, clean: Picture, family: str) -> Picture:
    """What happens to a whole picture before it is damaged: toning, its focus, a border."""
    picture = clean
    if family in ("print", "none") and rng.random() < 0.5:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        tone = (1.0, rng.uniform(0.8, 1.0), rng.uniform(0.55, 1.0))
        tone = tone if rng.random() < 0.7 else (1.0, 1.0, 1.0)
        planes = [cv2.convertScaleAbs(grey, alpha=gain) for gain in tone]
        picture = np.asarray(cv2.merge(planes), np.uint8)
    if rng.random() < 0.25:
        sigma = float(rng.uniform(0.4, 1.3))
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
    if rng.random() < 0.08:
        picture = picture.copy()
        _border(rng, picture, film=family != "print")
    return picture


def _border(rng: np.random.Generator, picture: Picture, *, film: bool) -> None:
    """One or two sides of a frame, black with a notch on film, or of a sheet, white."""
    edge = rng.uniform(0.0, 0.06, 3) if film else paper(rng)
    value = np.rint(255.0 * edge).astype(np.uint8)
    for side in rng.permutation(4)[: int(rng.integers(1, 3))]:
        turned = np.rot90(picture, int(side))
        width = round(log_uniform(rng, 2.0, 40.0))
        turned[:width] = value
        if film and rng.random() < 0.3:
            at, long = int(rng.integers(turned.shape[1])), round(log_uniform(rng, 6.0, 50.0))
            turned[: width + round(log_uniform(rng, 3.0, 25.0)), at : at + long] = value


def busyness(crop: Picture) -> float:
    """Share of the pixels that stand out from the 7x7 pixels around them, as thin damage does."""
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    out = cv2.absdiff(grey, cv2.medianBlur(grey, 7))
    return float(np.count_nonzero(out >= STANDS_OUT)) / out.size


class FilmDamagedPhotos(PhotoItems):
    """Damaged crops of photographs, and the damage by kind.

    Each item is a dict of uint8 tensors: ``image`` [3, crop, crop], RGB; ``kinds``
    [5, crop, crop], 255 where a kind of :data:`KINDS` can be seen; and ``ignore``
    [1, crop, crop], 255 where a pixel is to have no part in the loss.
    """

    def __init__(self, root: Path, config: FilmDamageDataConfig, *, seed: int, length: int) -> None:
        super().__init__(root, config.folders, seed=seed, length=length)
        self.config = config
        self.film = FilmDamage(FilmLibrary.read(root, "train"), even=True)

    def draw(self, rng: np.random.Generator, picture: Picture) -> dict[str, Tensor]:
        damaged = self.damage(rng, picture)
        return {
            "image": to_tensor(damaged.picture),
            "kinds": torch.from_numpy(damaged.kinds),
            "ignore": torch.from_numpy(damaged.ignored)[None],
        }

    def damage(self, rng: np.random.Generator, picture: Picture) -> LabelledDamage:
        """A crop of a photograph, or of a busier one, damaged."""
        config = self.config
        crop = random_crop(rng, picture, config.crop, config.scale)
        if rng.random() < config.busy:
            others = [self.pictures[other] for other in rng.choice(len(self.pictures), BUSY_OF - 1)]
            crops = [random_crop(rng, other, config.crop, config.scale) for other in others]
            crop = max([crop, *crops], key=busyness)
        crop = recolour(rng, crop)
        if rng.random() < config.patterns:
            crop = np.ascontiguousarray(crop)
            scene_pattern(rng, crop)
        return damage_by_kind(rng, crop, self.film, config.families, config.scene_text)
