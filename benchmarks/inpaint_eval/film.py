"""Film damage laid over pictures: real dust, hairs and dirt where they really lie, and scratches.

How film is damaged, and what is drawn of it here:

- Dust is white in the print of a negative, and black on a slide; now and then the other.
- Half of the pieces are of 5 or 6 pixels on a scan of 800 lines, faint, a third of full contrast.
- Hairs and lint have soft edges and let the picture through.
- Scratches of the emulsion are tinted and run straight along the film, broken into dashes; a deep
  one over the whole length has fainter ones beside it.
- Scanners sharpen, so that damage has halos. Grain lies over everything, and is no damage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.damage import VISIBLE
from inpaint_eval.drawing import (
    Colour,
    Coverage,
    Shape,
    add_grain,
    compress,
    log_uniform,
    paint,
    sharpen,
)
from inpaint_eval.film_library import DIRT, DUST, LONG_HAIR, SCRATCH, SHORT_HAIR, FilmLibrary, Frame
from inpaint_eval.pictures import Pixels, read_picture
from inpaint_eval.splits import list_split

LINES = (800.0, 3000.0)
"""Range of the heights of scans that pictures are parts of, in pixels."""

FAINT = 4
"""Of 255: opacity from which on a pixel is under a piece, whether or not that can be seen."""

TINTS = np.array(
    [[0.5, 0.9, 0.4], [0.95, 0.9, 0.4], [0.4, 0.6, 0.95], [0.5, 0.9, 0.9], [0.95, 0.95, 0.95]],
    np.float32,
)
"""Colours of scratched emulsion, by how deep the scratch goes: green, yellow, blue, cyan, white."""


PIECES = ("dust", "hair", "scratch", "stain")
"""Sorts of pieces as people tell them apart; ``dust`` is dirt too."""

_PIECE_OF = {
    DUST: "dust",
    DIRT: "dust",
    SHORT_HAIR: "hair",
    LONG_HAIR: "hair",
    SCRATCH: "scratch",
}


class _Layers:
    """Opacity that is collected by kind and colour before it is laid over a picture."""

    def __init__(self, shape: Shape, colours: Mapping[str, Colour]) -> None:
        self.shape = shape
        self.colours = dict(colours)
        self.maps: dict[tuple[str, str], Coverage] = {}
        self.pieces: dict[str, Coverage] | None = None

    def at(self, kind: str, colour: str) -> Coverage:
        """The map, [H, W], to be changed in place. colour: a key of ``colours``."""
        key = kind, colour
        if key not in self.maps:
            self.maps[key] = np.zeros(self.shape, np.uint8)
        return self.maps[key]

    def add(self, kind: str, colour: str, stamp: Coverage, left: int, top: int, piece: str) -> None:
        """Joins a stamp, cut where it leaves the map. piece: one of :data:`PIECES`."""
        height, width = stamp.shape
        x0, x1 = max(0, left), min(self.shape[1], left + width)
        y0, y1 = max(0, top), min(self.shape[0], top + height)
        if x0 < x1 and y0 < y1:
            inside = stamp[y0 - top : y1 - top, x0 - left : x1 - left]
            part = self.at(kind, colour)[y0:y1, x0:x1]
            cv2.max(part, inside, dst=part)
            if self.pieces is not None:
                part = self.of_pieces(piece)[y0:y1, x0:x1]
                cv2.max(part, inside, dst=part)

    def of_pieces(self, piece: str) -> Coverage:
        """Where pieces of a sort lie, [H, W], to be changed in place."""
        assert self.pieces is not None
        return self.pieces.setdefault(piece, np.zeros(self.shape, np.uint8))

    def lay_over(self, picture: Pixels, blur: float) -> dict[str, Coverage]:
        """Paints on a picture, in place, and returns each kind's opacity."""
        alphas: dict[str, Coverage] = {}
        for (kind, colour), coverage in self.maps.items():
            soft = cv2.GaussianBlur(coverage, (0, 0), blur) if blur > 0.2 else coverage
            alpha = np.asarray(soft, np.uint8)
            paint(picture, alpha, self.colours[colour])
            alphas[kind] = np.maximum(alphas[kind], alpha) if kind in alphas else alpha
        if self.pieces is not None and blur > 0.2:
            for piece, coverage in self.pieces.items():
                soft = cv2.GaussianBlur(coverage, (0, 0), blur)
                self.pieces[piece] = np.asarray(soft, np.uint8)
        return alphas


