"""From a video's frames to the arrays that are restored."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from inpaint_sdk.errors import ImageError
from inpaint_sdk.images.image import Channels, Pixels
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.media.orientation import orientation_of

if TYPE_CHECKING:
    from av import VideoFrame


def to_rgb(frame: VideoFrame) -> Pixels:
    """Upright RGB, uint8 [H, W, 3], or uint16 where the video has more than 8 bits a channel."""
    return _upright(frame, "rgb48le" if is_deep(frame.format.name) else "rgb24")


def to_8bit(frame: VideoFrame, channels: Channels) -> Pixels:
    """Upright, uint8 [H, W, 3], whatever the video has."""
    return _upright(frame, f"{channels}24")


def to_mask(frame: VideoFrame) -> Mask:
    """Upright, uint8 [H, W], 255 where a frame is over half as bright as white, of any depth."""
    grey = np.asarray(cv2.cvtColor(to_rgb(frame), cv2.COLOR_RGB2GRAY))
    half = 32767 if grey.dtype == np.uint16 else 127
    return np.multiply(grey > half, 255, dtype=np.uint8)


@cache
def is_deep(pixel_format: str) -> bool:
    """Whether a pixel format has more than 8 bits a channel."""
    from av import VideoFormat

    return any(component.bits > 8 for component in VideoFormat(pixel_format).components)


def _upright(frame: VideoFrame, pixel_format: str) -> Pixels:
    from av import FFmpegError

    try:
        pixels = frame.to_ndarray(format=pixel_format)
    except FFmpegError as error:  # as where a damaged file names a colour space that there is not
        form = f"{frame.format.name}, {frame.width}x{frame.height}"
        raise ImageError(f"a frame of {form}, cannot be converted: {error.strerror}") from error
    orientation = orientation_of(frame)
    if orientation:
        return np.ascontiguousarray(orientation.to_shown(pixels))
    # What needs no conversion is a view of the decoder's own frame, from which it makes later ones.
    return pixels.copy() if frame.format.name == pixel_format else pixels
