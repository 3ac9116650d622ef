from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from inpaint_eval.pictures import list_pictures
from inpaint_export.data.masks import KINDS, RATIOS, random_mask
from inpaint_export.data.photos import LargeCrops, PhotoDataConfig, PhotoHoles


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [64, 256])
def test_masks_are_binary_varied_and_of_bounded_ratio(kind: str, size: int) -> None:
    rng = np.random.default_rng(2)
    masks = [random_mask(rng, size, {kind: 1.0}) for _ in range(40)]
    for mask in masks:
        assert mask.shape == (size, size)
        assert mask.dtype == np.uint8
        assert set(np.unique(mask)) <= {0, 255}
        assert RATIOS[0] <= cv2.countNonZero(mask) / mask.size <= RATIOS[1]
    assert len({mask.tobytes() for mask in masks}) == len(masks)


def test_a_seed_gives_the_same_masks() -> None:
    weights = dict.fromkeys(KINDS, 1.0)
    first, second = (random_mask(np.random.default_rng(3), 128, weights) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_weights_choose_the_kind() -> None:
    """Boxes are the only kind whose rows are all runs of full height."""
    rng = np.random.default_rng(0)
    weights = {"boxes": 1.0, "irregular": 0.0}
    for _ in range(10):
        mask = random_mask(rng, 128, weights)
        corners = cv2.approxPolyDP(cv2.findContours(mask, 0, 2)[0][0], 1, True)
        assert len(corners) >= 4


def test_items_depend_on_seed_and_index_alone(data_root: Path) -> None:
    config = PhotoDataConfig(("train",), crop=64)
    one = PhotoHoles(data_root, config, seed=1, length=9)
    two = PhotoHoles(data_root, config, seed=1, length=9)
    for index in (5, 0, 5):
        for name in ("image", "mask"):
            assert (one[index][name] == two[index][name]).all()
    other = PhotoHoles(data_root, config, seed=2, length=9)
    assert (one[5]["image"] != other[5]["image"]).any()


def test_items_are_crops_with_holes(data_root: Path) -> None:
    dataset = PhotoHoles(data_root, PhotoDataConfig(("train",), crop=96), seed=0, length=30)
    for index in range(30):
        item = dataset[index]
        assert tuple(item["image"].shape) == (3, 96, 96)
        assert tuple(item["mask"].shape) == (1, 96, 96)
        assert 0 < item["mask"].float().mean() < 255


def test_larger_crops_fill_whole_batches(data_root: Path) -> None:
    large = LargeCrops(crop=128, scale=(1.0, 2.0), masks={"wide": 1.0}, every=3, batch=2)
    config = PhotoDataConfig(("train",), crop=64, masks={"specks": 1.0}, large=large)
    dataset = PhotoHoles(data_root, config, seed=0, length=12)
    for batch in range(6):
        items = [dataset[2 * batch + i] for i in range(2)]
        side = 64 if batch % 3 else 128
        assert {tuple(item["mask"].shape) for item in items} == {(1, side, side)}
        assert all(item["image"].shape[1:] == item["mask"].shape[1:] for item in items)
        assert all((item["mask"].float().mean() > 50.0) == (side == 128) for item in items)


def test_config_is_checked() -> None:
    with pytest.raises(ValueError, match="unknown mask kinds \\['circles'\\]"):
        PhotoDataConfig(("train",), masks={"circles": 1.0})
    with pytest.raises(ValueError, match="multiple of 16"):
        PhotoDataConfig(("train",), crop=100)
    large = LargeCrops(crop=128, scale=(1.0, 2.0), masks={"rings": 1.0}, every=3, batch=2)
    with pytest.raises(ValueError, match="unknown mask kinds \\['rings'\\]"):
        PhotoDataConfig(("train",), large=large)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no pictures in"):
        list_pictures(tmp_path)


def test_one_folder_is_no_tuple_of_letters(data_root: Path) -> None:
    with pytest.raises(ValueError, match=r"folders is 'train'; it is a tuple of folders"):
        PhotoDataConfig("train", crop=64).open(data_root, seed=0, length=1)  # type: ignore[arg-type]
