"""What is held out is held out by the rule that is written down, and by nothing else."""

from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from inpaint_eval.splits import is_held_out, list_split


def test_a_fifth_of_more_photographs_is_held_out_by_the_checksum_of_the_name() -> None:
    names = [f"street-{i:04}.jpg" for i in range(500)]
    held = [n for n in names if is_held_out("photos/more", n)]
    assert held == [n for n in names if zlib.crc32(n.encode()) % 5 == 0]
    assert 60 < len(held) < 140


@pytest.mark.parametrize(
    ("folder", "name", "held"),
    [
        ("film/shapes/hair", "005.png", True),
        ("film/shapes/hair", "006.png", False),
        ("film/frames", "07.png", False),
        ("film/frames", "08.png", True),
        ("photos/train", "anything.jpg", False),
        ("photos/val", "anything.jpg", True),
        ("photos/kodak24", "1.png", True),
        ("polyu", "a_real.JPG", True),
        ("rice1/test/clear", "5.png", True),
        ("rice1/train/clear", "5.png", False),
        ("my/own", "5.png", False),
        ("photos//val", "anything.jpg", True),
        ("./photos/val/", "anything.jpg", True),
    ],
)
def test_rules(folder: str, name: str, held: bool) -> None:
    assert is_held_out(folder, name) == held


def test_a_name_that_does_not_tell_is_an_error() -> None:
    with pytest.raises(ValueError, match="no number"):
        is_held_out("film/shapes/hair", "hair.png")


@pytest.mark.parametrize("folder", ["photos/../photos/val", "/photos/val"])
def test_a_folder_is_named_from_the_root_down(folder: str) -> None:
    with pytest.raises(ValueError, match="from the data root down"):
        is_held_out(folder, "anything.jpg")


def test_splits_share_no_file_and_lose_none(tmp_path: Path) -> None:
    folder = tmp_path / "photos" / "more"
    folder.mkdir(parents=True)
    for i in range(30):
        cv2.imwrite(str(folder / f"{i}.png"), np.zeros((4, 4, 3), np.uint8))
    train = list_split(tmp_path, "photos/more", "train")
    held = list_split(tmp_path, "photos/more", "held-out")
    assert not set(train) & set(held)
    assert len(train) + len(held) == 30


def test_the_research_data_is_split(shared_data: Path) -> None:
    assert 400 < len(list_split(shared_data, "photos/more", "held-out")) < 520
    assert [p.stem for p in list_split(shared_data, "film/frames", "held-out")] == [
        "08",
        "09",
        "10",
    ]
