from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from inpaint_eval.damage import VISIBLE
from inpaint_eval.film import (
    FAINT,
    FILM_KINDS,
    PIECES,
    FilmDamage,
    StraightScratches,
    damage_film,
    film_pictures,
    label,
)
from inpaint_eval.film_library import FilmLibrary, read_frame
from inpaint_eval.pictures import Pixels, list_camera_pairs
from support.film import write_film


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_film(root)
    return root


@pytest.fixture(scope="module")
def damage(root: Path) -> FilmDamage:
    return FilmDamage(FilmLibrary.read(root, "train"))


@pytest.fixture
def photo() -> Pixels:
    coarse = np.random.default_rng(1).integers(20, 236, (12, 14, 3)).astype(np.uint8)
    return cv2.resize(coarse, (200, 160), interpolation=cv2.INTER_CUBIC).astype(np.uint8)


def test_a_library_holds_the_shapes_of_its_split_alone(root: Path) -> None:
    train, held_out = (FilmLibrary.read(root, split) for split in ("train", "held-out"))
    assert len(train.shapes) == len(held_out.shapes) == 10
    for name, shapes in train.shapes.items():
        assert {int(s.max()) for s in shapes} == {201, 202, 203, 204, 206, 207, 208, 209}, name
        assert {int(s.max()) for s in held_out.shapes[name]} == {200, 205}, name
    assert {int(s.max()) for s in train.specks}.isdisjoint({200, 205})
    assert train.specks
    assert [len(frame.labels) for frame in train.frames] == [100]
    assert [frame.labels.tolist() for frame in held_out.frames] == [[3]]


def test_a_frame_knows_where_its_pieces_are(root: Path) -> None:
    frame = read_frame(root / "film" / "frames" / "08.png")
    assert (frame.height, frame.width) == (400, 600)
    assert frame.boxes.tolist() == [[200, 100, 40, 3]]
    assert (frame.masks[0] == np.full((3, 40), 255)).all()


def test_a_frame_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "01.png").write_text("no picture")
    with pytest.raises(ValueError, match="cannot read"):
        read_frame(tmp_path / "01.png")


def test_film_is_painted_where_it_is_opaque_alone(damage: FilmDamage, photo: Pixels) -> None:
    seen: set[str] = set()
    for seed in range(40):
        painted, again = photo.copy(), photo.copy()
        alphas = damage.paint(np.random.default_rng(seed), painted)
        damage.paint(np.random.default_rng(seed), again)
        np.testing.assert_array_equal(painted, again)
        seen |= set(alphas)
        untouched = np.ones(photo.shape[:2], bool)
        for alpha in alphas.values():
            untouched &= alpha == 0
        assert untouched.mean() > 0.2
        np.testing.assert_array_equal(painted[untouched], photo[untouched])
    assert seen == set(FILM_KINDS)


def test_damage_is_told_from_what_is_hidden(damage: FilmDamage, photo: Pixels) -> None:
    marked = 0
    for seed in range(30):
        item = damage_film(np.random.default_rng(seed), photo, damage)
        assert tuple(item.kinds) == FILM_KINDS
        anywhere = np.maximum.reduce(list(item.kinds.values()))
        marked += bool(anywhere.any())
        assert (item.alpha[anywhere > 0] > FAINT).all()
        assert not (item.ignored & anywhere).any()
        below = (item.alpha > FAINT) & (anywhere == 0)
        assert (item.ignored[below] == 255).all()
        assert item.picture.shape == item.clean.shape == photo.shape
    assert marked > 20


def test_hairs_are_told_from_scratches(damage: FilmDamage, photo: Pixels) -> None:
    """Knowing the pieces changes nothing of the picture."""
    found: set[str] = set()
    for seed in range(40):
        plain, told = photo.copy(), photo.copy()
        pieces: dict[str, Pixels] = {}
        alphas = damage.paint(np.random.default_rng(seed), plain)
        damage.paint(np.random.default_rng(seed), told, pieces)
        np.testing.assert_array_equal(plain, told)
        of_scratch = np.zeros(photo.shape[:2], np.uint8)
        for piece in ("hair", "scratch"):
            of_scratch = np.maximum(of_scratch, pieces.get(piece, of_scratch))
        expected = alphas.get("scratch", np.zeros_like(of_scratch))
        assert (np.abs(of_scratch.astype(int) - expected) <= 1).mean() > 0.99
        item = damage_film(np.random.default_rng(seed), photo, damage)
        assert tuple(item.pieces) == PIECES
        found |= {piece for piece, where in item.pieces.items() if where.any()}
    assert found == set(PIECES)