class FilmDamage:
    """Draws film damage from a library; cheap for an item, slow to make.

    library: of one split, so that what is measured on was not trained on. even: whether rare sorts
    of pieces are looked for as often as frequent ones, to learn them; hairs lie on few frames.
    """

    def __init__(self, library: FilmLibrary, *, even: bool = False) -> None:
        self.library = library
        self.even = even

    def paint(
        self,
        rng: np.random.Generator,
        picture: Pixels,
        pieces: dict[str, Coverage] | None = None,
    ) -> dict[str, Coverage]:
        """Damages an RGB picture, uint8 [H, W, 3], in place.

        Returns the opacity, [H, W], of ``scratch`` (hairs, lint and scratches), ``speck`` (dust and
        dirt) and ``stain``, of those that there are.

        pieces: an empty dict that is filled with the opacity of each of :data:`PIECES` that there
        is, which tells hairs from scratches.
        """
        light_share = float(rng.choice([0.8, 0.35, 0.55], p=[0.55, 0.25, 0.2]))
        layers = _Layers(
            (picture.shape[0], picture.shape[1]),
            {
                "light": (rng.uniform(0.8, 1.0) - rng.uniform(0.0, 0.08, 3)).astype(np.float32),
                "dark": (rng.uniform(0.0, 0.15) + rng.uniform(0.0, 0.05, 3)).astype(np.float32),
            },
        )
        layers.pieces = pieces
        lines = log_uniform(rng, *LINES)
        chance = rng.random()
        if chance < 0.85:
            self._pieces(rng, layers, lines, light_share)
        if chance > 0.85 or rng.random() < 0.3:
            _straight_scratches(rng, layers, lines)
        if rng.random() < 0.08:
            self._cluster(rng, layers, lines, light_share)
        if rng.random() < 0.08:
            self._stain(rng, layers)
        return layers.lay_over(picture, float(rng.uniform(-0.4, 0.8)))

    def _pieces(
        self, rng: np.random.Generator, layers: _Layers, lines: float, light_share: float
    ) -> None:
        """A window of a frame: its pieces where they lie, or a part of them."""
        frame = self.library.frames[rng.integers(len(self.library.frames))]
        scale = lines / frame.height
        upright = rng.random() < 0.5
        height, width = layers.shape[::-1] if upright else layers.shape
        found, corner = _window(rng, frame, (height, width), scale, even=self.even)
        most = round(log_uniform(rng, 2.0, 100.0))
        if len(found) > most:
            found = rng.permutation(found)[:most]
        for index in found:
            label, mask = int(frame.labels[index]), frame.masks[index]
            x, y = (frame.boxes[index, :2] - corner) * scale
            longest = max(mask.shape) * scale
            if label != SCRATCH and rng.random() < 0.5:
                longest *= float(np.exp(rng.normal(0.0, 0.2)))
                stamp = _resized(rng, self._shape(rng, label), longest)
            else:
                stamp = _resized(rng, mask, longest)
            if upright:
                stamp, x, y = stamp.T, y, x
            kind = "speck" if label in (DUST, DIRT) else "scratch"
            colour = "light" if rng.random() < light_share else "dark"
            strong = log_uniform(rng, 0.12, 1.0)
            faded = cv2.convertScaleAbs(stamp, alpha=strong).astype(np.uint8, copy=False)
            layers.add(kind, colour, faded, round(x), round(y), _PIECE_OF[label])

    def _shape(self, rng: np.random.Generator, label: int) -> Coverage:
        """One of the library's, of a class that fits."""
        if label == DUST or (label == DIRT and rng.random() < 0.6):
            return self.library.specks[rng.integers(len(self.library.specks))]
        names = {
            DIRT: ("dots", "smut", "lint"),
            SHORT_HAIR: ("hair-short", "hair-short", "lint"),
            LONG_HAIR: ("hair", "hair", "lint"),
        }[label]
        return self._of_class(rng, names[rng.integers(len(names))])

    def _of_class(self, rng: np.random.Generator, name: str) -> Coverage:
        shapes = self.library.shapes[name]
        return shapes[rng.integers(len(shapes))]

    def _cluster(
        self, rng: np.random.Generator, layers: _Layers, lines: float, light_share: float
    ) -> None:
        """Many specks or fine scratches that came together, 400 pixels wide on 2500 lines."""
        name = ("dirt", "spots", "sprinkles", "scratches")[rng.integers(4)]
        longest = 400.0 * lines / 2500.0 * rng.uniform(0.5, 1.5)
        stamp = _resized(rng, self._of_class(rng, name), longest)
        stamp = np.asarray(cv2.convertScaleAbs(stamp, alpha=log_uniform(rng, 0.15, 1.0)), np.uint8)
        left, top = (round(rng.random() * n - s / 2) for n, s in _sides(layers, stamp))
        colour = "light" if rng.random() < light_share else "dark"
        if name == "scratches":
            layers.add("scratch", colour, stamp, left, top, "scratch")
        else:
            layers.add("speck", colour, stamp, left, top, "dust")

    def _stain(self, rng: np.random.Generator, layers: _Layers) -> None:
        """What dried on the film: large, faint and tinted."""
        longest = log_uniform(rng, 0.15, 1.3) * max(layers.shape)
        stamp = _resized(rng, self._of_class(rng, ("stain", "smut")[rng.integers(2)]), longest)
        stamp = np.asarray(cv2.convertScaleAbs(stamp, alpha=rng.uniform(0.12, 0.6)), np.uint8)
        left, top = (round(rng.random() * n - s / 2) for n, s in _sides(layers, stamp))
        layers.colours["stain"] = np.clip(
            rng.uniform(0.1, 0.9) + rng.normal(0.0, 0.12, 3), 0.0, 1.0
        ).astype(np.float32)
        layers.add("stain", "stain", stamp, left, top, "stain")


