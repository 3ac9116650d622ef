"""Which parts of a picture an inpainting model is run on, in which order, at which size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inpaint_sdk.errors import OptionError
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.options import Options
from inpaint_sdk.regions.boxes import Box, pixels_within, reduced_size, too_large
from inpaint_sdk.regions.coarse import deep_part, halved, reduce_mask
from inpaint_sdk.regions.crops import Crop, CropLimits, plan_crops
from inpaint_sdk.regions.grid import cells_touched

MIN_CONTEXT = 8
"""Known pixels that the network is shown on each side of thin damage."""

MULTIPLE = 16
"""Of which a crop's sides are: with a finer one, few crops have a size in common."""


@dataclass(frozen=True, eq=False)
class Coarse:
    """The filling of what is too wide, at half the size.

    box: of the picture, what is reduced. inside: uint8 [box], 255 where the enlarged result stands.
    plan: for the reduced box.
    """

    box: Box
    inside: Mask
    plan: CropPlan


@dataclass(frozen=True, eq=False)
class CropPlan:
    """How what a mask marks is filled: made once, good for every picture of its size.

    mask: what is filled. rim: what of it is left when ``coarse`` has done its part. resize_to:
    height and width to reduce the picture to first; then there are no crops.
    """

    mask: Mask
    rim: Mask
    crops: tuple[Crop, ...]
    resize_to: tuple[int, int] | None = None
    coarse: Coarse | None = None


def plan_mask(mask: Mask, model: ModelInfo, options: Options, crop_cost: int) -> CropPlan:
    """How to fill a mask, uint8 [H, W], that is neither empty nor everything.

    crop_cost: what a crop costs besides its pixels, in pixels. The plan depends
    on nothing but what is given here, so it is the same on every machine.

    Raises:
        ImageError: ``memory_mb`` is too small for the whole picture at once under ``"full"``.
        OptionError: ``"resize"`` is asked of a model that looks under the mask.
    """
    most = pixels_within(options.memory_mb, model.memory)
    height, width = mask.shape
    if options.strategy == "full":
        if height * width > most:
            raise too_large(height, width, options.memory_mb)
        everything = Box(0, height, 0, width)
        return CropPlan(mask, mask, (Crop(everything, everything),))
    if options.strategy == "resize":
        if model.kinds:
            raise OptionError(
                f"the model {model.name!r} looks at what shows through damage, which a reduced "
                "picture does not keep; use the strategy 'auto', or another model, like photo"
            )
        return CropPlan(mask, mask, (), reduced_size(height, width, model.trained_size, most))
    context = MIN_CONTEXT, max(MIN_CONTEXT, model.trained_size // 2)
    limits = CropLimits(context, max(MULTIPLE, model.size_multiple), most, crop_cost)
    coarse = options.strategy == "auto" and not model.kinds
    return _plan(mask, limits, model.trained_size, coarse=coarse)


def _plan(mask: Mask, limits: CropLimits, trained_size: int, *, coarse: bool) -> CropPlan:
    # Measured with `photo`: holes of up to 5/8 of the trained size are filled as well at full size.
    reach, rim = trained_size * 5 // 16, trained_size // 8
    cells = cells_touched(mask)
    deep = deep_part(mask, cells, reach, rim) if coarse else None
    if deep is None:
        return CropPlan(mask, mask, tuple(plan_crops(mask, cells, limits)))
    inner, inside = deep
    box = inner.widened(rim + limits.context[1], *mask.shape)
    covered = np.zeros((box.height, box.width), np.uint8)
    covered[
        inner.top - box.top : inner.bottom - box.top, inner.left - box.left : inner.right - box.left
    ] = inside
    small = reduce_mask(mask[box.slices], halved(box.height, box.width))
    left = mask.copy()
    left[box.slices][covered > 0] = 0
    plan = _plan(small, limits, trained_size, coarse=True)
    crops = plan_crops(left, cells_touched(left), limits)
    return CropPlan(mask, left, tuple(crops), coarse=Coarse(box, covered, plan))
