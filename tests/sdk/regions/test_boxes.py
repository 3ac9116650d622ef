"""How much of a picture a network may be shown at once."""

from __future__ import annotations

import pytest

from inpaint_sdk import Memory
from inpaint_sdk.regions.boxes import pixels_within

LINEAR = Memory(bytes_per_pixel=100)
ATTENTION = Memory(bytes_per_pixel=120, bytes_per_pixel_squared=8e-4)


def test_more_memory_shows_more_but_attention_only_its_root() -> None:
    assert pixels_within(640, LINEAR) == 6_400_000
    few, many = (pixels_within(memory, ATTENTION) for memory in (1000, 4000))
    assert 2.0 < many / few < 2.5


@pytest.mark.parametrize("memory", [LINEAR, ATTENTION, Memory(0.0, 1e-3)], ids=str)
def test_as_much_is_shown_as_fits(memory: Memory) -> None:
    def needed(pixels: int) -> float:
        return memory.bytes_per_pixel * pixels + memory.bytes_per_pixel_squared * pixels**2

    pixels = pixels_within(950, memory)
    assert needed(pixels) <= 950e6 < needed(pixels + 1)
