"""``inpaint-bench quality``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from inpaint_bench.schema import read_result
from inpaint_bench.schema.results import QualityResult
from inpaint_eval.scores import mean_score, score
from inpaint_sdk import Restorer
from support.bench import Bench, Measured


@pytest.fixture
def quality_file(measured: Measured, tmp_path: Path) -> Path:
    """A copy that may be changed."""
    return Path(shutil.copy(measured.folder / "quality.json", tmp_path))


def test_quality_by_kind_and_ratio(measured: Measured, folders: tuple[Path, Path]) -> None:
    assert "masks, 10-20 % (3 pictures)\ncandidate " in measured.printed["quality"]
    result = read_result(measured.folder / "quality.json")
    assert isinstance(result, QualityResult)
    titles = ["masks, 10-20 %", "masks, 30-40 %", "box, 10-20 %", "box, 30-40 %"]
    assert [group.title for group in result.groups] == titles
    group = result.groups[0]
    assert [s.mask for s in group.samples] == ["a.png"] * 3
    ours, telea = group.rows
    assert ours.candidate == "photo/onnxruntime-cpu/fp32"
    assert ours.mean == mean_score(ours.scores)
    pictures, masks = folders
    picture = cv2.imread(str(pictures / "0.png"))
    mask = cv2.imread(str(masks / "a.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None and mask is not None
    mask = cv2.resize(mask, (64, 48), interpolation=cv2.INTER_NEAREST)
    restored = Restorer.load("photo", threads=1, precision="fp32").restore(picture, mask)
    expected = score(restored, picture.astype(np.uint8), mask.astype(np.uint8))
    assert ours.scores[0].psnr_hole == pytest.approx(expected.psnr_hole, abs=0.01)
    assert ours.scores[0].gmsd == pytest.approx(expected.gmsd, abs=1e-4)
    assert telea.scores[0] != ours.scores[0]


def test_pictures_of_the_worst_and_the_median_case(measured: Measured) -> None:
    gallery = measured.folder / "gallery"
    names = [
        f"{k}-{r}-{c}.jpg"
        for k in ("box", "masks")
        for r in ("10-20", "30-40")
        for c in ("median", "worst")
    ]
    assert sorted(p.name for p in gallery.iterdir()) == sorted(names)
    picture = cv2.imread(str(gallery / "masks-10-20-worst.jpg"))
    assert picture is not None
    assert picture.shape == (48 + 24, 4 * 64, 3)  # damaged, two candidates, the true one


def test_an_interrupted_quality_run_goes_on(
    bench: Bench, quality_file: Path, folders: tuple[Path, Path]
) -> None:
    whole = json.loads(quality_file.read_text())
    part = {**whole, "groups": whole["groups"][:1], "complete": False}
    quality_file.write_text(json.dumps(part))
    pictures, masks = folders
    arguments = ["--pictures", pictures, "--masks", masks, "--kinds", "box", "--threads", "1"]
    found = bench("quality", *arguments, "--peers", "opencv-telea", "-o", quality_file)
    assert found.exit_code == 0, found.output
    again = json.loads(quality_file.read_text())
    assert again["complete"]
    assert [g["rows"] for g in again["groups"]] == [g["rows"] for g in whole["groups"]]
    found = bench("quality", *arguments, "--peers", "opencv-telea", "-o", quality_file)
    assert (found.exit_code, "is complete" in found.output) == (2, True)


def test_pairs_stand_beside_the_picture_as_it_came(
    bench: Bench, tmp_path: Path, rng: np.random.Generator
) -> None:
    for name in ("cloudy", "clear"):
        (tmp_path / "test" / name).mkdir(parents=True)
        picture = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "test" / name / "1.png"), picture)
    output = tmp_path / "quality.json"
    arguments = ["--models", "cloud-thin", "--pairs", tmp_path / "test", "--threads", "1"]
    found = bench("quality", *arguments, "-o", output)
    assert found.exit_code == 0, found.output
    result = read_result(output)
    assert isinstance(result, QualityResult)
    (group,) = result.groups
    assert [row.candidate for row in group.rows] == ["cloud-thin/onnxruntime-cpu/fp32", "damaged"]
    assert group.samples[0].mask is None
    assert all(row.mean is not None and row.mean.psnr_hole is None for row in group.rows)


def test_a_detector_restores_nothing_that_could_be_scored(
    bench: Bench, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    pictures, masks = folders
    arguments = ["--models", "damage", "--pictures", pictures, "--masks", masks, "--limit", "1"]
    found = bench("quality", *arguments, "--peers", "opencv-ns", "-o", tmp_path / "quality.json")
    assert found.exit_code == 0, found.output
    assert "damage/onnxruntime-cpu/fp32 failed: it restores nothing; inpaint-export" in found.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --pictures with --masks or --kinds, or else --pairs"),
        (["--pictures", "."], "give --masks, or --kinds"),
        (["--pictures", ".", "--kinds", "stars"], "'stars' is not one of 'box'"),
    ],
)
def test_what_is_refused(bench: Bench, tmp_path: Path, arguments: list[str], message: str) -> None:
    found = bench("quality", *arguments, "-o", tmp_path / "quality.json")
    assert found.exit_code == 2
    assert message in found.output


def test_the_perceptual_distance_has_a_column_where_it_is_there(
    bench: Bench, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, masks = folders
    arguments = ["--pictures", pictures, "--masks", masks, "--holes", "10-20", "--threads", "1"]
    for there in (True, False):
        monkeypatch.setattr("inpaint_eval.perceptual.is_available", lambda there=there: there)
        monkeypatch.setattr("inpaint_bench.quality.is_available", lambda there=there: there)
        monkeypatch.setattr(
            "inpaint_bench.quality.PerceptualDistance", lambda threads: lambda restored, truth: 0.25
        )
        found = bench("quality", *arguments, "-o", tmp_path / f"{there}.json")
        assert found.exit_code == 0, found.output
        assert ("perceptual distance (less is better)" in found.output) == there
        assert ("no perceptual distance; for it: pip install" in found.output) != there
        result = read_result(tmp_path / f"{there}.json")
        assert isinstance(result, QualityResult)
        mean = result.groups[0].rows[0].mean
        assert mean is not None
        assert mean.perceptual == (0.25 if there else None)
