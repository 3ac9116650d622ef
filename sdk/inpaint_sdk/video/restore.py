"""Restoring a video file."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from inpaint_sdk.errors import FileWarning, ImageError, MaskError, OptionError
from inpaint_sdk.files import atomic_write
from inpaint_sdk.frames.static_damage import StaticDamage
from inpaint_sdk.images.image import Image, Pixels
from inpaint_sdk.images.masks import Mask, MaskLike
from inpaint_sdk.media.orientation import orientation_of
from inpaint_sdk.media.pixels import to_mask, to_rgb
from inpaint_sdk.media.reading import FrameOrPacket, count_frames, open_video, read_frames
from inpaint_sdk.options import DamageIn, Options
from inpaint_sdk.policies.policy import DAMAGED_EVERYWHERE
from inpaint_sdk.prefetch import prefetch_map
from inpaint_sdk.video.encoders import Encoding
from inpaint_sdk.video.output import Sink, open_output
from inpaint_sdk.video.pixels import turned_upright, with_restored

_LOG = logging.getLogger(__name__)

if TYPE_CHECKING:
    from av import VideoFrame

    from inpaint_sdk.policies.plan import Result
    from inpaint_sdk.restorer import Restorer

Item = TypeVar("Item")

SAMPLED_FRAMES = 48
"""Frames of a video in which static damage is looked for, at least, if it has as many."""

AHEAD = 4
"""Frames that are decoded, and encoded, beside the one that is restored."""


@dataclass(frozen=True)
class VideoReport:
    """What was done.

    Attributes:
        frames: number of frames.
        seconds: time from the start to the finished file.
        masked_fraction: share of a frame's pixels that were restored under a mask, from 0 to 1,
            the mean over frames; None if there was no mask and none was looked for.
        left_alone: number of frames that stayed as they were because damage was everywhere.
        damaged_packets: number of the source's packets that could not be decoded: their frames are
            left out.
    """

    frames: int
    seconds: float
    masked_fraction: float | None = None
    left_alone: int = 0
    damaged_packets: int = 0


def restore_video(
    restorer: Restorer,
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    mask: MaskLike | None = None,
    mask_video: str | os.PathLike[str] | None = None,
    damage: DamageIn = "frame",
    steady: bool = True,
    options: Options | None = None,
    encoding: Encoding | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> VideoReport:
    """Restore a video file; keep its timing, audio and subtitles.

    Decoding, restoring and encoding overlap. The output appears when it is whole.

    Args:
        restorer: loaded with either order of channels.
        source: any file that FFmpeg reads. Its first video is restored; audio, subtitles, chapters,
            covers, attachments and further videos are carried over.
        output: in the container of its suffix. Pixel format, bits, transparency, fields and HDR are
            as near to the source's as the encoder has them. What the file cannot hold is a
            ``FileWarning`` or a ``MetadataWarning`` that names it; lost transparency, audio or
            subtitles are an error.
        mask: mask of static damage, like a logo, of the size of the video as it is shown; nonzero
            pixels are restored.
        mask_video: video of masks, one frame for each frame of the source; what is over half as
            bright as white is restored. In place of ``mask``.
        damage: without a mask, where damage is looked for: ``"frame"`` in each frame anew, as on
            film; ``"static"`` beforehand in frames from the whole video, for what stays in place.
        steady: under one mask, keep the filling still where nothing around it moves.
        options: how frames are restored; None for the restorer's own.
        encoding: how to compress; by default the source's codec at a high quality.
        progress: called with the number of frames done and of all, as far as the file tells.

    Raises:
        BackendError: PyAV is not installed.
        ImageError, MaskError: the source or a mask cannot be read, or they do not fit.
        OptionError: options contradict each other, or the model.
        OutputError: the output cannot be written or cannot hold what the source has.

    Examples:
        >>> from inpaint_sdk import Restorer, restore_video
        >>> restorer = Restorer.load("photo")
        >>> restore_video(restorer, "clip.mp4", "restored.mp4", mask="logo.png").frames
        5
    """
    started = time.perf_counter()
    source, output = Path(source), Path(output)
    if mask is not None and mask_video is not None:
        raise OptionError("give a mask or a video of masks, not both")
    if mask_video is not None and damage == "static":
        raise OptionError("static damage is looked for without a mask; leave one of them out")
    frames = restorer.frames(mask, damage=damage, steady=steady, options=options)
    total = count_frames(source)
    everywhere = False
    if damage == "static" and mask is None and mask_video is None:
        found = find_static_damage(restorer, source, total, options)
        everywhere = bool(found.all())
        if everywhere:
            _LOG.warning("%s is left as it is: %s", source, DAMAGED_EVERYWHERE)
            found = found * 0
        frames = restorer.frames(found, steady=steady, options=options)
    count, left_alone, masked, fractions = 0, 0, 0, 0.0
    # Entered last, and so ended first: threads before the files that they work on are closed.
    with ExitStack() as stack:
        video = stack.enter_context(open_video(source, ImageError))
        # Masks are told apart by their order, so none of the frames may be missing.
        items = video.read(whole=mask_video is not None)
        beginning = _up_to_a_frame(items, source)
        partial = stack.enter_context(atomic_write(output))
        sink = stack.enter_context(
            open_output(partial, output, video, beginning, encoding or Encoding())
        )
        masks = None
        if mask_video is not None:
            masks = stack.enter_context(closing(_in_thread(_masks(Path(mask_video)))))

        def restore(
            item: tuple[FrameOrPacket, Pixels | None],
        ) -> tuple[FrameOrPacket, Result | None]:
            carried, pixels = item
            if pixels is None:
                return carried, None
            own = None if masks is None else next(masks, None)
            if masks is not None and own is None:
                raise MaskError(f"{mask_video} has fewer frames than the video")
            return carried, frames.run(Image(pixels, "rgb"), own, out=pixels)

        def write(item: tuple[FrameOrPacket, Result | None]) -> Result | None:
            carried, result = item
            sink.write(carried if result is None else _to_frame(result, carried, sink))
            return result

        decoded = stack.enter_context(closing(_in_thread(_with_pixels(chain(beginning, items)))))
        written = stack.enter_context(
            closing(prefetch_map(write, map(restore, decoded), ahead=AHEAD))
        )
        for result in written:
            if result is None:
                continue
            count += 1
            left_alone += everywhere or bool(result.plan.unrestorable)
            if result.plan.masked_fraction is not None:
                masked += 1
                fractions += result.plan.masked_fraction
            if progress is not None:
                progress(count, total)
        if masks is not None and next(masks, None) is not None:
            raise MaskError(f"{mask_video} has more frames than the video")
    damaged = video.damaged_packets
    if damaged:
        warnings.warn(video.damage, FileWarning, stacklevel=2)
    fraction = fractions / masked if masked else None
    return VideoReport(count, time.perf_counter() - started, fraction, left_alone, damaged)


def find_static_damage(
    restorer: Restorer, source: Path, total: int, options: Options | None = None
) -> Mask:
    """The mask of what stays in place through a video and looks damaged, uint8 [H, W], 255 there.

    total: number of its frames; ``SAMPLED_FRAMES`` to twice as many of them are looked at.

    Raises:
        ImageError: the source cannot be read.
    """
    static: StaticDamage | None = None
    step = max(1, total // SAMPLED_FRAMES)
    with closing(read_frames(source, ImageError)) as frames:
        for frame in islice(frames, 0, None, step):
            found = restorer.detect(Image(to_rgb(frame), "rgb"), options=options)
            if static is None:
                static = StaticDamage(Options(detection=found.options))
            static.add(found.probability())
    if static is None:
        raise ImageError(f"{source} has no frames")
    return static.mask


def _to_frame(result: Result, frame: VideoFrame, sink: Sink) -> VideoFrame:
    """The frame to be written, in the form of the source's."""
    plan, orientation = result.plan, orientation_of(frame)
    if orientation and not sink.turns:
        return turned_upright(frame, orientation, result.image)
    if not plan.changes:
        return frame
    return with_restored(frame, result.image, None if plan.changes_everywhere else plan.mask)


def _up_to_a_frame(items: Iterator[FrameOrPacket], source: Path) -> list[FrameOrPacket]:
    """The first items, the last of which is a frame."""
    from av import VideoFrame

    taken = []
    for item in items:
        taken.append(item)
        if isinstance(item, VideoFrame):
            return taken
    raise ImageError(f"{source} has no frames")


def _masks(path: Path) -> Generator[Mask, None, None]:
    """The frames of a video of masks, uint8 [H, W], 255 where to restore."""
    with closing(read_frames(path, MaskError, whole=True)) as frames:
        yield from map(to_mask, frames)


def _with_pixels(
    items: Iterator[FrameOrPacket],
) -> Generator[tuple[FrameOrPacket, Pixels | None], None, None]:
    """What a source holds, frames with their pixels; packets have none."""
    from av import VideoFrame

    for item in items:
        yield item, to_rgb(item) if isinstance(item, VideoFrame) else None


def _in_thread(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """The same items, taken in another thread, some ahead of their use; closed at the end."""
    end = object()
    with (
        closing(items),
        closing(prefetch_map(lambda _: next(items, end), repeat(None), ahead=AHEAD)) as taken,
    ):
        for item in taken:
            if item is end:
                return
            yield item  # type: ignore[misc]
