"""A model that needs no mask on whole pictures: it finds the damage by itself."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends.base import goes_from_pixels
from inpaint_sdk.backends.pool import LoadedModel
from inpaint_sdk.images.image import Image, Pixels, colours_of
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.images.tensors import (
    from_float01,
    image_tensor,
    require_finite,
    to_float01,
    to_hwc,
)
from inpaint_sdk.options import Options
from inpaint_sdk.regions.boxes import Box, pixels_within, reduced_size, too_large
from inpaint_sdk.regions.tiles import Axis, cut_axes, run_tiled
from inpaint_sdk.runners.degradation import Degradation, change_share

OVERLAP = 256
"""Of neighbouring tiles, in pixels: each is shown at least a quarter of it beyond what is used."""

WINDOW_OVERLAP = 1 / 3
"""Of neighbouring windows, in windows' sides, where a model has a window."""

STRIP = 256
"""Rows that are converted at a time, so that floats never hold a whole large picture."""


class EnhanceRunner:
    """A model for the task ``enhance``. May be shared by threads.

    The strategy ``resize`` runs the network on a reduced picture and enlarges what it changed;
    ``full`` runs it once on the whole; the others once, or in tiles where the picture is larger
    than the model's window or too large for ``memory_mb``.
    """

    def __init__(self, model: LoadedModel, options: Options) -> None:
        self.info = model.info
        self._session = model.session
        self._options = options
        self._most = pixels_within(options.memory_mb, model.info.memory)

    def enhance(
        self, image: Image, mask: Mask | None, out: Pixels | None = None, *, estimate: bool = False
    ) -> tuple[Pixels, Degradation | None]:
        """The picture enhanced, and how degraded it was if the model says so in the same runs.

        Where a mask is zero the picture is unchanged, to the bit. Of the change, a share is kept
        that ``options.strength`` and the degradation give.

        mask: uint8 [H, W], 255 where pixels may change; None for everywhere. The network is shown
        the whole picture either way. out: array like the image's pixels to write into, perhaps
        they themselves; None for a new one. estimate: whether the second is needed.

        Raises:
            ImageError: the picture is too large for ``full`` within the memory setting.
            ModelError: the network's output is not finite.
        """
        pixels, strength = image.pixels, self._options.strength
        if strength == 0.0:
            return _into(out, pixels.copy()), self.estimate(image) if estimate else None
        tells = "degradation" in self.info.outputs and strength < 1.0
        before = pixels.copy() if out is pixels and (tells or strength < 0.5) else pixels
        result, degradation = self._changed(image, mask, out, estimate=estimate or tells)
        share = change_share(degradation if tells else None, strength)
        if share < 1.0:
            _keep_share(result, before, share)
        return _into(out, result), degradation

    def _changed(
        self, image: Image, mask: Mask | None, out: Pixels | None, *, estimate: bool
    ) -> tuple[Pixels, Degradation | None]:
        """As :meth:`enhance`, with all of the change, perhaps in another array than ``out``."""
        pixels = image.pixels
        if self._reduces(pixels):  # a reduced picture has lost its noise
            degradation = self.estimate(image) if estimate else None
            return self._resized(image, mask), degradation
        axes = self.cut(*pixels.shape[:2])
        is_one_run = all(len(axis.starts) == 1 for axis in axes)
        if not estimate and is_one_run and goes_from_pixels(self._session, pixels):
            result = self._session.run_pixels(
                pixels, mask, channels=image.channels, multiple=self.info.size_multiple
            )
            return result, None
        return self._tiled(image, axes, mask, out)  # in place too: no later tile is cut from it

    def attention(self, image: Image) -> NDArray[np.float32]:
        """Where the network sees damage, float32 [H, W] in [0, 1].

        Raises:
            ModelError: the network's output is not finite.
        """
        height, width = image.pixels.shape[:2]
        if self._reduces(image.pixels):
            seen = self._attention(Image(self._reduced(image.pixels), image.channels))
            large = cv2.resize(seen, (width, height), interpolation=cv2.INTER_LINEAR)
            return large.astype(np.float32, copy=False)
        found = np.empty((height, width), np.float32)
        for box, planes in run_tiled(
            *self.cut(height, width), lambda box: self._attention(_part(image, box))[..., None]
        ):
            found[box.slices] = planes[..., 0]
        return found

    def estimate(self, image: Image) -> Degradation:
        """How degraded a picture is; of tiles, the mean by their areas.

        Raises:
            ModelError: the network's output is not finite.
        """
        degradation = _MeanDegradation()
        rows, columns = self.cut(*image.pixels.shape[:2])
        for top, bottom in zip(rows.starts, rows.ends, strict=True):
            for left, right in zip(columns.starts, columns.ends, strict=True):
                box = Box(top, bottom, left, right)
                degradation.add(self._run(_part(image, box))["degradation"][0], box)
        return degradation.mean()

    def _tiled(
        self, image: Image, axes: tuple[Axis, Axis], mask: Mask | None, out: Pixels | None
    ) -> tuple[Pixels, Degradation | None]:
        result = np.empty_like(image.pixels, order="C") if out is None else out
        if result is not image.pixels:
            np.copyto(result, image.pixels)
        count = colours_of(image.pixels).shape[2]
        degradation = _MeanDegradation() if "degradation" in self.info.outputs else None

        def run(box: Box) -> NDArray[np.float32]:
            outputs = self._run(_part(image, box))
            if degradation is not None:
                degradation.add(outputs["degradation"][0], box)
            return to_hwc(outputs["output"][0], image.channels, box.height, box.width, count)

        for box, planes in run_tiled(*axes, run):
            _write(result, mask, box, planes)
        return result, None if degradation is None else degradation.mean()

    def _attention(self, image: Image) -> NDArray[np.float32]:
        height, width = image.pixels.shape[:2]
        output = self._run(image)["attention"]
        require_finite(output)
        return output[0, 0, :height, :width].clip(0.0, 1.0)

    def _run(self, image: Image) -> dict[str, NDArray[np.float32]]:
        tensor = image_tensor(image.pixels, image.channels, self.info.size_multiple)
        return self._session.run({"image": tensor})

    def cut(self, height: int, width: int) -> tuple[Axis, Axis]:
        """How the rows and columns of a picture of that size are cut.

        Raises:
            ImageError: it is too large for ``full`` within the memory setting.
        """
        if self._options.strategy == "full" and height * width > self._most:
            raise too_large(height, width, self._options.memory_mb)
        window = None if self._options.strategy == "full" else self.info.window
        return cut_axes(
            height,
            width,
            max_pixels=self._most,
            overlap=OVERLAP if window is None else int(WINDOW_OVERLAP * window),
            multiple=self.info.size_multiple,
            max_side=window,
        )

    def _reduced_size(self, pixels: Pixels) -> tuple[int, int]:
        height, width = pixels.shape[:2]
        return reduced_size(height, width, self.info.trained_size, self._most)

    def _reduces(self, pixels: Pixels) -> bool:
        return self._options.strategy == "resize" and self._reduced_size(pixels) != pixels.shape[:2]

    def _reduced(self, pixels: Pixels) -> NDArray[np.float32]:
        size = self._reduced_size(pixels)
        small = cv2.resize(to_float01(pixels), size[::-1], interpolation=cv2.INTER_AREA)
        return small.reshape(*size, -1).astype(np.float32, copy=False)

    def _resized(self, image: Image, mask: Mask | None) -> Pixels:
        """What the network changes in the reduced picture, enlarged and added."""
        result: Pixels = image.pixels.copy(order="C")
        height, width = result.shape[:2]
        small = self._reduced(result)
        output = self._run(Image(small, image.channels))["output"]
        change = to_hwc(output[0], image.channels, *small.shape) - small
        large = cv2.resize(change, (width, height), interpolation=cv2.INTER_LINEAR)
        large = large.reshape(height, width, -1)
        for top in range(0, height, STRIP):
            box = Box(top, min(top + STRIP, height), 0, width)
            _write(result, mask, box, to_float01(result[box.slices]) + large[box.slices])
        return result


