"""How much of a picture a network may be shown at once."""

from __future__ import annotations

import pytest

from inpaint_sdk import ImageError
from inpaint_sdk.regions.boxes import pixels_within


def test_more_memory_shows_more_but_a_transformer_only_its_root() -> None:
    assert pixels_within(4000, "cnn") == 4 * pixels_within(1000, "cnn")
    few, many = (pixels_within(memory, "transformer") for memory in (1000, 4000))
    assert 2.0 < many / few < 2.5
    # About what was measured: 950 MB for a megapixel.
    assert pixels_within(950, "transformer") == pytest.approx(1024 * 1024, rel=0.1)


def test_too_little_memory_is_an_error() -> None:
    with pytest.raises(ImageError, match="memory_mb is 8; it must be at least 16"):
        pixels_within(8, "transformer")
