"""Figures of quality, and ``inpaint-bench quality``."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from inpaint_bench.quality import Score, mean_score, score
from inpaint_bench.quality.gradients import deviation, downsampled_hole, similarity_map
from inpaint_bench.schema.files import read_result
from inpaint_bench.schema.quality import QualityResult
from inpaint_sdk import Restorer
from support.bench import Bench


def test_figures_are_those_of_scikit_image(rng: np.random.Generator) -> None:
    truth = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    restored = rng.integers(0, 256, (32, 32, 3)).astype(np.uint8)
    measured = score(restored, truth, np.ones((32, 32), np.uint8))
    expected = peak_signal_noise_ratio(truth, restored)
    assert measured.psnr == pytest.approx(expected)
    assert measured.psnr_hole == pytest.approx(expected)
    assert measured.ssim == pytest.approx(structural_similarity(restored, truth, channel_axis=2))


def test_the_hole_is_measured_alone(rng: np.random.Generator) -> None:
    truth = rng.integers(0, 200, (32, 32, 3)).astype(np.uint8)
    mask = np.zeros((32, 32), np.uint8)
    mask[:8] = 255
    restored = truth.copy()
    restored[:8] = rng.permutation(truth[:8])
    restored[:8, :, 0] = truth[:8, :, 0] + 10
    measured = score(restored, truth, mask)
    everywhere = score(restored[:8], truth[:8], None)
    assert measured.psnr_hole == pytest.approx(everywhere.psnr)
    assert measured.psnr == pytest.approx(measured.psnr_hole + 10 * np.log10(4))
    assert measured.ssim_hole is not None and measured.gms_hole is not None
    assert measured.ssim_hole < measured.ssim < 1.0
    assert measured.gms_hole < 1.0
    assert measured.gmsd > 0.0


def test_a_perfect_picture_has_finite_figures() -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    assert score(picture, picture, np.ones((16, 16), np.uint8)) == Score(
        psnr_hole=100.0, psnr=100.0, ssim_hole=1.0, ssim=1.0, gmsd=0.0, gms_hole=1.0
    )


def test_without_a_mask_there_is_no_hole() -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    measured = score(picture, picture, None)
    assert measured.psnr_hole is measured.ssim_hole is measured.gms_hole is None


def test_mean_score() -> None:
    one = Score(psnr_hole=10, psnr=20, ssim_hole=0.2, ssim=0.5, gmsd=0.1, gms_hole=None)
    other = Score(psnr_hole=20, psnr=40, ssim_hole=0.4, ssim=1.0, gmsd=0.3, gms_hole=0.5)
    mean = mean_score([one, other])
    assert (mean.psnr_hole, mean.psnr, mean.ssim, mean.gmsd) == pytest.approx((15, 30, 0.75, 0.2))
    assert mean.gms_hole is None


def test_gradient_similarity_of_an_edge_that_is_lost() -> None:
    """By hand: an edge of 90 grey levels is, at half the size, Prewitt's 90 on two columns."""
    truth = np.zeros((16, 16, 3), np.uint8)
    truth[:, 8:] = 90
    lost = np.zeros((16, 16, 3), np.uint8)
    gms = similarity_map(lost, truth)
    assert gms.shape == (8, 8)
    value = 170 / (90**2 + 170)
    np.testing.assert_allclose(gms[:, 3:5], value)
    np.testing.assert_allclose(np.delete(gms, (3, 4), axis=1), 1.0)
    assert deviation(gms) == pytest.approx((1 - value) * np.sqrt(0.25 * 0.75))
    np.testing.assert_array_equal(similarity_map(truth, lost), gms)


def test_a_hole_of_one_pixel_is_one_of_the_map() -> None:
    hole = np.zeros((5, 5), bool)
    hole[4, 3] = True
    found = downsampled_hole(hole)
    assert found.shape == (3, 3)
    assert np.argwhere(found).tolist() == [[2, 1]]


@pytest.fixture
def quality_file(bench: Bench, folders: tuple[Path, Path], tmp_path: Path) -> Path:
    pictures, masks = folders
    output = tmp_path / "quality.json"
    arguments = ["--pictures", pictures, "--masks", masks, "--kinds", "box", "--threads", "1"]
    arguments += ["--gallery", tmp_path / "gallery", "--peers", "opencv-telea"]
    found = bench("quality", *arguments, "-o", output)
    assert found.exit_code == 0, found.output
    assert "**masks, 10-20 % (3 pictures)**" in found.output
    return output


def test_quality_by_kind_and_ratio(quality_file: Path, folders: tuple[Path, Path]) -> None:
    result = read_result(quality_file)
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
    restored = Restorer.load("photo", threads=1).restore(picture, mask)
    expected = score(restored, picture.astype(np.uint8), mask.astype(np.uint8))
    assert ours.scores[0].psnr_hole == pytest.approx(expected.psnr_hole, abs=0.01)
    assert ours.scores[0].gmsd == pytest.approx(expected.gmsd, abs=1e-4)
    assert telea.scores[0] != ours.scores[0]


def test_pictures_of_the_worst_and_the_median_case(quality_file: Path) -> None:
    gallery = quality_file.parent / "gallery"
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give --pictures with --masks or --kinds, or else --pairs"),
        (["--pictures", "."], "give --masks, or --kinds"),
        (["--pictures", ".", "--kinds", "stars"], "there is no kind of mask stars"),
    ],
)
def test_what_is_refused(bench: Bench, tmp_path: Path, arguments: list[str], message: str) -> None:
    found = bench("quality", *arguments, "-o", tmp_path / "quality.json")
    assert found.exit_code == 2
    assert message in found.output
