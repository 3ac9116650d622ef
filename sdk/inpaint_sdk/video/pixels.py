"""Between a video's frames and the arrays that are restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.images.image import Pixels
from inpaint_sdk.images.masks import Mask

if TYPE_CHECKING:
    from av import VideoFrame


def to_rgb(frame: VideoFrame) -> Pixels:
    """Upright RGB, uint8 [H, W, 3], or uint16 where the video has more than 8 bits a channel."""
    deep = any(component.bits > 8 for component in frame.format.components)
    pixels = frame.to_ndarray(format="rgb48le" if deep else "rgb24")
    turns = quarter_turns(frame)
    if turns:
        return np.ascontiguousarray(np.rot90(pixels, turns))
    # What needs no conversion is a view of the decoder's own frame, from which it makes later ones.
    return pixels.copy() if frame.format.name in ("rgb24", "rgb48le") else pixels


def quarter_turns(frame: VideoFrame) -> int:
    """Number of quarter turns counter-clockwise by which a frame is turned when it is shown."""
    return round(frame.rotation / 90) % 4


def from_rgb(restored: Pixels, frame: VideoFrame, mask: Mask | None) -> VideoFrame:
    """A frame like ``frame`` that shows a result of :func:`to_rgb`, upright.

    mask: uint8 [H, W], nonzero where pixels were changed; None if all may have been. Everywhere
    else the samples stay what they were, where the format allows it (planes for luma and chroma):
    turning them into RGB and back would change them a little.
    """
    import av

    name = "rgb48le" if restored.dtype == np.uint16 else "rgb24"
    rgb = av.VideoFrame.from_ndarray(restored, format=name)
    rgb.colorspace, rgb.color_range = frame.colorspace, frame.color_range
    result = rgb.reformat(
        format=frame.format.name, src_colorspace=frame.colorspace, dst_colorspace=frame.colorspace
    )
    if mask is not None and not quarter_turns(frame) and _is_planar(frame):
        for ours, theirs in zip(result.planes, frame.planes, strict=True):
            _keep(_samples(ours, frame), _samples(theirs, frame), mask)
    result.pts, result.time_base = frame.pts, frame.time_base
    return result


def to_mask(frame: VideoFrame) -> Mask:
    """Upright, uint8 [H, W], 255 where a frame is over half as bright as white, of any depth."""
    grey = np.asarray(cv2.cvtColor(to_rgb(frame), cv2.COLOR_RGB2GRAY))
    half = 32767 if grey.dtype == np.uint16 else 127
    return np.multiply(grey > half, 255, dtype=np.uint8)


def _keep(ours: NDArray[Any], theirs: NDArray[Any], mask: Mask) -> None:
    """Copies the samples of one plane back that cover no pixel of the mask."""
    height, width = theirs.shape
    changed: NDArray[Any] = mask
    if mask.shape != theirs.shape:
        size = width, height
        covered = (mask > 0).astype(np.float32)
        changed = np.asarray(cv2.resize(covered, size, interpolation=cv2.INTER_AREA))
    np.copyto(ours, theirs, where=changed == 0)


def _is_planar(frame: VideoFrame) -> bool:
    """Whether each component has a plane of its own, of whole bytes or whole 16-bit words."""
    return len(frame.planes) == len(frame.format.components) and frame.format.name.startswith(
        ("yuv4", "yuvj4", "gray")
    )


def _samples(plane: Any, frame: VideoFrame) -> NDArray[Any]:
    """A view of a plane's samples, [H, W]."""
    dtype = np.uint16 if frame.format.components[0].bits > 8 else np.uint8
    rows: NDArray[Any] = np.frombuffer(plane, dtype)
    return rows.reshape(plane.height, -1)[:, : plane.width]