class _MeanDegradation:
    """The mean of what a model says of tiles, by their areas."""

    def __init__(self) -> None:
        self._total, self._area = np.zeros(3, np.float64), 0

    def add(self, strengths: NDArray[np.float32], box: Box) -> None:
        """Adds a tile's three strengths.

        Raises:
            ModelError: they are not finite.
        """
        require_finite(strengths)
        self._total += strengths.clip(0.0, 1.0) * box.area
        self._area += box.area

    def mean(self) -> Degradation:
        noise, blur, compression = (float(v) for v in self._total / self._area)
        return Degradation(noise, blur, compression)


def _into(out: Pixels | None, result: Pixels) -> Pixels:
    if out is None or out is result:
        return result
    np.copyto(out, result)
    return out


def _keep_share(result: Pixels, before: Pixels, share: float) -> None:
    """Takes back all but a share of a change, in place; what did not change stays to the bit."""
    if share == 0.0:
        np.copyto(result, before)
        return
    mine, old = colours_of(result), colours_of(before)
    for top in range(0, result.shape[0], STRIP):
        strip = slice(top, top + STRIP)
        start = to_float01(before[strip])
        mixed = start + np.float32(share) * (to_float01(result[strip]) - start)
        changed = mine[strip] != old[strip]
        np.copyto(mine[strip], from_float01(mixed, result.dtype), where=changed)


def _part(image: Image, box: Box) -> Image:
    return Image(image.pixels[box.slices], image.channels)


def _write(result: Pixels, mask: Mask | None, box: Box, planes: NDArray[np.float32]) -> None:
    """Puts colours [box's height, width, C] into a picture, where the mask is."""
    colours = colours_of(result)[box.slices]
    restored = from_float01(planes, result.dtype)
    if mask is None:
        colours[...] = restored
    else:
        np.copyto(colours, restored, where=(mask[box.slices] > 0)[..., None])
