"""The evaluation of models that clean pictures: its peers, its sets and its result file."""

from __future__ import annotations

import json
import zlib
from itertools import count, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from inpaint_export.cli import main
from inpaint_export.models.crnn import Crnn, CrnnConfig
from inpaint_export.noise import evaluation
from inpaint_export.noise.evaluation import AS_IT_CAME, _grain, _Item, _Tally
from inpaint_export.noise.peers import LEVELS, Peer, ffdnet
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes import load_recipe
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.zoo import open_model

Pixels = np.ndarray


def scene(seed: int, side: int = 64) -> Pixels:
    coarse = np.random.default_rng(seed).integers(40, 216, (5, 5, 3)).astype(np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def noisy(picture: Pixels, level: float, seed: int = 0) -> Pixels:
    noise = np.random.default_rng(seed).normal(0.0, level, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def test_a_peer_is_at_its_best() -> None:
    """The level that is best is found wherever the walk begins, in few steps."""
    truth = np.full((16, 16, 3), 100, np.uint8)
    for best in LEVELS:
        tried = []

        def run(picture: Pixels, level: float, best: float = best, tried: list = tried) -> Pixels:
            tried.append(level)
            off = min(50.0, 8.0 * abs(np.log(level / best)))
            return np.full_like(picture, 100 + round(off))

        found = Peer("peer", (run,)).at_its_best(noisy(truth, 12.0), truth)
        assert found.mean() == 100.0
        assert len(tried) == len(set(tried))
    worse = Peer("worse", (lambda picture, _: picture // 2,))
    start = noisy(truth, 5.0)
    np.testing.assert_array_equal(worse.at_its_best(start, truth), start)


def test_released_weights_are_laid_out_right(shared_data: Path) -> None:
    network = ffdnet(shared_data.parent / "weights", threads=1)
    truth = scene(1, 96)[:95, :91]  # odd sides too
    before = noisy(truth, 25.0)
    psnr = {s: cv2.PSNR(network.denoise(before, s), truth) for s in (10.0, 25.0, 60.0)}
    assert psnr[25.0] == max(psnr.values()) > cv2.PSNR(before, truth) + 10.0


def test_what_was_made_worse_is_told() -> None:
    from inpaint_eval.scores import score

    truth, tally = scene(0), _Tally()
    before = noisy(truth, 5.0)
    first = score(before, truth, None)
    tally.add("better", truth, truth, first)
    tally.add("same", before, truth, first)
    tally.add("worse", noisy(truth, 9.0), truth, first)
    figures = tally.figures()
    assert figures["made_worse"] == 1
    assert figures["worst_picture"] == "worse"
    assert figures["worst_change"] == pytest.approx(-20.0 * np.log10(9.0 / 5.0), abs=0.3)


def test_grain_that_is_left() -> None:
    items = [_Item("a", scene(0), scene(0))]
    assert set(_grain(items, lambda p: p).values()) == {1.0}
    assert set(_grain(items, lambda p: items[0].truth).values()) == {0.0}
    half = _grain(items, lambda p: ((p.astype(int) + items[0].truth) // 2).astype(np.uint8))
    assert all(share == pytest.approx(0.5, abs=0.05) for share in half.values())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A data root with FFDNet's weights beside it, untrained."""
    data = tmp_path / "data"
    for folder in ("polyu", "photos/kodak24", "photos/more"):
        (data / folder).mkdir(parents=True)
    for index in range(3):
        truth = scene(index)
        cv2.imwrite(str(data / "polyu" / f"{index}_mean.png"), truth)
        cv2.imwrite(str(data / "polyu" / f"{index}_real.png"), noisy(truth, 6.0, index))
        cv2.imwrite(str(data / "photos/kodak24" / f"{index}.png"), truth)
    held_out = (n for i in count() if zlib.crc32((n := f"{i}.png").encode()) % 5 == 0)
    for index, name in zip(range(3), held_out, strict=False):
        cv2.imwrite(str(data / "photos/more" / name), scene(index, 300))
    (tmp_path / "weights").mkdir()
    sizes = [13, *[96] * 11, 12]
    rng = np.random.default_rng(0)
    weights = {}
    for index, (a, b) in enumerate(pairwise(sizes)):
        weights[f"w{index}"] = 0.01 * rng.standard_normal((b, a, 3, 3)).astype(np.float32)
        weights[f"b{index}"] = np.zeros(b, np.float32)
    np.savez(tmp_path / "weights" / "ffdnet_color.npz", **weights)
    return data


def test_a_model_is_measured(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "TIMED", 64)  # how long it takes is of no interest here
    torch.manual_seed(0)
    small = Crnn(CrnnConfig((8, 8, 8), (1, 1, 1), (1, 1), None, "scan", 4, "zeros"))
    model, result = tmp_path / "small.onnx", tmp_path / "noise.json"
    export_model(small, load_recipe("clean"), model)
    arguments = ["eval", str(model), "--data", str(root), "--noise", "-o", str(result)]
    arguments += ["--limit", "1", "--threads", "1", "--write"]
    measured = CliRunner().invoke(main, arguments)
    assert measured.exit_code == 0, measured.output
    assert "OpenCV non-local means, told" in measured.output
    document = json.loads(result.read_text())
    assert document["model"]["digest"] == read_model_file(model).info.digest
    assert document["machine"]["dirty"] in (True, False, None)
    real = document["sets"]["real cameras"]["methods"]
    assert list(real)[:3] == [AS_IT_CAME, "clean", "auto"]
    assert real["FFDNet, told"]["psnr"] >= real[AS_IT_CAME]["psnr"]  # or the picture itself
    # An untrained network changes nothing.
    assert real["clean"]["psnr"] == real[AS_IT_CAME]["psnr"]
    assert document["sets"]["undamaged"]["methods"]["clean"]["psnr"] == 100.0
    assert set(document["grain"]["clean"].values()) == {1.0}
    assert set(document["degradation"]["told_of_left_alone"]) == {"noise", "blur", "compression"}
    assert set(document["milliseconds"]["p50"]) == {"clean", "auto", "FFDNet"}
    assert {row.data for row in read_model_file(model).info.quality} == set(document["sets"])


def test_noise_is_for_models_that_clean(root: Path, tmp_path: Path) -> None:
    path = str(open_model("photo").path)
    arguments = ["eval", path, "--data", str(root), "--noise", "-o", str(tmp_path / "n.json")]
    refused = CliRunner().invoke(main, arguments)
    assert refused.exit_code != 0 and "photo cleans no pictures" in refused.output
    clean = str(open_model("clean").path)
    arguments = ["eval", clean, "--data", str(root), "--noise", "-o", str(tmp_path / "n.json")]
    without = CliRunner().invoke(main, [*arguments, "--weights", str(root)])
    assert without.exit_code != 0 and "--weights" in without.output
    assert not (tmp_path / "n.json").exists()
