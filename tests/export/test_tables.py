"""The survey's tables, made from small data in few steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from inpaint_eval.scores import score
from inpaint_export.cli import main
from inpaint_export.data.distortions import FIXED
from inpaint_export.errors import ExportError
from inpaint_export.models.crnn import Crnn, CrnnConfig
from inpaint_export.models.sarnn import Sarnn, SarnnConfig
from inpaint_export.models.spagan import Neighbours, SpaGan
from inpaint_export.models.unet import UNet
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes import load_recipe
from inpaint_export.tables import NAMES, crnn, make_table, rice
from inpaint_export.tables.base import Row, TableOptions, Variant, markdown
from inpaint_export.tables.denoisers import PEERS, Peer, at_its_best
from inpaint_export.training.validation import DistortionValidationConfig
from support.flops import count_multiply_adds


def test_multiply_adds_are_counted_scans_included() -> None:
    conv = torch.nn.Conv2d(3, 8, 3, padding=1, bias=False)
    assert count_multiply_adds(conv, torch.zeros(1, 3, 16, 16)) == 3 * 8 * 9 * 16 * 16
    x = torch.zeros(1, 3, 64, 64)
    config = SarnnConfig(direction_weights=False)
    two, one = (count_multiply_adds(Sarnn(replace(config, rounds=n)), x) for n in (2, 1))
    # A round is a scan, 4 maps, and the convolution that mixes them, at 1/8.
    assert two - one == 8 * 8 * config.state * 4 * (1 + config.state)


def test_the_variants_cost_alike() -> None:
    models = [variant.build() for variant in rice.VARIANTS]
    costs = [count_multiply_adds(model, torch.zeros(1, 3, 256, 256)) for model in models]
    parameters = [sum(p.numel() for p in model.parameters()) for model in models]
    assert costs == pytest.approx([costs[-1]] * len(models), rel=0.1)
    assert parameters == pytest.approx([parameters[-1]] * len(models), rel=0.1)


def test_a_u_net_starts_as_the_identity() -> None:
    image = torch.rand(1, 3, 64, 96)
    output, attention = UNet()(image)
    torch.testing.assert_close(output, image)
    assert attention.shape == (1, 1, 64, 96)


def test_neighbours_look_one_position_back() -> None:
    layer = Neighbours(2).eval()
    x = torch.randn(1, 2, 5, 6)
    with torch.inference_mode():
        above, right, below, left = layer(x).chunk(4, dim=1)
        for maps, name, move, first in (
            (above, "up", (1, 0), np.s_[:, :, :1]),
            (below, "down", (-1, 0), np.s_[:, :, -1:]),
            (left, "left", (0, 1), np.s_[..., :1]),
            (right, "right", (0, -1), np.s_[..., -1:]),
        ):
            previous = torch.roll(x, move, dims=(2, 3))
            expected = torch.relu(getattr(layer, f"{name}_weight")(previous) + x)
            expected[first] = x[first]
            torch.testing.assert_close(maps, expected)


@pytest.mark.parametrize(
    ("name", "psnr", "ssim"), [("rice1", 28.99, 0.898), ("rice2", 26.28, 0.712)]
)
def test_spagan_scores_what_its_weights_are_known_to(
    shared_data: Path, tmp_path: Path, name: str, psnr: float, ssim: float
) -> None:
    table = rice.TABLES[name]
    weights = shared_data.parent / "weights" / table.weights
    method = rice._spagan(weights, tmp_path / "spagan.onnx", threads=2)
    pairs = rice.read_pairs(shared_data / table.folder / "test")
    (row,) = rice._measure([replace(method, network=None)], pairs)
    assert row.figures["PSNR"] == pytest.approx(psnr, abs=0.01)
    assert row.figures["SSIM"] == pytest.approx(ssim, abs=0.001)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for folder in ("rice1/train", "rice1/test", "rice2/train"):
        for kind in ("cloudy", "clear"):
            (tmp_path / folder / kind).mkdir(parents=True)
            for index in range(9 if "train" in folder else 2):
                picture = rng.integers(0, 256, (256, 256, 3)).astype(np.uint8)
                cv2.imwrite(str(tmp_path / folder / kind / f"{index}.png"), picture)
    (tmp_path / "photos/train").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "photos/train/a.png"), picture)
    return tmp_path


def test_a_table_is_made_and_taken_up(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = SarnnConfig(widths=(8, 8), state=4, guided=1, refining=1)
    variants = [replace(v, build=lambda: Sarnn(small)) for v in rice.VARIANTS[-1:]]
    monkeypatch.setattr(rice, "VARIANTS", variants)
    monkeypatch.setattr(rice, "BLOCKS", 2)
    weights = tmp_path / "weights"
    weights.mkdir()
    state = {f"gen.gen.{name}": value for name, value in SpaGan().state_dict().items()}
    torch.save(state, weights / "spagan_rice1.pth")
    command = ["table", "rice1", "--data", data, "--weights", weights, "--steps", 2]
    command += ["-o", tmp_path / "out"]
    result = CliRunner().invoke(main, [str(a) for a in command])
    assert result.exit_code == 0, result.output
    folder = tmp_path / "out" / "rice1"
    document = json.loads((folder / "rice1.json").read_text())
    methods = [row["method"] for row in document["rows"]]
    assert methods[0] == "cloudy input"
    assert methods[1] == variants[0].method
    assert {row["source"] for row in document["rows"]} == {"measured", "published, full dataset"}
    assert all(np.isfinite(row["figures"]["PSNR"]) for row in document["rows"])
    assert (folder / "rice1.md").read_text() in result.output

    before = (folder / "whole" / "last.pt").read_bytes()
    assert CliRunner().invoke(main, [str(a) for a in command]).exit_code == 0
    assert (folder / "whole" / "last.pt").read_bytes() == before  # not trained again


def test_a_missing_comparator_is_an_error(data: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        rice._spagan(tmp_path / "spagan_rice1.pth", tmp_path / "x.onnx", 1)
    with pytest.raises(ExportError, match="needs --weights"):
        make_table("rice1", TableOptions(data, None, tmp_path / "out", steps=1, threads=1))


def test_names_are_those_that_are_made() -> None:
    assert set(NAMES) == {*rice.TABLES, "crnn", "staged", "codebook", "mixed", "wide"}


def test_markdown_leaves_out_what_is_not_known() -> None:
    rows = [Row("a", {"PSNR": 30.0, "SSIM": 0.9}, source="published"), Row("b", {"x": 1.0}, 10**6)]
    lines = markdown("T", rows).splitlines()
    assert lines[2] == "| method | PSNR | SSIM | x | parameters | multiply-adds | time | source |"
    assert lines[4] == "| a | 30.00 dB | 0.900 |  |  |  |  | published |"
    assert lines[5] == "| b |  |  | 1.00 dB | 1.00 M |  |  | measured |"


def test_the_table_of_distortions_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    for folder in ("photos/train", "photos/val", "photos/kodak24"):
        (tmp_path / folder).mkdir(parents=True)
        coarse = rng.integers(0, 256, (20, 20, 3)).astype(np.uint8)
        picture = cv2.resize(coarse, (330, 330), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(tmp_path / folder / "a.png"), picture)
    small = CrnnConfig(widths=(8, 8, 8), encoder_blocks=(1, 1, 1), decoder_blocks=(1, 1), state=4)
    recipe = replace(
        load_recipe("clean-crops"),
        name="clean",
        build=lambda: Crnn(small),
        validation=DistortionValidationConfig("photos/val", count=1),
        batch=1,
    )
    monkeypatch.setattr(crnn, "load_recipe", lambda name: recipe)
    monkeypatch.setattr(crnn, "VARIANTS", [Variant("small", "small", recipe.build)])
    monkeypatch.setattr(crnn, "PEERS", PEERS[1:2])
    monkeypatch.setattr(crnn, "SIDE", 64)
    export_model(recipe.build(), recipe, tmp_path / "clean.onnx")
    monkeypatch.setattr(crnn, "MODELS", tmp_path)
    text = crnn.make_table("crnn", TableOptions(tmp_path, None, tmp_path / "out", 1, 1))
    rows = json.loads((tmp_path / "out/crnn/crnn.json").read_text())["rows"]
    assert [row["method"] for row in rows[:4]] == [
        "distorted input",
        PEERS[1].name,
        "small",
        "ours: `clean`",
    ]
    assert all({*FIXED, "mixture, SSIM"} == set(row["figures"]) for row in rows[:4])
    for row in rows[1:4]:  # nothing that was chosen or starts as the identity harms
        assert row["figures"]["clean"] > 40.0
    assert "# As published" in text


def test_peers_are_at_their_best(rng: np.random.Generator) -> None:
    """A strong filter is chosen for strong noise, a weak one for none."""
    flat = cv2.resize(rng.integers(0, 256, (4, 4, 3)).astype(np.uint8), (64, 64))
    noisy = np.clip(flat + rng.normal(0, 25, flat.shape), 0, 255).astype(np.uint8)
    tried: list[float] = []

    def make(strength: float) -> Callable[[Any], Any]:
        return lambda picture: (
            tried.append(strength),
            cv2.GaussianBlur(picture, (0, 0), strength),
        )[1]

    peer = Peer("blur", make, ((0.1,), (2.0,)))
    for picture, best in ((noisy, 2.0), (flat, 0.1)):
        at_its_best(peer, [(picture, flat)])(picture)
        assert tried[-1] == best


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_removes_noise(peer: Peer, rng: np.random.Generator) -> None:
    flat = cv2.resize(rng.integers(0, 256, (5, 5, 3)).astype(np.uint8), (96, 96))
    noisy = np.clip(flat + rng.normal(0, 20, flat.shape), 0, 255).astype(np.uint8)
    restored = at_its_best(peer, [(noisy, flat)])(noisy)
    assert (restored.shape, restored.dtype) == (noisy.shape, np.uint8)
    assert score(restored, flat, None).psnr > score(noisy, flat, None).psnr + 2.0
