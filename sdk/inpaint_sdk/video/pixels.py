"""From restored pixels back to a video's frames."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.image import Pixels
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.media.orientation import Orientation, orientation_of

if TYPE_CHECKING:
    from av import VideoFormat, VideoFrame

BLOCK = 8
"""Pixels in which conversions of colour repeat: no chroma sample is larger, nor a dither."""


def with_restored(frame: VideoFrame, restored: Pixels, mask: Mask | None) -> VideoFrame:
    """A frame with what was restored in it, otherwise as it was: stored, not shown.

    Transparency, and all samples that cover no pixel of the mask, are the frame's own to the bit:
    turning them into RGB and back would change them a little. So are its time, flags and captions.
    The frame is written into, if it need not be converted.

    restored: upright RGB, uint8 or uint16 [H, W, 3]. mask: uint8 [H, W], upright, nonzero where
    pixels were changed; None if all may have been.
    """
    orientation = orientation_of(frame)
    stored = orientation.to_stored(restored)
    changed = np.ones(stored.shape[:2], np.uint8) if mask is None else orientation.to_stored(mask)
    rows, columns = _box(changed)
    planar = planar_format(frame.format.name)
    result = frame.reformat(format=planar)
    result.make_writable()
    colours = _to_frame(stored[rows, columns], frame, planar)
    for component in result.format.components:
        if component.is_alpha:
            continue
        ours = _samples(result.planes[component.plane], component)
        theirs = _samples(colours.planes[component.plane], component)
        tall, wide = -(-frame.height // ours.shape[0]), -(-frame.width // ours.shape[1])
        ours = ours[rows.start // tall :, columns.start // wide :]
        where = _cover(changed[rows, columns], tall, wide)
        np.copyto(ours[: theirs.shape[0], : theirs.shape[1]], theirs, where=where)
    return result


def turned_upright(frame: VideoFrame, orientation: Orientation, restored: Pixels) -> VideoFrame:
    """A frame that needs not be turned to be shown, for files that cannot say that it should.

    restored: upright RGB, uint8 or uint16 [H, W, 3].
    """
    planar = planar_format(frame.format.name)
    result = _to_frame(restored, frame, planar)
    stored = frame.reformat(format=planar)
    for component in result.format.components:
        if component.is_alpha:
            ours, theirs = (
                _samples(f.planes[component.plane], component) for f in (result, stored)
            )
            np.copyto(ours, orientation.to_shown(theirs))
    result.pts, result.time_base, result.duration = frame.pts, frame.time_base, frame.duration
    return result


@cache
def planar_format(name: str) -> str:
    """The pixel format with a plane for each component that holds most of what another does."""
    from av import VideoFormat
    from av.codec.codec import find_best_pix_fmt_of_list

    if is_planar(name):
        return name
    has_alpha = any(component.is_alpha for component in VideoFormat(name).components)
    has_alpha |= name == "pal8"  # its palette may have
    best, _ = find_best_pix_fmt_of_list(_planar_formats(), name, has_alpha)
    return best.name if best is not None else "gbrp"


@cache
def is_planar(name: str) -> bool:
    """Whether each component has a plane of its own, of whole bytes or little-endian words."""
    from av import VideoFormat

    if not name.startswith(("yuv", "gbrp", "gbrap", "gray")):
        return False
    pixel_format: VideoFormat = VideoFormat(name)
    planes = {component.plane for component in pixel_format.components}
    is_whole = all(component.bits <= 16 for component in pixel_format.components)
    return len(planes) == len(pixel_format.components) and is_whole and not name.endswith("be")


@cache
def _planar_formats() -> tuple[str, ...]:
    from av.video import format as formats

    names: set[str] = formats.names  # type: ignore[attr-defined]
    return tuple(sorted(name for name in names if is_planar(name)))


def _to_frame(restored: Pixels, like: VideoFrame, pixel_format: str) -> VideoFrame:
    """Restored pixels, RGB [H, W, 3], in a pixel format and in the colours of another frame."""
    from av import VideoFrame

    name = "rgb48le" if restored.dtype == np.uint16 else "rgb24"
    rgb = VideoFrame.from_ndarray(np.ascontiguousarray(restored), format=name)
    rgb.colorspace, rgb.color_range = like.colorspace, like.color_range
    return rgb.reformat(
        format=pixel_format, src_colorspace=like.colorspace, dst_colorspace=like.colorspace
    )


def _box(mask: Mask) -> tuple[slice, slice]:
    """Rows and columns that hold all of a mask, and room around it, in blocks of ``BLOCK``."""
    found = []
    for axis in (1, 0):
        places = np.flatnonzero(mask.any(axis=axis))
        first, last = (int(places[0]), int(places[-1])) if places.size else (0, 0)
        end = min(mask.shape[1 - axis], (last // BLOCK + 2) * BLOCK)
        found.append(slice(max(0, first // BLOCK - 1) * BLOCK, end))
    return found[0], found[1]


def _cover(mask: Mask, tall: int, wide: int) -> NDArray[np.bool_]:
    """Which samples of ``tall`` times ``wide`` pixels cover a pixel of a mask."""
    room = (0, -mask.shape[0] % tall), (0, -mask.shape[1] % wide)
    padded = np.pad(mask > 0, room) if any(map(any, room)) else mask > 0
    found: NDArray[np.bool_] = padded[::tall, ::wide].copy()
    for row in range(tall):
        for column in range(wide):
            found |= padded[row::tall, column::wide]
    return found


def _samples(plane: Any, component: Any) -> NDArray[Any]:
    """A view of a plane's samples, [H, W]."""
    dtype = np.uint16 if component.bits > 8 else np.uint8
    rows: NDArray[Any] = np.frombuffer(plane, dtype)
    return rows.reshape(plane.height, -1)[:, : plane.width]
