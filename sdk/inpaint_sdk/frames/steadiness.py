"""Fillings that stay as they are where nothing around them moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.image import Image, Pixels, colours_of
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.images.tensors import from_float01, to_float01
from inpaint_sdk.policies.operations import Inpaint
from inpaint_sdk.regions.boxes import Box
from inpaint_sdk.runners.crop_plan import CropPlan

BAND = 25
"""Pixels on a side of the window in which a change beside the hole counts as a change in it."""

SMOOTHING = 9
"""Pixels on a side of the window whose mean is compared, so that camera noise is no change."""

STILL = 3.0 / 255
"""Change of such a mean, of full brightness, that is still none: above it lies little noise."""


class SteadyInpaint:
    """Fills one mask in frame after frame, and leaves the filling as it was where nothing moved.

    Where the surroundings of a hole do not change beyond noise, its filling from the frame before
    stays and the model does not run; where they change in a part, the filling changes in that part.
    Slow changes of less than 3 in 255 are followed late. For frames in order, in one thread.
    """

    action: Literal["inpaint"] = "inpaint"
    changes_everywhere = False

    def __init__(self, inpaint: Inpaint) -> None:
        self._runner = inpaint.runner
        self._plan = inpaint.plan
        self._parts = [_Part(inpaint.plan, piece, box) for piece, box in _pieces(inpaint.plan)]
        self._form: tuple[tuple[int, ...], Any] | None = None

    def apply(self, image: Image, out: Pixels | None) -> tuple[Pixels, None]:
        pixels = image.pixels
        if self._form != (pixels.shape, pixels.dtype):
            self._form = pixels.shape, pixels.dtype
            for part in self._parts:
                part.forget()
        moved = [part for part in self._parts if part.looks_moved(pixels)]
        plan = self._plan
        if len(moved) < len(self._parts):  # only plans of plain crops have more than one part
            plan = replace(plan, crops=tuple(crop for part in moved for crop in part.plan.crops))
            if not moved:
                plan = replace(plan, coarse=None, resize_to=None)
        result = self._runner.fill(image, plan, out)
        for part in self._parts:
            part.settle(result)
        return result, None


class _Part:
    """A piece of the plan with its surroundings: what they looked like, and what was filled."""

    def __init__(self, whole: CropPlan, plan: CropPlan, box: Box) -> None:
        self.plan = plan
        self._box = box
        self._mask = np.zeros_like(whole.mask[box.slices])
        for core in [crop.core for crop in plan.crops] or [box]:
            rows, columns = core.slices
            inner = np.s_[
                rows.start - box.top : rows.stop - box.top,
                columns.start - box.left : columns.stop - box.left,
            ]
            self._mask[inner] = whole.mask[core.slices]
        if plan.coarse is not None or plan.resize_to is not None:
            self._mask = whole.mask[box.slices].copy()
        self._known = (whole.mask[box.slices] == 0).astype(np.float32)
        self._nearest = _nearest_known(whole.mask[box.slices])
        self._weight = np.maximum(_mean(self._known, SMOOTHING), 1e-3)
        self._seen: NDArray[Any] | None = None  # surroundings at the last run, smoothed
        self._latest: NDArray[Any] | None = None
        self._filled: Pixels | None = None
        self._change: NDArray[np.float32] | None = None  # since then, 0 to 1; None: all is new

    def forget(self) -> None:
        self._seen = self._filled = None

    def looks_moved(self, pixels: Pixels) -> bool:
        """Whether the model is to run again here."""
        colours = _brightness(to_float01(pixels[self._box.slices]))
        smooth = _mean(colours * self._known, SMOOTHING) / self._weight
        self._latest = smooth
        if self._seen is None:
            self._change = None
            return True
        difference = np.abs(smooth - self._seen) * (self._weight > 0.25)
        excess = np.clip((difference - STILL) / STILL, 0.0, 1.0).astype(np.float32)
        near = cv2.dilate(excess, np.ones((BAND, BAND), np.uint8))
        # Within the mask, what the nearest known pixel has.
        self._change = _mean(near.ravel()[self._nearest].astype(np.float32), BAND)
        return bool(self._change[self._mask > 0].any())

    def settle(self, result: Pixels) -> None:
        """Puts what is to stay into the result, and remembers it."""
        colours = colours_of(result)[self._box.slices]
        where = (self._mask > 0)[..., None]
        if self._filled is None or self._change is None:
            self._seen = self._latest
        elif not self._change[self._mask > 0].any():
            np.copyto(colours, self._filled, where=where)
            return
        else:
            share = self._change[..., None]
            mixed = to_float01(colours) * share + to_float01(self._filled) * (1.0 - share)
            np.copyto(colours, from_float01(mixed, result.dtype), where=where)
            assert self._seen is not None and self._latest is not None
            self._seen = self._seen + (self._latest - self._seen) * self._change
        self._filled = colours.copy()


def _pieces(plan: CropPlan) -> list[tuple[CropPlan, Box]]:
    """A plan in pieces that can be run one without the other, each with the box that it sees."""
    height, width = plan.mask.shape
    if plan.resize_to is not None:
        return [(plan, Box(0, height, 0, width))]
    if plan.coarse is None and not any(crop.is_part for crop in plan.crops):
        return [(replace(plan, crops=(crop,)), crop.box) for crop in plan.crops]
    boxes = [crop.box for crop in plan.crops]
    if plan.coarse is not None:
        boxes.append(plan.coarse.box)
    everything = boxes[0]
    for box in boxes[1:]:
        everything = everything.union(box)
    return [(plan, everything)]


def _nearest_known(mask: Mask) -> NDArray[np.intp]:
    """For each pixel the flat index of the nearest one outside the mask, [H, W]."""
    _, labels = cv2.distanceTransformWithLabels(
        mask, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    index = np.zeros(int(labels.max()) + 1, np.intp)
    known = np.flatnonzero(mask == 0)
    index[labels.ravel()[known]] = known
    nearest: NDArray[np.intp] = index[labels]
    return nearest


def _brightness(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the colours, [H, W]."""
    count = planes.shape[2]
    mean = cv2.transform(planes, np.full((1, count), 1.0 / count, np.float32))
    return mean.reshape(planes.shape[:2]).astype(np.float32, copy=False)


def _mean(plane: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT).astype(
        np.float32, copy=False
    )
