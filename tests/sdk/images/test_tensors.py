from __future__ import annotations

import numpy as np
import pytest

from inpaint_sdk.images.image import Channels
from inpaint_sdk.images.tensors import to_colours, to_hwc


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_pixels_become_colours_as_pictures_do(
    rng: np.random.Generator, channels: Channels, count: int
) -> None:
    """Of none, too: a crop may have nothing to fill."""
    for pixels in (rng.random((35, 3), np.float32), np.empty((0, 3), np.float32)):
        found = to_colours(pixels, channels, count)
        assert found.shape == (len(pixels), count)
        if len(pixels):
            picture = np.ascontiguousarray(pixels.T.reshape(3, 5, 7))
            expected = to_hwc(picture, channels, 5, 7, count).reshape(-1, count)
            np.testing.assert_allclose(found, expected, rtol=1e-6)
