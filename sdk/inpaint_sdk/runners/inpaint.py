"""An inpainting model on the parts of a picture that need it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends.base import goes_from_pixels
from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.images.image import Channels, Image, Pixels, colours_of
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.images.tensors import (
    from_float01,
    image_tensor,
    mask_tensor,
    to_colours,
    to_float01,
    to_hwc,
)
from inpaint_sdk.options import Options
from inpaint_sdk.regions.boxes import Box, pixels_within
from inpaint_sdk.regions.coarse import enlarge, halved, reduce, reduce_mask
from inpaint_sdk.regions.crops import Crop
from inpaint_sdk.runners.crop_plan import Coarse, CropPlan, plan_mask
from inpaint_sdk.runners.texture import add_texture

RUN_PIXELS = 1 << 17
"""Pixels of crops of one shape that share a run, where memory allows: more gain no time."""

CPU_CROP_COST, GPU_CROP_COST = 1 << 10, 1 << 16
"""What a crop costs besides its pixels, in pixels. On a GPU a run's start weighs more."""


class InpaintRunner:
    """A model for the task ``inpaint``, filling what plans say. May be shared by threads.

    stage: whose output is taken, from 0, of a model that works in stages; None for the last.
    """

    def __init__(self, model: LoadedModel, options: Options, stage: int | None = None) -> None:
        self.info = model.info
        self._model = model
        self._session = model.session
        self._options = options
        self._stage = stage
        self._multiple = model.info.size_multiple
        self._most = pixels_within(options.memory_mb, model.info.memory)

    def plan(self, mask: Mask) -> CropPlan:
        """How this model fills a mask that is neither empty nor everything; see ``plan_mask``."""
        on_cpu = self._session.backend.endswith("-cpu")
        crop_cost = CPU_CROP_COST if on_cpu else GPU_CROP_COST
        return plan_mask(mask, self.info, self._options, crop_cost)

    def stages(self) -> Iterator[InpaintRunner]:
        """Runners for the output of each stage of the model, the last of which is this one."""
        for stage in range(_count_stages(self._model) - 1):
            yield InpaintRunner(self._model, self._options, stage)
        yield self

    def fill(self, image: Image, plan: CropPlan, out: Pixels | None = None) -> Pixels:
        """The picture with the plan's mask filled; every other pixel is unchanged.

        out: array like the image's pixels to write into, perhaps they themselves; None for a new
        one.

        Raises:
            ModelError: the network's output is not finite.
        """
        if out is None:
            out = image.pixels.copy(order="C")
        elif out is not image.pixels:
            np.copyto(out, image.pixels)
        self._fill(out, plan, image.channels)
        if self._options.texture > 0.0 and self._stage is None:
            add_texture(out, plan.mask, self._options.texture)
        return out

    def _fill(self, picture: Pixels, plan: CropPlan, channels: Channels) -> None:
        """Fills in place."""
        if plan.resize_to is not None:
            self._fill_resized(picture, plan, plan.resize_to, channels)
            return
        if plan.coarse is not None:
            self._fill_coarse(picture, plan, plan.coarse, channels)
        mask = plan.rim
        if any(crop.is_part for crop in plan.crops):
            mask = mask.copy()
        for crops in self._batches(plan.crops):
            self._fill_crops(picture, mask, crops, channels)
            for crop in crops:
                if crop.is_part:
                    mask[crop.core.slices] = 0

    def _fill_crops(
        self, picture: Pixels, mask: Mask, crops: Sequence[Crop], channels: Channels
    ) -> None:
        """Fills the cores of crops of one shape in place."""
        session = self._session
        if self._stage is None and goes_from_pixels(session, picture):
            for crop in crops:
                filled = session.run_pixels(
                    picture[crop.box.slices],
                    mask[crop.box.slices],
                    channels=channels,
                    multiple=self._multiple,
                )
                within = mask[crop.core.slices] > 0
                np.copyto(picture[crop.core.slices], _core(filled, crop), where=within[..., None])
            return
        output = self._run(picture, mask, crops, channels)
        # Only what is filled is looked at: most of a crop is context.
        number, y, x = np.nonzero(np.stack([_in_core(mask, crop) for crop in crops]))
        filled = to_colours(output[number, :, y, x], channels, colours_of(picture).shape[2])
        y += np.array([crop.box.top for crop in crops])[number]
        x += np.array([crop.box.left for crop in crops])[number]
        colours_of(picture)[y, x] = from_float01(filled, picture.dtype)

    def _fill_coarse(
        self, picture: Pixels, plan: CropPlan, coarse: Coarse, channels: Channels
    ) -> None:
        box = coarse.box
        size = halved(box.height, box.width)
        small = reduce(to_float01(picture[box.slices]), plan.mask[box.slices], size)
        self._fill(small, coarse.plan, channels)
        _put(picture[box.slices], coarse.inside, enlarge(small, box.height, box.width))

    def _fill_resized(
        self, picture: Pixels, plan: CropPlan, size: tuple[int, int], channels: Channels
    ) -> None:
        known = to_float01(picture)
        if size == plan.mask.shape:
            small, mask = known, plan.mask
        else:
            small, mask = reduce(known, plan.mask, size), reduce_mask(plan.mask, size)
        height, width = size
        everything = Crop(Box(0, height, 0, width), Box(0, height, 0, width))
        (output,) = self._run(small, mask, [everything], channels)
        planes = to_hwc(output, channels, height, width, colours_of(picture).shape[2])
        _put(picture, plan.mask, enlarge(planes, *plan.mask.shape))

    def _batches(self, crops: Sequence[Crop]) -> Iterator[list[Crop]]:
        """Neighbours of one shape, as many as may share a run; parts run one by one."""
        for shape, group in groupby(crops, lambda c: (c.is_part, c.box.height, c.box.width)):
            same = list(group)
            is_part, height, width = shape
            count = 1 if is_part else max(1, min(RUN_PIXELS, self._most) // (height * width))
            for start in range(0, len(same), count):
                yield same[start : start + count]

    def _run(
        self, picture: Pixels, mask: Mask, crops: Sequence[Crop], channels: Channels
    ) -> NDArray[np.float32]:
        """The network's answers for crops of one shape, float32 [N, 3, H', W'], RGB."""
        parts = [picture[crop.box.slices] for crop in crops]
        images = [image_tensor(part, channels, self._multiple) for part in parts]
        masks = [mask_tensor(mask[crop.box.slices], self._multiple) for crop in crops]
        inputs = {"image": np.concatenate(images), "mask": np.concatenate(masks)}
        outputs = self._session.run(inputs)
        if self._stage is None:
            return outputs["output"]
        return outputs["stages"][:, 3 * self._stage : 3 * self._stage + 3]


def _count_stages(model: LoadedModel) -> int:
    """In how many stages a model works; found by running it on a small picture."""
    if "stages" not in model.info.outputs:
        return 1
    side = model.info.size_multiple
    picture = np.zeros((1, 3, side, side), np.float32)
    stages = model.session.run({"image": picture, "mask": picture[:, :1]})["stages"]
    return len(stages[0]) // 3


def _in_core(mask: Mask, crop: Crop) -> NDArray[np.bool_]:
    """Where a crop's result is used, [box's height, width]."""
    used = np.zeros((crop.box.height, crop.box.width), np.bool_)
    np.greater(mask[crop.core.slices], 0, out=_core(used, crop))
    return used


def _core(result: NDArray[Any], crop: Crop) -> NDArray[Any]:
    """What lies in a crop's core, of a result [box's height, width, C]."""
    box, core = crop.box, crop.core
    return result[
        core.top - box.top : core.bottom - box.top, core.left - box.left : core.right - box.left
    ]


def _put(target: Pixels, mask: Mask, planes: NDArray[np.float32]) -> None:
    """Writes colours [H, W, C] in [0, 1] where the mask is; every other pixel stays, to the bit."""
    colours = colours_of(target)
    filled = from_float01(planes, target.dtype)
    np.copyto(colours, filled, where=(mask > 0)[..., None])
