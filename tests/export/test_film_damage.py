"""Training items with damage by kind, film's and others'."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from inpaint_eval.pictures import Pixels
from inpaint_export.data import scene_patterns, worn_prints
from inpaint_export.data.film_damage import (
    FAMILIES,
    KINDS,
    FilmDamageDataConfig,
    busyness,
)
from inpaint_export.data.scene_text import scene_text
from support.film import write_film, write_photographs


@pytest.fixture
def photo() -> Pixels:
    coarse = np.random.default_rng(1).integers(0, 256, (30, 30, 3)).astype(np.uint8)
    return cv2.resize(coarse, (240, 200), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_film(root)
    write_photographs(root, {"train": 3}, (200, 180))
    return root


def config(**changes: object) -> FilmDamageDataConfig:
    return FilmDamageDataConfig(folders=("photos/train",), crop=96, **changes)  # type: ignore[arg-type]


def test_items_depend_on_seed_and_index_alone(root: Path) -> None:
    first, second = (config().open(root, seed=3, length=9) for _ in range(2))
    other = config().open(root, seed=4, length=9)
    for index in (5, 0, 5):
        one, two = first[index], second[index]
        assert {name: tuple(t.shape) for name, t in one.items()} == {
            "image": (3, 96, 96),
            "kinds": (len(KINDS), 96, 96),
            "ignore": (1, 96, 96),
        }
        for name, tensor in one.items():
            assert tensor.dtype == torch.uint8
            assert torch.equal(tensor, two[name])
    assert not torch.equal(first[5]["image"], other[5]["image"])


def test_busy_items_are_cut_where_the_scene_stands_out(root: Path) -> None:
    def mean_busyness(busy: float) -> float:
        alike = {"families": {"none": 1.0}, "scene_text": 0.0, "busy": busy}
        items = config(**alike).open(root, seed=3, length=12)
        crops = (items[index]["image"].permute(1, 2, 0).numpy() for index in range(12))
        return float(np.mean([busyness(np.ascontiguousarray(crop)) for crop in crops]))

    assert mean_busyness(1.0) > 1.1 * mean_busyness(0.0) > 0.0


@pytest.mark.parametrize(
    ("family", "kinds"),
    [
        ("film", {"scratch", "speck", "stain", "overlay"}),
        ("print", {"scratch", "speck", "stain", "overlay"}),
        ("digital", {"speck", "overlay", "sensor"}),
        ("none", set()),
    ],
)
def test_a_family_has_its_kinds(root: Path, family: str, kinds: set[str]) -> None:
    items = config(families={family: 1.0}).open(root, seed=0, length=60)
    found: set[str] = set()
    for index in range(60):
        item = items[index]
        assert set(item["kinds"].unique().tolist()) <= {0, 255}
        assert not (item["kinds"].amax(dim=0) & item["ignore"][0]).any()
        assert (item["kinds"].amax(dim=0) > 0).float().mean() <= 0.5
        found |= {kind for kind, mask in zip(KINDS, item["kinds"], strict=True) if mask.any()}
    assert found == kinds


def test_scene_text_is_no_damage(root: Path) -> None:
    """It changes the picture, and marks and hides nothing."""
    families = {"none": 1.0}
    plain = config(families=families, scene_text=0.0).open(root, seed=1, length=8)
    texts = config(families=families, scene_text=1.0).open(root, seed=1, length=8)
    for index in range(8):
        item = texts[index]
        assert not item["kinds"].any()
        assert not item["ignore"].any()
    assert any(not torch.equal(plain[i]["image"], texts[i]["image"]) for i in range(8))


def test_what_repeats_is_no_damage(root: Path) -> None:
    """It changes the picture, in the same way each time, and marks and hides nothing."""
    alike = {"families": {"none": 1.0}, "scene_text": 0.0}
    plain = config(**alike).open(root, seed=1, length=8)
    repeated, again = (config(**alike, patterns=1.0).open(root, seed=1, length=8) for _ in range(2))
    for index in range(8):
        item = repeated[index]
        assert not item["kinds"].any()
        assert not item["ignore"].any()
        assert torch.equal(item["image"], again[index]["image"])
        assert not torch.equal(item["image"], plain[index]["image"])


@pytest.mark.parametrize("draw", [scene_patterns.lattice, scene_patterns.scatter])
def test_a_pattern_is_all_over_and_leaves_the_scene(
    draw: Callable[[np.random.Generator, Pixels], None], photo: Pixels
) -> None:
    quarters = []
    for seed in range(20):
        drawn = photo.copy()
        draw(np.random.default_rng(seed), drawn)
        changed = cv2.absdiff(drawn, photo).max(axis=2) >= 20
        middle = changed.shape[0] // 2, changed.shape[1] // 2
        parts = (changed[: middle[0]], changed[middle[0] :])
        quarters.append([q.mean() for p in parts for q in (p[:, : middle[1]], p[:, middle[1] :])])
    assert np.median(np.min(quarters, axis=1)) > 0.02
    assert np.median(np.max(quarters, axis=1)) < 0.95


def test_scene_text_is_a_board_with_letters(photo: Pixels) -> None:
    shares = []
    for seed in range(10):
        written = photo.copy()
        scene_text(np.random.default_rng(seed), written)
        shares.append((written != photo).any(axis=2).mean())
    assert 0.005 < np.median(shares) < 0.6


@pytest.mark.parametrize("name", ["cracks", "creases", "flakes", "foxing", "worn_edges"])
def test_a_print_is_worn_in_a_part(name: str, photo: Pixels) -> None:
    shares = []
    for seed in range(10):
        drawn, again = photo.copy(), photo.copy()
        getattr(worn_prints, name)(np.random.default_rng(seed), drawn)
        getattr(worn_prints, name)(np.random.default_rng(seed), again)
        np.testing.assert_array_equal(drawn, again)
        shares.append((cv2.absdiff(drawn, photo).max(axis=2) >= 12).mean())
    assert 0.0 < max(shares) < 0.9
    assert np.median(shares) < 0.5


def test_unknown_families_are_refused() -> None:
    with pytest.raises(ValueError, match=r"unknown families \['paintings'\]"):
        config(families={"paintings": 1.0})
    assert set(FilmDamageDataConfig().families) <= set(FAMILIES)
