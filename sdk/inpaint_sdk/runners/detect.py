"""A model for the task ``detect`` on a picture, and what it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends.base import ParallelSession
from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.errors import ModelError, OptionError
from inpaint_sdk.images.image import Image, Pixels, colours_of
from inpaint_sdk.images.masks import Mask, masked_fraction
from inpaint_sdk.images.tensors import (
    from_float01,
    image_tensor,
    require_finite,
    to_float01,
)
from inpaint_sdk.options import OVERLAY, DetectionOptions, Options
from inpaint_sdk.regions.boxes import Box, pixels_within
from inpaint_sdk.regions.crops import Crop, CropLimits, plan_crops
from inpaint_sdk.regions.grid import CELL, cells_touched
from inpaint_sdk.regions.tiles import cut_axes, run_tiled

MAX_SIDE = 1024
"""Longer side, in pixels, of the pictures whose damage looks as it does in training. A larger
picture is looked at in smaller sizes too: its scratches may be wide ones."""

ELEMENT = 8
"""Pixels up to which a mask is widened by an element, and not by distances."""

OVERLAP = 96
"""Of neighbouring tiles, in pixels. Half of 12 megapixels, of 1500x2000 or of a phone's 1512x2016,
are two tiles with it in the usual memory; with 128 they were three, and 7 to 9 % more work."""

WHOLE_PIXELS = 1 << 20
"""Pixels of the largest pictures that are looked at everywhere in their own size. A larger one is
looked at everywhere in half of it, and in its own where something may be seen there: what a pixel
or two wide stands out too little in half the size to be found, and enough to be noticed."""

HINT = 0.02
"""Probability in half the size from which on a place is looked at in the picture's own. What
smaller sizes alone see is wide, and found there."""

OUTLIER = 6.0
"""Times the mean difference of pixels from the 3x3 around them from which on one is looked at, too:
a sensor's dead pixels vanish in half the size."""

OUTLIER_FLOOR = 3
"""Added to that mean, of 255, so that flat areas are not full of outliers."""

CONTEXT = 32
"""Pixels that the network is shown on each side of a place, whose surroundings it saw in half the
size. With 16 or 24, more was marked in undamaged pictures."""

CROP_COST = 2048
"""What a run costs besides its pixels, in pixels."""

SMALL_PIXELS = 1 << 16
"""Pixels of the largest places that are looked at side by side, on a core each."""

