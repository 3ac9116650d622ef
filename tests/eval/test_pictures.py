from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from inpaint_eval.pictures import Ratio, assign, hole_ratio


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Four pictures of different sizes; ten masks whose hole ratios are 5 %, 15 %, ... 95 %."""
    rng = np.random.default_rng(0)
    for name in ("pictures", "masks"):
        (tmp_path / name).mkdir()
    for index in range(4):
        picture = rng.integers(0, 256, (40, 50 + index, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "pictures" / f"{index}.png"), picture)
    for index in range(10):
        mask = np.zeros((100, 100), np.uint8)
        mask[: 5 + 10 * index] = 255
        cv2.imwrite(str(tmp_path / "masks" / f"{index}.png"), mask)
    return tmp_path / "pictures", tmp_path / "masks"


def test_ratio() -> None:
    assert Ratio.parse("10-20") == Ratio(10, 20)
    assert str(Ratio.parse("2.5-10")) == "2.5-10 %"
    for text in ("10", "20-10", "a-b", "10-", "-5-10", "10-200", ""):
        with pytest.raises(ValueError, match="a hole ratio is like 10-20"):
            Ratio.parse(text)


def test_masks_are_chosen_by_ratio_and_spread_over_pictures(folders: tuple[Path, Path]) -> None:
    samples = list(assign(*folders, Ratio(20, 60)))
    assert [s.picture_path.name for s in samples] == ["0.png", "1.png", "2.png", "3.png"]
    assert [s.mask_path.name for s in samples] == ["2.png", "3.png", "4.png", "5.png"]
    samples = list(assign(*folders, Ratio(0, 100)))
    assert [s.mask_path.name for s in samples] == ["1.png", "3.png", "6.png", "8.png"]


def test_samples_fit_together(folders: tuple[Path, Path]) -> None:
    for sample in assign(*folders, Ratio(10, 20)):
        assert sample.mask.shape == sample.picture.shape[:2]
        assert set(np.unique(sample.mask)) == {0, 255}
        assert hole_ratio(sample.mask) == pytest.approx(15, abs=1.5)


def test_what_is_missing_is_an_error(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no masks with a hole ratio of 96-99 %"):
        list(assign(*folders, Ratio(96, 99)))
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no pictures in"):
        list(assign(tmp_path / "empty", folders[1], Ratio(0, 100)))
