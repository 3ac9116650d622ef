"""Running an inpainting model on the parts of a picture that need it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends import Session, goes_from_pixels
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.images.image import Channels, Pixels, colours_of
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.images.tensors import from_float01, image_tensor, mask_tensor, to_hwc, to_float01
from inpaint_sdk.regions.boxes import Box, Strategy, pixels_within, reduced_size, too_large
from inpaint_sdk.regions.coarse import deep_part, enlarge, halved, reduce, reduce_mask
from inpaint_sdk.regions.crops import Crop, CropLimits, plan_crops
from inpaint_sdk.regions.grid import cells_touched

LEAST_CONTEXT = 32
"""Known pixels that the network is shown on each side of a small hole."""

BATCH = 8
"""Crops of one shape that share a run, where memory allows."""


@dataclass(frozen=True)
class Coarse:
    """The filling of what is too wide, at half the size.

    box: of the picture, what is reduced. inside: uint8 [box], 255 where the enlarged result stands.
    plan: for the reduced box.
    """

    box: Box
    inside: Mask
    plan: Plan


@dataclass(frozen=True)
class Plan:
    """How a hole [H, W] will be filled: made once, good for every picture of its size.

    hole: what is to be filled, and rim: what of it is left when ``coarse`` has done its part, uint8
    [H, W]. resize_to: height and width to reduce the picture to first; then there are no crops.
    """

    hole: Mask
    rim: Mask
    crops: tuple[Crop, ...]
    resize_to: tuple[int, int] | None = None
    coarse: Coarse | None = None


def make_plan(hole: Mask, model: ModelInfo, strategy: Strategy, memory_mb: int) -> Plan:
    """Decides how to fill a hole, uint8 [H, W] with 255 in it, of which there is some.

    The plan depends on nothing but what is given here, so it is the same on every machine.

    Raises:
        ImageError: ``memory_mb`` is too small, or for the whole picture at once under ``"full"``.
    """
    most = pixels_within(memory_mb, model.memory)
    height, width = hole.shape
    if strategy == "full":
        if height * width > most:
            raise too_large(height, width, memory_mb)
        everything = Box(0, height, 0, width)
        return Plan(hole, hole, (Crop(everything, everything),))
    if strategy == "resize":
        return Plan(hole, hole, (), reduced_size(height, width, model.trained_size, most))
    step = max(2 * model.size_multiple, 32)
    limits = CropLimits((LEAST_CONTEXT, max(LEAST_CONTEXT, model.trained_size // 2)), step, most)
    return _plan(hole, limits, model.trained_size, coarse=strategy == "auto")


def _plan(hole: Mask, limits: CropLimits, trained_size: int, *, coarse: bool) -> Plan:
    # Measured with `photo`: holes of up to 5/8 of the trained size are filled as well at full size.
    reach, rim = trained_size * 5 // 16, trained_size // 8
    cells = cells_touched(hole)
    deep = deep_part(hole, cells, reach, rim) if coarse else None
    if deep is None:
        return Plan(hole, hole, tuple(plan_crops(hole, cells, limits)))
    inner, inside = deep
    box = _around(inner, rim + limits.context[1], hole.shape)
    covered = np.zeros((box.height, box.width), np.uint8)
    covered[
        inner.top - box.top : inner.bottom - box.top, inner.left - box.left : inner.right - box.left
    ] = inside
    small = reduce_mask(hole[box.slices], halved(box.height, box.width))
    left = hole.copy()
    left[box.slices][covered > 0] = 0
    plan = _plan(small, limits, trained_size, coarse=True)
    crops = plan_crops(left, cells_touched(left), limits)
    return Plan(hole, left, tuple(crops), coarse=Coarse(box, covered, plan))


def _around(box: Box, margin: int, limits: tuple[int, ...]) -> Box:
    return Box(
        max(0, box.top - margin),
        min(limits[0], box.bottom + margin),
        max(0, box.left - margin),
        min(limits[1], box.right + margin),
    )


class InpaintRunner:
    """A model that fills holes in pictures as plans say.

    session: of a model for the task ``inpaint``. stage: whose answer is taken, from 0, of a model
    that works in stages; None for the final one.
    """

    def __init__(
        self, session: Session, model: ModelInfo, memory_mb: int, stage: int | None = None
    ) -> None:
        self._session = session
        self._stage = stage
        self._multiple = model.size_multiple
        self._most = pixels_within(memory_mb, model.memory)

    def fill(self, pixels: Pixels, plan: Plan, channels: Channels) -> Pixels:
        """Returns a copy of ``pixels`` in which the plan's hole is filled; the rest is unchanged.

        Raises:
            ModelError: the network's output is not finite.
        """
        result: Pixels = pixels.copy(order="C")
        self._fill(result, plan, channels)
        return result

    def _fill(self, picture: Pixels, plan: Plan, channels: Channels) -> None:
        """Fills in place."""
        if plan.resize_to is not None:
            self._fill_resized(picture, plan, plan.resize_to, channels)
            return
        if plan.coarse is not None:
            self._fill_coarse(picture, plan, plan.coarse, channels)
        hole = plan.rim
        if any(crop.is_part for crop in plan.crops):
            hole = hole.copy()
        for crops in self._batches(plan.crops):
            self._fill_crops(picture, hole, crops, channels)
            for crop in crops:
                if crop.is_part:
                    hole[crop.core.slices] = 0

    def _fill_crops(
        self, picture: Pixels, hole: Mask, crops: Sequence[Crop], channels: Channels
    ) -> None:
        """Fills the cores of crops of one shape in place."""
        session = self._session
        if self._stage is None and goes_from_pixels(session, picture):
            for crop in crops:
                filled = session.run_pixels(
                    picture[crop.box.slices],
                    hole[crop.box.slices],
                    channels=channels,
                    multiple=self._multiple,
                )
                within = hole[crop.core.slices] > 0
                np.copyto(picture[crop.core.slices], _core(filled, crop), where=within[..., None])
            return
        answers = self._run(picture, hole, crops, channels)
        for crop, planes in zip(crops, answers, strict=True):
            _put(picture[crop.core.slices], hole[crop.core.slices], _core(planes, crop))

    def _fill_coarse(self, picture: Pixels, plan: Plan, coarse: Coarse, channels: Channels) -> None:
        box = coarse.box
        size = halved(box.height, box.width)
        small = reduce(to_float01(picture[box.slices]), plan.hole[box.slices], size)
        self._fill(small, coarse.plan, channels)
        _put(picture[box.slices], coarse.inside, enlarge(small, box.height, box.width))

    def _fill_resized(
        self, picture: Pixels, plan: Plan, size: tuple[int, int], channels: Channels
    ) -> None:
        known = to_float01(picture)
        if size == plan.hole.shape:
            small, hole = known, plan.hole
        else:
            small, hole = reduce(known, plan.hole, size), reduce_mask(plan.hole, size)
        height, width = size
        everything = Crop(Box(0, height, 0, width), Box(0, height, 0, width))
        (planes,) = self._run(small, hole, [everything], channels)
        _put(picture, plan.hole, enlarge(planes, *plan.hole.shape))

    def _batches(self, crops: Sequence[Crop]) -> Iterator[list[Crop]]:
        """Neighbours of one shape, as many as may share a run; parts run one by one."""
        for shape, group in groupby(crops, lambda c: (c.is_part, c.box.height, c.box.width)):
            same = list(group)
            is_part, height, width = shape
            count = 1 if is_part else min(BATCH, max(1, self._most // (height * width)))
            for start in range(0, len(same), count):
                yield same[start : start + count]

    def _run(
        self, picture: Pixels, hole: Mask, crops: Sequence[Crop], channels: Channels
    ) -> Iterator[NDArray[np.float32]]:
        """The network's answers for crops of one shape, each float32 [box's height, width, C]."""
        parts = [picture[crop.box.slices] for crop in crops]
        images = [image_tensor(part, channels, self._multiple) for part in parts]
        masks = [mask_tensor(hole[crop.box.slices], self._multiple) for crop in crops]
        inputs = {"image": np.concatenate(images), "mask": np.concatenate(masks)}
        outputs = self._session.run(inputs)
        if self._stage is None:
            output = outputs["output"]
        else:
            output = outputs["stages"][:, 3 * self._stage : 3 * self._stage + 3]
        count = colours_of(picture).shape[2]
        for index, crop in enumerate(crops):
            yield to_hwc(output[index], channels, crop.box.height, crop.box.width, count)


def count_stages(session: Session, model: ModelInfo) -> int:
    """In how many stages a model works that has the output ``stages``; runs it on little."""
    side = model.size_multiple
    picture = np.zeros((1, 3, side, side), np.float32)
    stages = session.run({"image": picture, "mask": picture[:, :1]})["stages"]
    return len(stages[0]) // 3


def _core(result: NDArray[Any], crop: Crop) -> NDArray[Any]:
    """What lies in a crop's core, of a result [box's height, width, C]."""
    box, core = crop.box, crop.core
    return result[
        core.top - box.top : core.bottom - box.top, core.left - box.left : core.right - box.left
    ]


def _put(target: Pixels, hole: Mask, planes: NDArray[np.float32]) -> None:
    """Writes colours [H, W, C] in [0, 1] where the hole is; every other pixel stays, to the bit."""
    colours = colours_of(target)
    filled = from_float01(planes, target.dtype)
    np.copyto(colours, filled, where=(hole > 0)[..., None])
