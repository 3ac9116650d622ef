"""Restoring a video file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

from inpaint_sdk.errors import ImageError, MaskError
from inpaint_sdk.images.image import Pixels
from inpaint_sdk.images.masks import Mask, MaskLike, masked_fraction, open_mask
from inpaint_sdk.prefetch import prefetch_map
from inpaint_sdk.regions.boxes import DEFAULT_MEMORY_MB, Strategy
from inpaint_sdk.runners.detector import DamageIn, DetectionOptions, check_damage
from inpaint_sdk.runners.lens import StaticDamage
from inpaint_sdk.video.pixels import from_rgb, to_rgb
from inpaint_sdk.video.streams import Encoding, FrameOrPacket, Sink, decode, open_input

if TYPE_CHECKING:
    from inpaint_sdk.restorer import Restorer
    from inpaint_sdk.runners.masked import MaskedRestorer

Item = TypeVar("Item")

LOOKS = 48
"""Frames of a video that are looked at for what stays in its place."""

AHEAD = 4
"""Frames that are decoded, and encoded, beside the one that is restored."""


@dataclass(frozen=True)
class VideoReport:
    """What was done.

    frames: how many. seconds: from start to finished file. damaged: share of the pixels of all
    frames that were marked, from 0 to 1; None if there was no mask and none was to be found.
    """

    frames: int
    seconds: float
    damaged: float | None = None


def restore_video(
    restorer: Restorer,
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    mask: MaskLike | None = None,
    mask_video: str | os.PathLike[str] | None = None,
    steady: bool = True,
    damage: DamageIn = "frame",
    strategy: Strategy = "auto",
    memory_mb: int = DEFAULT_MEMORY_MB,
    detection: DetectionOptions | None = None,
    encoding: Encoding | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> VideoReport:
    """Restores a video file, keeping its timing, audio and subtitles.

    Decoding, restoring and encoding overlap. The output appears when it is whole.

    Args:
        restorer: loaded with ``channels="rgb"``.
        source: any file that FFmpeg reads. Its first video stream is restored, audio and subtitles
            are carried over, everything else (data, attachments, further videos) is left out.
        output: in the container of its suffix.
        mask: of what never moves, like a logo; its size is the video's as it is shown.
        mask_video: of what moves: a video with a frame for each frame, white (over 127) in the
            hole. Instead of ``mask``; a model for the task ``"restore"`` needs neither, and for one
            that inpaints damage is found without them.
        steady: for inpainting under one mask: what lies under a still surrounding stays still.
        damage: where it is, without a mask: ``"frame"`` finds it in each frame anew, as on film;
            ``"lens"`` looks through the video for what stays in its place, before it restores.
        strategy: as :meth:`Restorer.restore` takes it.
        memory_mb: as there.
        detection: as there.
        encoding: how to compress; by default the source's codec at a high quality.
        progress: called with the number of frames done and of all, or None if that is not known.

    Raises:
        BackendError: PyAV is not installed.
        ImageError, MaskError: the source or a mask cannot be read, or they do not fit.
        OutputError: the output cannot be written or cannot hold what the source has.
    """
    started = time.perf_counter()
    if mask is not None and mask_video is not None:
        raise MaskError("give a mask or a video of masks, not both")
    check_damage(damage)
    options = detection or DetectionOptions()
    finds = mask is None and mask_video is None and restorer.model.task == "inpaint"
    if finds and damage == "lens":
        mask = find_on_lens(restorer, Path(source), options, memory_mb)
        finds = False
    output = Path(output)
    frames = 0
    with open_input(Path(source), ImageError) as container, atomic_write(output) as partial:
        total = container.streams.video[0].frames or None
        work = _Work(
            restorer, mask, mask_video, steady, strategy, memory_mb, options if finds else None
        )
        with Sink(partial, container, encoding or Encoding()) as sink, work:

            def write(item: tuple[FrameOrPacket, Pixels | None, Mask | None]) -> bool:
                carried, restored, hole = item
                if restored is not None:
                    carried = from_rgb(restored, carried, hole)
                sink.write(carried)
                return restored is not None

            # Both threads must have ended before the files that they work on are closed.
            with (
                closing(_in_thread(_with_pixels(decode(container)))) as decoded,
                closing(prefetch_map(write, map(work.restore, decoded), ahead=AHEAD)) as written,
            ):
                for is_frame in written:
                    frames += is_frame
                    if is_frame and progress is not None:
                        progress(frames, total)
            work.finish()
            sink.finish()
    return VideoReport(frames, time.perf_counter() - started, work.damaged)


def find_on_lens(
    restorer: Restorer, source: Path, options: DetectionOptions, memory_mb: int = DEFAULT_MEMORY_MB
) -> Mask:
    """What stays in its place through a video and looks damaged, uint8 [H, W], 255 in it, widened.

    Some frames are looked at, evenly spread; all of them if their number is not known.

    Raises:
        ImageError: the source cannot be read, or has no frames.
        MaskError: damage was found everywhere.
    """
    lens: StaticDamage | None = None
    with open_input(source, ImageError) as container:
        step = max(1, container.streams.video[0].frames // LOOKS)
        for index, frame in enumerate(container.decode(video=0)):
            if index % step == 0:
                lens = lens or StaticDamage(options)
                lens.add(restorer.detect(to_rgb(frame), memory_mb=memory_mb).probability)
    if lens is None:
        raise ImageError(f"{source} has no frames")
    return lens.hole


class _Work:
    """What happens to each frame: the mask that holds for it, and the model."""

    def __init__(
        self,
        restorer: Restorer,
        mask: MaskLike | None,
        mask_video: str | os.PathLike[str] | None,
        steady: bool,
        strategy: Strategy,
        memory_mb: int,
        detection: DetectionOptions | None,
    ) -> None:
        self._restorer = restorer
        self._strategy: Strategy = strategy
        self._memory_mb = memory_mb
        self._detection = detection
        self._marked = 0.0  # sum of the shares of the frames that were looked at
        self._looked = 0
        self._hole: Mask | None = None
        self._masks: Generator[Mask, None, None] | None = None
        self._mask_path = None if mask_video is None else Path(mask_video)
        self._masked: MaskedRestorer | None = None
        if mask is not None:
            self._hole = open_mask(mask)
            steady = steady and restorer.model.task == "inpaint" and bool(self._hole.any())
            self._masked = restorer.with_mask(
                self._hole, steady=steady, strategy=strategy, memory_mb=memory_mb
            )

    def __enter__(self) -> _Work:
        if self._mask_path is not None:
            self._masks = _masks(self._mask_path)
        return self

    def __exit__(self, *_: object) -> None:
        if self._masks is not None:
            self._masks.close()

    def restore(
        self, item: tuple[FrameOrPacket, Pixels | None]
    ) -> tuple[FrameOrPacket, Pixels | None, Mask | None]:
        frame, pixels = item
        if pixels is None:
            return frame, None, None
        if self._masked is not None:
            return frame, self._masked(pixels), self._hole
        hole = None
        if self._detection is not None:
            found = self._restorer.detect(
                pixels, detection=self._detection, memory_mb=self._memory_mb
            )
            hole = found.hole(self._detection)
        if self._masks is not None:
            hole = next(self._masks, None)
            if hole is None:
                raise MaskError(f"{self._mask_path} has fewer frames than the video")
        if hole is not None:
            self._marked += masked_fraction(hole)
            self._looked += 1
        restored = self._restorer.restore(
            pixels, hole, strategy=self._strategy, memory_mb=self._memory_mb
        )
        return frame, restored, hole

    @property
    def damaged(self) -> float | None:
        """Mean share of the frames' pixels that were marked."""
        if self._hole is not None:
            return masked_fraction(self._hole)
        return self._marked / self._looked if self._looked else None

    def finish(self) -> None:
        if self._masks is not None and next(self._masks, None) is not None:
            raise MaskError(f"{self._mask_path} has more frames than the video")


def _masks(path: Path) -> Generator[Mask, None, None]:
    """The frames of a video of masks, uint8 [H, W], 255 in the hole."""
    with open_input(path, MaskError) as container:
        for frame in container.decode(video=0):
            grey = cv2.cvtColor(to_rgb(frame).astype(np.uint8), cv2.COLOR_RGB2GRAY)
            yield np.multiply(np.asarray(grey) > 127, 255, dtype=np.uint8)


def _with_pixels(
    items: Iterator[FrameOrPacket],
) -> Iterator[tuple[FrameOrPacket, Pixels | None]]:
    """Adds the pixels of frames; packets have none."""
    from av import VideoFrame

    for item in items:
        yield item, to_rgb(item) if isinstance(item, VideoFrame) else None


def _in_thread(items: Iterator[Item]) -> Generator[Item, None, None]:
    """The same items, taken in another thread, some ahead of their use."""
    end = object()
    with closing(prefetch_map(lambda _: next(items, end), repeat(None), ahead=AHEAD)) as taken:
        for item in taken:
            if item is end:
                return
            yield item  # type: ignore[misc]
