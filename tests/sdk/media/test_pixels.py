from __future__ import annotations

from collections.abc import Callable

import pytest
from av import VideoFrame

from inpaint_sdk import ImageError
from inpaint_sdk.images.image import Pixels
from inpaint_sdk.media.pixels import to_mask, to_rgb


@pytest.mark.parametrize("convert", [to_rgb, to_mask])
def test_a_colour_space_that_there_is_not(convert: Callable[[VideoFrame], Pixels]) -> None:
    """As in a damaged file."""
    frame = VideoFrame(16, 16, "yuv420p12le")
    frame.colorspace = 3
    with pytest.raises(ImageError, match="a frame of yuv420p12le, 16x16, cannot be converted"):
        convert(frame)
