from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from inpaint_eval.undamaged import (
    EACH,
    IN_PHOTOGRAPHS,
    KINDS,
    undamaged_photographs,
    undamaged_picture,
)


def test_there_are_200_pictures() -> None:
    assert EACH * len(KINDS) == 200
    assert set(IN_PHOTOGRAPHS) <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_the_same_every_time_and_none_like_another(kind: str) -> None:
    first, again, other = (undamaged_picture(kind, index) for index in (0, 0, 5))
    assert first.kind == kind
    assert first.picture.dtype == np.uint8
    np.testing.assert_array_equal(first.picture, again.picture)
    np.testing.assert_array_equal(first.text, again.text)
    assert first.picture.shape == other.picture.shape
    assert (first.picture != other.picture).mean() > 0.1
    assert first.picture.std() > 3.0


def test_letters_are_known() -> None:
    for kind in ("signs", "film_boxes", "text_page"):
        shares = [(undamaged_picture(kind, index).text > 0).mean() for index in range(3)]
        assert 0.002 < np.mean(shares) < 0.5, kind
    assert not undamaged_picture("snow", 0).text.any()


def test_photographs_are_held_out(tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "more"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    names = [f"{index}.png" for index in range(40)]
    for index, name in enumerate(names):
        tone = 250 if zlib.crc32(name.encode()) % 5 else 20 + 2 * index
        noise = rng.integers(0, 4, (160, 200, 3))
        cv2.imwrite(str(folder / name), (tone + noise).astype(np.uint8))
    held_out = sum(zlib.crc32(name.encode()) % 5 == 0 for name in names)
    found = list(undamaged_photographs(tmp_path))
    assert len(found) == held_out > 1
    assert {item.kind for item in found} <= set(IN_PHOTOGRAPHS)
    assert all(np.median(item.picture) < 200 for item in found)  # the trained ones are light