def test_straight_scratches_are_level_or_upright_and_2_to_4_wide(photo: Pixels) -> None:
    widths = []
    for seed in range(20):
        item = damage_film(np.random.default_rng(seed), photo, StraightScratches())
        truth = item.pieces["scratch"] > 0
        np.testing.assert_array_equal(truth, item.kinds["scratch"] > 0)
        pieces = cv2.connectedComponentsWithStats(truth.astype(np.uint8))[2][1:]
        sizes = pieces[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]]
        widths += sizes[sizes.max(axis=1) > 30].min(axis=1).tolist()
    assert 2 <= np.median(widths) <= 6


def test_labels_follow_what_can_be_seen() -> None:
    before = np.full((12, 30, 3), 100, np.uint8)
    alpha, other = np.zeros((2, 12, 30), np.uint8)
    alpha[3:6, 3:6] = 200
    alpha[3:6, 20:23] = 200
    other[3:6, 6:9] = 60
    other[5, 5] = 20
    after = before.copy()
    after[3:6, 3:9] = 160
    after[3:6, 20:23] = 100 + VISIBLE - 1
    kinds, ignored = label(before, after, {"speck": alpha, "scratch": other}, VISIBLE)
    expected = np.zeros((12, 30), np.uint8)
    expected[3:6, 3:6] = 255
    np.testing.assert_array_equal(kinds["speck"], expected)
    expected = np.zeros((12, 30), np.uint8)
    expected[3:6, 6:9] = 255
    np.testing.assert_array_equal(kinds["scratch"], expected)
    expected = np.zeros((12, 30), np.uint8)
    expected[2:7, 2:10] = 255
    expected[3:6, 3:9] = 0
    expected[3:6, 20:23] = 255  # opaque, but of the picture's own colour
    np.testing.assert_array_equal(ignored, expected)


def test_the_clean_picture_is_scanned_alike(damage: FilmDamage, photo: Pixels) -> None:
    """Grain and sharpening are in both; far from damage and without compression they agree."""
    agreed = 0
    for seed in range(20):
        item = damage_film(np.random.default_rng(seed), photo, damage)
        near = cv2.dilate(item.alpha, np.ones((25, 25), np.uint8)) > 0
        agreed += bool((~near).any() and (item.picture[~near] == item.clean[~near]).all())
    assert agreed >= 5


def test_the_measured_pictures_are_held_out_and_the_same_every_time(
    root: Path, photo: Pixels
) -> None:
    folder = root / "photos" / "val"
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "a.png"), photo)
    cv2.imwrite(str(folder / "b.png"), photo[:, ::-1])
    first, second = (list(film_pictures(root, "photos/val")) for _ in range(2))
    assert len(first) == 2
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.picture, two.picture)
    (limited,) = film_pictures(root, "photos/val", limit=1)
    assert any((limited.picture == item.picture).all() for item in first)


def test_camera_pairs(tmp_path: Path) -> None:
    for name in ("b_real", "b_mean", "a_real", "a_mean"):
        cv2.imwrite(str(tmp_path / f"{name}.JPG"), np.zeros((8, 8, 3), np.uint8))
    pairs = list_camera_pairs(tmp_path)
    assert [(p.damaged.name, p.clear.name) for p in pairs] == [
        ("a_real.JPG", "a_mean.JPG"),
        ("b_real.JPG", "b_mean.JPG"),
    ]
    (tmp_path / "a_mean.JPG").unlink()
    with pytest.raises(FileNotFoundError, match=r"a_real.JPG has no mean picture"):
        list_camera_pairs(tmp_path)
    (tmp_path / "a_real.JPG").unlink()
    (tmp_path / "b_real.JPG").unlink()
    with pytest.raises(FileNotFoundError, match="is called NAME_real"):
        list_camera_pairs(tmp_path)