def _sides(layers: _Layers, stamp: Coverage) -> list[tuple[int, int]]:
    """Widths and heights, of the picture and of a stamp."""
    return [(layers.shape[1], stamp.shape[1]), (layers.shape[0], stamp.shape[0])]


def _window(
    rng: np.random.Generator, frame: Frame, shape: Shape, scale: float, *, even: bool
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Pieces in a window of a frame, and its left and top, in the frame's pixels.

    Half of the windows are around a piece, since most of a frame is empty.
    """
    size = np.array([shape[1], shape[0]]) / scale
    room = np.maximum(np.array([frame.width, frame.height]) - size, 0.0)
    corner = rng.random(2) * room
    if rng.random() < 0.5 and len(frame.labels):
        chosen = rng.integers(len(frame.labels))
        if even:
            sorts = np.unique(frame.labels)
            chosen = rng.choice(np.flatnonzero(frame.labels == sorts[rng.integers(len(sorts))]))
        box = frame.boxes[chosen]
        corner = np.clip(box[:2] + box[2:] / 2.0 - rng.random(2) * size, 0.0, room)
    starts, ends = frame.boxes[:, :2] - corner, frame.boxes[:, :2] + frame.boxes[:, 2:] - corner
    inside = ((ends > 0.0) & (starts < size)).all(axis=1)
    return np.flatnonzero(inside), corner


def _resized(rng: np.random.Generator, shape: Coverage, longest: float) -> Coverage:
    """A shape whose longer side has so many pixels, mirrored by chance, anyhow between pixels."""
    scale = longest / max(shape.shape)
    if rng.random() < 0.5:
        shape = shape[:, ::-1]
    if rng.random() < 0.5:
        shape = shape[::-1]
    # Up to a pixel of empty border before, and enough behind, puts small specks between pixels.
    before = (rng.random(2) / scale).astype(int)
    size = np.ceil((before + shape.shape) * scale + 0.5).astype(int)
    behind = np.maximum(0, np.ceil(size / scale).astype(int) - before - shape.shape)
    padded = cv2.copyMakeBorder(
        np.ascontiguousarray(shape),
        int(before[0]),
        int(behind[0]),
        int(before[1]),
        int(behind[1]),
        cv2.BORDER_CONSTANT,
        value=0,
    )
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    target = int(size[1]), int(size[0])
    return cv2.resize(padded, target, interpolation=method).astype(np.uint8, copy=False)


class StraightScratches:
    """Draws level and upright scratches of 2 to 4 pixels and nothing else."""

    def paint(
        self,
        rng: np.random.Generator,
        picture: Pixels,
        pieces: dict[str, Coverage] | None = None,
    ) -> dict[str, Coverage]:
        """As :meth:`FilmDamage.paint` does."""
        layers = _Layers((picture.shape[0], picture.shape[1]), {})
        layers.pieces = pieces
        _straight_scratches(rng, layers, LINES[0], (2.0, 4.0))
        return layers.lay_over(picture, float(rng.uniform(-0.4, 0.8)))


def _straight_scratches(
    rng: np.random.Generator,
    layers: _Layers,
    lines: float,
    widths: tuple[float, float] = (0.7, 2.2),
) -> None:
    """Along the film, level or upright: dashes anywhere, or a long one with fainter ones beside.

    widths: in pixels, on a scan of the fewest lines.
    """
    upright = rng.random() < 0.5
    long = rng.random() < 0.5
    across, along = layers.shape[::-1] if upright else layers.shape
    middle = rng.uniform(0.0, across)
    grown = (lines / LINES[0]) ** 0.5
    colour = f"scratch {len(layers.maps)}"
    tint = TINTS[rng.integers(len(TINTS))] + rng.normal(0.0, 0.06, 3)
    if rng.random() < 0.15:
        tint = rng.uniform(0.0, 0.15, 3)
    layers.colours[colour] = np.clip(tint, 0.0, 1.0).astype(np.float32)
    target = layers.at("scratch", colour)
    target = target.T if upright else target
    for number in range(int(rng.integers(1, 6))):
        deep = long and number == 0
        y = middle + (0.0 if deep else rng.normal(0.0, 9.0)) if long else rng.uniform(0.0, across)
        line = y + rng.normal(0.0, 0.004) * np.arange(-along / 2, along / 2)
        line = line + rng.uniform(0.0, 0.6) * _noise_along(rng, along, 80.0)
        width = log_uniform(rng, *widths) * grown
        strength = rng.uniform(0.4, 1.0) if deep else log_uniform(rng, 0.15, 0.8)
        if deep or (long and rng.random() < 0.5):
            kept = np.clip(0.8 + 0.5 * _noise_along(rng, along, log_uniform(rng, 4.0, 60.0)), 0, 1)
        else:
            kept = _dashes(rng, along, grown)
        top = max(0, int(line.min() - width - 2.0))
        bottom = min(across, int(line.max() + width + 3.0))
        if top >= bottom:
            continue
        distance = np.abs(np.arange(top, bottom)[:, None] - line)
        profile = np.clip(width / 2.0 + 0.5 - distance, 0.0, min(1.0, width)) * kept
        part = target[top:bottom]
        np.maximum(part, (255.0 * strength * profile).astype(np.uint8), out=part)
    if layers.pieces is not None:
        known = layers.of_pieces("scratch")
        np.maximum(known, layers.at("scratch", colour), out=known)


def _noise_along(rng: np.random.Generator, length: int, cell: float) -> NDArray[np.float64]:
    """Smooth noise along a line."""
    knots = rng.standard_normal(max(2, round(length / cell) + 2))
    return np.interp(np.linspace(0.0, len(knots) - 1.0, length), np.arange(len(knots)), knots)


def _dashes(rng: np.random.Generator, length: int, grown: float) -> NDArray[np.float64]:
    """1 on dashes of 5 to 60 pixels and 0 between them, one to many; [length]."""
    kept = np.zeros(length)
    gap = log_uniform(rng, 4.0, 300.0)
    at = rng.uniform(-gap, length)
    while at < length:
        dash = log_uniform(rng, 5.0, 60.0) * grown
        kept[max(0, int(at)) : max(0, int(at + dash))] = rng.uniform(0.5, 1.0)
        at += dash + gap * rng.exponential()
    return kept


@dataclass(frozen=True)
class FilmDamaged:
    """A picture under film damage; maps are uint8 [H, W].

    picture, clean: RGB [H, W, 3], the second as scanned from an undamaged film.
    kinds: ``scratch``, ``speck`` and ``stain``: 255 where such damage can be seen.
    pieces: the same for each of :data:`PIECES`.
    alpha: opacity of all damage. ignored: 255 where a pixel counts neither as damaged nor as
    undamaged: under a piece that cannot be seen there, or within a pixel of one.
    """

    picture: Pixels
    clean: Pixels
    kinds: dict[str, Coverage]
    pieces: dict[str, Coverage]
    alpha: Coverage
    ignored: Coverage


FILM_KINDS = ("scratch", "speck", "stain")


def damage_film(
    rng: np.random.Generator, clean: Pixels, damage: FilmDamage | StraightScratches
) -> FilmDamaged:
    """A picture as scanned from film that is grainy and damaged.

    clean: uint8 RGB [H, W, 3]. What lies below twice the grain's deviation, or below
    :data:`inpaint_eval.damage.VISIBLE`, cannot be seen.
    """
    grain = log_uniform(rng, 0.004, 0.05) if rng.random() < 0.8 else 0.0
    before = clean
    if grain > 0.0:
        size, colourful = float(rng.uniform(0.0, 1.2)), float(rng.uniform(0.2, 1.0))
        before = add_grain(rng, clean, grain, size=size, colourful=colourful)
    after = before.copy()
    opacities: dict[str, Coverage] = {}
    alphas = damage.paint(rng, after, opacities)
    threshold = max(VISIBLE, 510.0 * grain)
    kinds, ignored = label(before, after, alphas, threshold)
    pieces, _ = label(before, after, opacities, threshold)
    if rng.random() < 0.5:
        sigma, amount = float(rng.uniform(0.6, 1.5)), float(rng.uniform(0.2, 1.2))
        before, after = (sharpen(picture, sigma, amount) for picture in (before, after))
    if rng.random() < 0.5:
        quality = int(rng.integers(60, 98))
        before, after = (compress(picture, ".jpg", quality) for picture in (before, after))
    empty = np.zeros(clean.shape[:2], np.uint8)
    alpha = empty
    for part in alphas.values():
        alpha = np.maximum(alpha, part)
    every = {kind: kinds.get(kind, empty) for kind in FILM_KINDS}
    sorts = {piece: pieces.get(piece, empty) for piece in PIECES}
    return FilmDamaged(after, before, every, sorts, alpha, ignored)


def film_pictures(
    root: Path,
    folder: str,
    seed: int = 26,
    *,
    limit: int | None = None,
    damage: FilmDamage | StraightScratches | None = None,
) -> Iterator[FilmDamaged]:
    """A folder's held-out pictures, in order, under damage: the same every time.

    root: of the data. folder: below it, as :mod:`inpaint_eval.splits` has it. limit: how many of
    the pictures, spread evenly; the damage of one does not depend on it. damage: the held-out
    part's, if None.
    """
    damage = damage or FilmDamage(FilmLibrary.read(root, "held-out"))
    paths = list_split(root, folder, "held-out")
    count = len(paths) if limit is None else min(limit, len(paths))
    for index in ((2 * i + 1) * len(paths) // (2 * count) for i in range(count)):
        path = paths[index]
        clean = np.asarray(cv2.cvtColor(read_picture(path), cv2.COLOR_BGR2RGB), np.uint8)
        yield damage_film(np.random.default_rng((seed, index)), clean, damage)


def changed(before: Pixels, after: Pixels) -> Coverage:
    """The largest difference over channels, uint8 [H, W]."""
    red, green, blue = cv2.split(cv2.absdiff(before, after))
    return cv2.max(cv2.max(red, green), blue).astype(np.uint8, copy=False)


def label(
    before: Pixels, after: Pixels, alphas: Mapping[str, Coverage], threshold: float
) -> tuple[dict[str, Coverage], Coverage]:
    """Where each kind can be seen, and where a pixel is to be ignored; 255 there, [H, W].

    alphas: opacity by kind; a pixel is of those kinds that are at least half as opaque as the most
    opaque one. threshold: of 255, the change from which on it can be seen.
    """
    empty = np.zeros(before.shape[:2], np.uint8)
    if not alphas:
        return {}, empty
    visible = changed(before, after) >= threshold
    most = np.maximum.reduce(list(alphas.values()))
    kinds = {
        kind: np.multiply(visible & (alpha > FAINT) & (alpha >= most // 2), 255, dtype=np.uint8)
        for kind, alpha in alphas.items()
    }
    marked = np.maximum.reduce(list(kinds.values()))
    around = cv2.dilate(marked, np.ones((3, 3), np.uint8)) > 0
    ignored = (around | (most > FAINT)) & (marked == 0)
    return kinds, np.multiply(ignored, 255, dtype=np.uint8)
