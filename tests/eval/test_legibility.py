from __future__ import annotations

import numpy as np
import pytest

from inpaint_eval.legibility import (
    DAMAGES,
    LINE,
    DamagedLine,
    Legibility,
    character_error_rate,
    damaged_lines,
    line_on,
    measure_legibility,
)
from inpaint_eval.pictures import Pixels
from support.fonts import require_fonts


@pytest.mark.parametrize(
    ("found", "written", "rate"),
    [
        (["abc"], ["abc"], 0.0),
        ([""], ["abc"], 1.0),
        (["abd", "x"], ["abc", "x"], 0.25),
        (["ac"], ["abc"], 1 / 3),
        (["aabbcc"], ["abc"], 1.0),
        (["xxxxxxxx"], ["a"], 8.0),
    ],
)
def test_the_rate(found: list[str], written: list[str], rate: float) -> None:
    assert character_error_rate(found, written) == pytest.approx(rate)


def test_what_is_not_comparable_is_refused() -> None:
    with pytest.raises(ValueError, match="no character"):
        character_error_rate([""], [""])
    with pytest.raises(ValueError):
        character_error_rate(["a"], ["a", "b"])


def test_legibility_is_read_three_times() -> None:
    """A reader of brightness: what is white says "ab", what is grey "a", and black nothing."""

    def read(picture: Pixels) -> str:
        return "ab"[: round(2 * float(picture.mean()) / 255)]

    def restore(picture: Pixels, mask: Pixels | None) -> Pixels:
        assert mask is not None
        return np.where(mask[..., None] > 0, np.uint8(128), picture)

    white, black = np.full((4, 4, 3), 255, np.uint8), np.zeros((4, 4, 3), np.uint8)
    line = DamagedLine("ab", white, black, np.full((4, 4), 255, np.uint8))
    found = measure_legibility(read, restore, [line, line])
    assert found == Legibility(lines=2, clean=0.0, damaged=1.0, restored=0.5)


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_lines_are_the_same_each_time(damage: str) -> None:
    require_fonts("test")
    photographs = [np.full((90, 700, 3), 90 + 60 * i, np.uint8) for i in range(2)]
    first, again = (damaged_lines(photographs, damage, seed=3) for _ in range(2))
    assert [line.text for line in first] == [line.text for line in again]
    for line, same in zip(first, again, strict=True):
        assert line.clean.shape == line.damaged.shape == (*LINE, 3)
        np.testing.assert_array_equal(line.damaged, same.damaged)
        assert (line.mask is None) == (DAMAGES[damage] is None)
        if line.mask is not None:
            changed = np.abs(line.clean.astype(int) - line.damaged).max(axis=2) >= 12
            assert changed.any()
            assert not (changed & (line.mask == 0)).any()


def test_letters_stand_out(rng: np.random.Generator) -> None:
    require_fonts("test")
    picture, text = line_on(rng, np.full((64, 640, 3), 128, np.uint8))
    assert text == text.strip() != ""
    assert np.ptp(picture.mean(axis=2)) > 80
    with pytest.raises(ValueError, match="640x64"):
        line_on(rng, np.zeros((63, 640, 3), np.uint8))