Probability = NDArray[np.float32]
Planes = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Detection:
    """What a detector found in a picture.

    Attributes:
        kinds: kinds of damage that the detector tells apart.
        probabilities: float32 [K, H, W] from 0 to 1, one plane for each of ``kinds``.
        sought: those of ``kinds`` that were looked for; only they count for the masks.
        options: how sure the detector must be.

    Examples:
        >>> from inpaint_sdk import Detector
        >>> found = Detector.load().detect("photo.png")
        >>> found.mask.shape, found.probability("scratch").shape
        ((90, 130), (90, 130))
    """

    kinds: tuple[str, ...]
    probabilities: NDArray[np.float32]
    sought: tuple[str, ...]
    options: DetectionOptions

    def __post_init__(self) -> None:
        self.probabilities.flags.writeable = False  # masks are made of them when asked for

    def probability(self, kind: str | None = None) -> Probability:
        """How probable damage is, float32 [H, W] from 0 to 1.

        kind: one of ``kinds``; None for the largest of all that were looked for.

        Raises:
            OptionError: the detector does not tell such a kind apart.
        """
        first, *others = _indices(self.kinds, self.sought if kind is None else (kind,))
        plane: Probability = self.probabilities[first]
        if others:
            plane = plane.copy()
        for index in others:
            np.maximum(plane, self.probabilities[index], out=plane)
        return plane

    @cached_property
    def mask(self) -> Mask:
        """Where the picture is damaged: uint8 [H, W], 255 there, not widened."""
        return _read_only(self._regions[1])

    @cached_property
    def _regions(self) -> tuple[Mask, Mask]:
        """Where damage is probable, and where it is so on average over a region, too."""
        probability = self.probability()
        probable = _above(probability, self.options.threshold)
        return probable, _sure(probable, probability, self.options)

    @property
    def masked_fraction(self) -> float:
        """Share of the pixels that are damaged, from 0 to 1."""
        return masked_fraction(self.mask)

    def kind_mask(self, kind: str) -> Mask:
        """Where the mask is and a kind is the most probable of those looked for: uint8 [H, W].

        Raises:
            OptionError: the kind was not looked for.
        """
        index = _indices(self.sought, (kind,))[0]
        places, most_probable = self._most_probable
        of_kind = np.zeros_like(self.mask)
        of_kind.ravel()[places[most_probable == index]] = 255
        return of_kind

    @cached_property
    def _most_probable(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Places of the mask in the flat picture, and each one's index in ``sought``."""
        places = np.flatnonzero(self.mask > 0)  # of bytes it takes ten times as long
        chosen = _indices(self.kinds, self.sought)
        planes = [self.probabilities[index].ravel()[places] for index in chosen]
        return places, np.argmax(planes, axis=0)

    def left_alone(self) -> Iterator[str]:
        """What looks damaged and does not count, and why, for people."""
        probable, sure = self._regions
        unsure = probable ^ sure
        if unsure.any():
            count = cv2.connectedComponents(unsure, connectivity=8)[0] - 1
            yield (
                f"{count} regions, {_percent(unsure)} of the picture, are less sure than "
                f"min_mean_probability, {self.options.min_mean_probability:g}"
            )
        for kind in self.kinds:
            if kind not in self.sought:
                found = find_regions(self.probability(kind), self.options)
                if found.any():
                    yield f"{kind}, {_percent(found)} of the picture, is not among kinds"

    @cached_property
    def widened_mask(self) -> Mask:
        """What is restored: ``mask`` widened by ``options.dilation`` pixels, uint8 [H, W]."""
        return _read_only(widen(self.mask, self.options.dilation))


def find_regions(probability: Probability, options: DetectionOptions) -> Mask:
    """Where damage is as probable as the options ask for, uint8 [H, W], 255 there."""
    return _sure(_above(probability, options.threshold), probability, options)


def _above(probability: Probability, threshold: float) -> Mask:
    return np.multiply(probability >= threshold, 255, dtype=np.uint8)


def _sure(probable: Mask, probability: Probability, options: DetectionOptions) -> Mask:
    """Connected regions of ``probable`` that are ``min_mean_probability`` probable on average."""
    if options.min_mean_probability <= options.threshold or not probable.any():
        return probable
    count, regions = cv2.connectedComponents(probable, connectivity=8)
    within = probable > 0
    labels = regions[within]
    sums = np.bincount(labels, probability[within], count)
    sure = sums >= options.min_mean_probability * np.bincount(labels, minlength=count)
    kept = np.zeros_like(probable)
    kept[within] = np.multiply(sure, 255, dtype=np.uint8)[labels]
    return kept


def _percent(mask: Mask) -> str:
    return f"{100.0 * masked_fraction(mask):.2g} %"


def _read_only(mask: Mask) -> Mask:
    mask.flags.writeable = False
    return mask


def widen(mask: Mask, pixels: int) -> Mask:
    """A mask widened by a number of pixels, uint8 [H, W]; the same array where that is nothing."""
    if not pixels or not mask.any():
        return mask
    if pixels > ELEMENT:  # an element's cost grows with its area
        distance = cv2.distanceTransform(255 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return np.multiply(distance <= pixels, 255, dtype=np.uint8)
    side = 2 * pixels + 1
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return cv2.dilate(mask, element).astype(np.uint8, copy=False)


def sought_kinds(kinds: tuple[str, ...], options: Options, name: str) -> tuple[str, ...]:
    """Those of a detector's kinds that the options ask for; ``name`` is the detector's.

    Raises:
        OptionError: the detector does not find one that is asked for.
    """
    if options.kinds is None:
        return tuple(kind for kind in kinds if kind != OVERLAY) or kinds
    unknown = sorted(options.kinds - set(kinds))
    if unknown:
        raise OptionError(
            f"kinds asks for {', '.join(unknown)}; the detector {name!r} finds {', '.join(kinds)}"
        )
    return tuple(kind for kind in kinds if kind in options.kinds)


class DetectRunner:
    """A loaded model for the task ``detect``. May be shared by threads.

    Raises:
        ModelError: the model is for another task.
    """

    def __init__(self, model: LoadedModel) -> None:
        model.require_task("detect", "finds no damage", "damage")
        self.info = model.info
        self._session = model.session

    def detect(self, image: Image, options: Options) -> Detection:
        """Looks at a picture; one whose longer side is over ``MAX_SIDE`` in halved sizes too.

        Raises:
            OptionError: the detector does not find a kind that is asked for.
            ModelError: the network's output is not finite.
        """
        sought = sought_kinds(self.info.kinds, options, self.info.name)
        memory = options.memory_mb
        smaller = [
            self._everywhere(Image(pixels, image.channels), memory)
            for pixels in _halved(image.pixels)
        ]
        height, width = image.pixels.shape[:2]
        if smaller and height * width > WHOLE_PIXELS:
            found = self._around(image, _hints(smaller[0], image.pixels), memory)
        else:
            found = self._everywhere(image, memory)
        enlarged = np.empty((height, width), np.float32)
        for planes in smaller:
            for plane, small in zip(found, planes, strict=True):
                cv2.resize(small, (width, height), dst=enlarged, interpolation=cv2.INTER_LINEAR)
                np.maximum(plane, enlarged, out=plane)
        return Detection(self.info.kinds, found, sought, options.detection)

    def _everywhere(self, image: Image, memory_mb: int) -> Planes:
        """Probabilities of a picture that is looked at as a whole, [K, H, W]."""

        def run(box: Box) -> NDArray[np.float32]:
            hwc: NDArray[np.float32] = self._run(image, box).transpose(1, 2, 0)
            return hwc

        height, width = image.pixels.shape[:2]
        most = pixels_within(memory_mb, self.info.memory)
        multiple = self.info.size_multiple
        axes = cut_axes(height, width, max_pixels=most, overlap=OVERLAP, multiple=multiple)
        found = np.empty((len(self.info.kinds), height, width), np.float32)
        for box, planes in run_tiled(*axes, run):
            rows, columns = box.slices
            np.clip(planes.transpose(2, 0, 1), 0.0, 1.0, out=found[:, rows, columns])
        return found

    def _around(self, image: Image, hints: Mask, memory_mb: int) -> Planes:
        """Probabilities around hints, [K, H, W]; 0 elsewhere."""
        height, width = hints.shape
        limits = CropLimits(
            (CONTEXT, CONTEXT),
            max(CELL, self.info.size_multiple),
            pixels_within(memory_mb, self.info.memory),
            CROP_COST,
        )
        found = np.zeros((len(self.info.kinds), height, width), np.float32)
        crops = plan_crops(hints, cells_touched(hints), limits)
        for crop, planes in self._run_crops(image, crops, limits.max_pixels):
            rows, columns = crop.core.slices
            down, across = crop.core.moved(-crop.box.top, -crop.box.left).slices
            np.clip(planes[:, down, across], 0.0, 1.0, out=found[:, rows, columns])
        return found

    def _run_crops(
        self, image: Image, crops: list[Crop], max_pixels: int
    ) -> Iterator[tuple[Crop, Planes]]:
        """The network's output for each crop, in no order of theirs; see :meth:`_run`."""
        session, alone = self._session, crops
        if isinstance(session, ParallelSession):
            small = min(SMALL_PIXELS, max_pixels // session.cores)
            # The largest first, so that all cores end at about the same time.
            beside = [crop for crop in reversed(crops) if crop.box.area <= small]
            if len(beside) > 1:
                alone = [crop for crop in crops if crop.box.area > small]
                tensors = (self._inputs(image, crop.box) for crop in beside)
                for crop, outputs in zip(beside, session.run_each(tensors), strict=True):
                    yield crop, self._planes(outputs, crop.box)
        for crop in alone:
            yield crop, self._run(image, crop.box)

    def _run(self, image: Image, box: Box) -> Planes:
        """The network's output for a part of a picture, [K, box's height, width]."""
        return self._planes(self._session.run(self._inputs(image, box)), box)

    def _inputs(self, image: Image, box: Box) -> dict[str, NDArray[np.float32]]:
        pixels = image.pixels[box.slices]
        return {"image": image_tensor(pixels, image.channels, self.info.size_multiple)}

    def _planes(self, outputs: Mapping[str, NDArray[np.float32]], box: Box) -> Planes:
        """Checks the network's output, and cuts off what it was padded with."""
        output = outputs["probability"]
        require_finite(output)
        planes: Planes = output[0, :, : box.height, : box.width]
        if len(planes) != len(self.info.kinds):
            raise ModelError(
                f"the model {self.info.name!r} gives {len(planes)} probabilities and "
                f"names {len(self.info.kinds)} kinds; export it again"
            )
        return planes


def _hints(half: Planes, pixels: Pixels) -> Mask:
    """Nonzero where a picture may have damage, and around, uint8 [H, W].

    half: what was found in half the size.
    """
    seen = np.multiply(half.max(axis=0) >= HINT, 255, dtype=np.uint8)
    hints = _repeated(seen, pixels.shape)
    near = cv2.dilate(hints | _outliers(pixels), np.ones((3, 3), np.uint8))
    return near.astype(np.uint8, copy=False)


def _outliers(pixels: Pixels) -> Mask:
    """Nonzero where a colour differs from the median of 3x3 far more than around, uint8 [H, W]."""
    colours = colours_of(pixels)
    if colours.dtype != np.uint8:
        colours = from_float01(to_float01(pixels), np.dtype(np.uint8))
    height, width = colours.shape[:2]
    differences = np.zeros((height, width), np.uint8)
    for colour in cv2.split(np.ascontiguousarray(colours)):
        np.maximum(differences, cv2.absdiff(colour, cv2.medianBlur(colour, 3)), out=differences)
    cells = -(-width // CELL), -(-height // CELL)
    mean = cv2.resize(differences.astype(np.float32), cells, interpolation=cv2.INTER_AREA)
    least = OUTLIER * (cv2.blur(mean, (3, 3)) + OUTLIER_FLOOR)
    limits = _repeated(np.minimum(least, 255.0).astype(np.uint8), (height, width))
    return cv2.compare(differences, limits, cv2.CMP_GT).astype(np.uint8, copy=False)


def _repeated(mask: Mask, shape: tuple[int, ...]) -> Mask:
    large = cv2.resize(mask, (shape[1], shape[0]), interpolation=cv2.INTER_NEAREST)
    return large.astype(np.uint8, copy=False)


def _halved(pixels: Pixels) -> Iterator[Pixels]:
    """The picture at half, a quarter, ... of its size, [h, w, 1 or 3], down to ``MAX_SIDE``."""
    colours = colours_of(pixels)
    while max(colours.shape[:2]) > MAX_SIDE:
        height, width, count = colours.shape
        size = max(1, width // 2), max(1, height // 2)
        small = cv2.resize(np.ascontiguousarray(colours), size, interpolation=cv2.INTER_AREA)
        colours = small.reshape(size[1], size[0], count)
        yield colours


def _indices(kinds: tuple[str, ...], chosen: tuple[str, ...]) -> list[int]:
    missing = [kind for kind in chosen if kind not in kinds]
    if missing:
        raise OptionError(f"there is no kind {missing[0]!r} here; there are: {', '.join(kinds)}")
    return [kinds.index(kind) for kind in chosen]
