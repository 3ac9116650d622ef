"""Running a model that needs no mask: it finds the damage by itself."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends import Session, goes_from_pixels
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.images.image import Channels, Pixels, colours_of
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.images.tensors import from_float01, image_tensor, require_finite, to_hwc, to_float01
from inpaint_sdk.regions.boxes import Box, Strategy, pixels_within, reduced_size, too_large
from inpaint_sdk.regions.tiles import Axis, cut_axes, run_tiled
from inpaint_sdk.runners.degradation import Degradation

OVERLAP = 256
"""Of neighbouring tiles, in pixels: each is shown at least a quarter of it beyond what is used."""

WINDOW_OVERLAP = 1 / 3
"""Of neighbouring windows, in windows' sides, where a model has a window."""

STRIP = 256
"""Rows that are converted at a time, so that floats never hold a whole large picture."""


class EnhanceRunner:
    """A model that restores whole pictures.

    session: of a model for the task ``restore``. strategy: ``resize`` runs the network on a reduced
    picture and enlarges what it changed; ``full`` runs it once on the whole; the others once, or
    in tiles where the picture is larger than the model's window or too large for ``memory_mb``.
    """

    def __init__(
        self, session: Session, model: ModelInfo, strategy: Strategy, memory_mb: int
    ) -> None:
        self._session = session
        self._model = model
        self._strategy = strategy
        self._memory_mb = memory_mb
        self._most = pixels_within(memory_mb, model.memory)

    def restore(self, pixels: Pixels, region: Mask | None, channels: Channels) -> Pixels:
        """Returns ``pixels`` restored; outside the region it is unchanged, to the bit.

        region: uint8 [H, W], 255 where pixels may change; None for everywhere. The network is shown
        the whole picture either way.

        Raises:
            ImageError: the picture is too large for ``full`` within the memory setting.
            ModelError: the network's output is not finite.
        """
        if self._reduces(pixels):
            result: Pixels = pixels.copy(order="C")
            self._restore_resized(result, region, channels)
            return result
        session, axes = self._session, self.cut(*pixels.shape[:2])
        once = all(len(axis.starts) == 1 for axis in axes)
        if once and goes_from_pixels(session, pixels):
            return session.run_pixels(
                pixels, region, channels=channels, multiple=self._model.size_multiple
            )
        return self._restore_tiled(pixels, region, channels)

    def restore_and_diagnose(self, pixels: Pixels, channels: Channels) -> tuple[Pixels, Degradation]:
        """``pixels`` restored everywhere, and what was wrong with them, from the same runs.

        Raises:
            ImageError: the picture is too large for ``full`` within the memory setting.
            ModelError: the network's output is not finite.
        """
        if self._reduces(pixels):  # a reduced picture has lost its noise
            return self.restore(pixels, None, channels), self.diagnose(pixels, channels)
        opinion = _Opinion()
        return self._restore_tiled(pixels, None, channels, opinion), opinion.mean()

    def attention(self, pixels: Pixels, channels: Channels) -> NDArray[np.float32]:
        """Where the network sees damage, float32 [H, W] in [0, 1].

        Raises:
            ModelError: the network's output is not finite.
        """
        height, width = pixels.shape[:2]
        if self._reduces(pixels):
            small = self._reduced(pixels)
            seen = self._attention(small, channels)
            large = cv2.resize(seen, (width, height), interpolation=cv2.INTER_LINEAR)
            return large.astype(np.float32, copy=False)
        found = np.empty((height, width), np.float32)
        for box, planes in run_tiled(
            *self.cut(height, width),
            lambda box: self._attention(pixels[box.slices], channels)[..., None],
        ):
            found[box.slices] = planes[..., 0]
        return found

    def diagnose(self, pixels: Pixels, channels: Channels) -> Degradation:
        """What is wrong with a picture; of tiles, the mean by their areas.

        Raises:
            ModelError: the network's output is not finite.
        """
        opinion = _Opinion()
        rows, columns = self.cut(*pixels.shape[:2])
        for top, bottom in zip(rows.starts, rows.ends, strict=True):
            for left, right in zip(columns.starts, columns.ends, strict=True):
                box = Box(top, bottom, left, right)
                opinion.add(self._run(pixels[box.slices], channels)["degradation"][0], box)
        return opinion.mean()

    def _restore_tiled(
        self,
        pixels: Pixels,
        region: Mask | None,
        channels: Channels,
        opinion: _Opinion | None = None,
    ) -> Pixels:
        """As :meth:`restore`; what the model says of each tile is added to an opinion."""
        result: Pixels = pixels.copy(order="C")
        count = colours_of(pixels).shape[2]

        def run(box: Box) -> NDArray[np.float32]:
            outputs = self._run(pixels[box.slices], channels)
            if opinion is not None:
                opinion.add(outputs["degradation"][0], box)
            return to_hwc(outputs["output"][0], channels, box.height, box.width, count)

        for box, planes in run_tiled(*self.cut(*pixels.shape[:2]), run):
            _write(result, region, box, planes)
        return result

    def _attention(self, pixels: Pixels, channels: Channels) -> NDArray[np.float32]:
        height, width = pixels.shape[:2]
        output = self._run(pixels, channels)["attention"]
        require_finite(output)
        return output[0, 0, :height, :width].clip(0.0, 1.0)

    def _run(self, pixels: Pixels, channels: Channels) -> dict[str, NDArray[np.float32]]:
        image = image_tensor(pixels, channels, self._model.size_multiple)
        return self._session.run({"image": image})

    def cut(self, height: int, width: int) -> tuple[Axis, Axis]:
        """How the rows and columns of a picture of that size are cut.

        Raises:
            ImageError: it is too large for ``full`` within the memory setting.
        """
        if self._strategy == "full" and height * width > self._most:
            raise too_large(height, width, self._memory_mb)
        window = None if self._strategy == "full" else self._model.window
        return cut_axes(
            height,
            width,
            max_pixels=self._most,
            overlap=OVERLAP if window is None else int(WINDOW_OVERLAP * window),
            multiple=self._model.size_multiple,
            max_side=window,
        )

    def _reduced_size(self, pixels: Pixels) -> tuple[int, int]:
        height, width = pixels.shape[:2]
        return reduced_size(height, width, self._model.trained_size, self._most)

    def _reduces(self, pixels: Pixels) -> bool:
        return self._strategy == "resize" and self._reduced_size(pixels) != pixels.shape[:2]

    def _reduced(self, pixels: Pixels) -> NDArray[np.float32]:
        size = self._reduced_size(pixels)
        small = cv2.resize(to_float01(pixels), size[::-1], interpolation=cv2.INTER_AREA)
        return small.reshape(*size, -1).astype(np.float32, copy=False)

    def _restore_resized(self, result: Pixels, region: Mask | None, channels: Channels) -> None:
        """In place: what the network changes in the reduced picture, enlarged and added."""
        height, width = result.shape[:2]
        small = self._reduced(result)
        output = self._run(small, channels)["output"]
        change = to_hwc(output[0], channels, *small.shape) - small
        large = cv2.resize(change, (width, height), interpolation=cv2.INTER_LINEAR)
        large = large.reshape(height, width, -1)
        for top in range(0, height, STRIP):
            box = Box(top, min(top + STRIP, height), 0, width)
            _write(result, region, box, to_float01(result[box.slices]) + large[box.slices])


class _Opinion:
    """The mean of what a model says is wrong with tiles, by their areas."""

    def __init__(self) -> None:
        self._total, self._area = np.zeros(3, np.float64), 0

    def add(self, said: NDArray[np.float32], box: Box) -> None:
        """Adds what is said of a tile, the three strengths.

        Raises:
            ModelError: it is not finite.
        """
        require_finite(said)
        self._total += said.clip(0.0, 1.0) * box.area
        self._area += box.area

    def mean(self) -> Degradation:
        noise, blur, compression = (float(v) for v in self._total / self._area)
        return Degradation(noise, blur, compression)


def _write(result: Pixels, region: Mask | None, box: Box, planes: NDArray[np.float32]) -> None:
    """Puts colours [box's height, width, C] into a picture, where the region is."""
    colours = colours_of(result)[box.slices]
    restored = from_float01(planes, result.dtype)
    if region is None:
        colours[...] = restored
    else:
        np.copyto(colours, restored, where=(region[box.slices] > 0)[..., None])
