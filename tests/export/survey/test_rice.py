"""Tables 2 and 3, made from small data in few steps."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from inpaint_export.cli import main
from inpaint_export.errors import ExportError
from inpaint_export.models.sarnn import Sarnn, SarnnConfig
from inpaint_export.recipes import load_recipe
from inpaint_export.survey import base, make_table, rice
from inpaint_export.survey.networks import train_variants
from inpaint_export.training.loop import Trainer
from support.flops import count_multiply_adds

SMALL = SarnnConfig(widths=(8, 8), state=4, guided=1, refining=1)


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


def test_the_variants_cost_alike() -> None:
    models = [variant.build() for variant in rice.VARIANTS]
    costs = [count_multiply_adds(model, torch.zeros(1, 3, 256, 256)) for model in models]
    parameters = [sum(p.numel() for p in model.parameters()) for model in models]
    assert costs == pytest.approx([costs[-1]] * len(models), rel=0.1)
    assert parameters == pytest.approx([parameters[-1]] * len(models), rel=0.1)


@pytest.mark.slow
def test_a_table_is_made_and_resumed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variants = [replace(v, build=partial(Sarnn, SMALL)) for v in rice.VARIANTS[-1:]]
    table = replace(rice.RICE1, measure=partial(rice._rows, "cloud-thin", "rice1", variants))
    monkeypatch.setattr(rice, "RICE1", table)
    monkeypatch.setattr(rice.SpaGan, "load", lambda path: Sarnn(SMALL))
    command = ["survey", "table2", "--data", data, "--weights", data, "--steps", 2, "--threads", 1]
    command += ["-o", tmp_path / "out"]
    result = CliRunner().invoke(main, [str(a) for a in command])
    assert result.exit_code == 0, result.output
    folder = tmp_path / "out" / "table2"
    rows = json.loads((folder / "table2.json").read_text())["rows"]
    assert [row["method"] for row in rows] == [
        "cloudy input",
        variants[0].method,
        "SpA-GAN, released weights",
        "`cloud-thin`",
    ]
    assert [row["published"] is None for row in rows] == [True, False, False, True]
    assert all(np.isfinite(row["figures"]["PSNR"]) for row in rows)
    own = sum(p.numel() for p in Sarnn(SMALL).parameters())
    assert [row["parameters"] for row in rows[:3]] == [None, own, own]
    assert all(row["milliseconds"] > 0.0 for row in rows[1:4])
    assert (folder / "table2.md").read_text() in result.output

    def train_again(trainer: Trainer) -> None:
        raise AssertionError("a variant whose training is over was trained again")

    monkeypatch.setattr(Trainer, "run", train_again)
    options = base.TableOptions(data, data, folder, steps=2, threads=1)
    train_variants(variants, load_recipe("cloud-thin"), options)


def test_the_comparator_s_weights_are_asked_for_before_anything_is_trained(
    data: Path, tmp_path: Path
) -> None:
    options = base.TableOptions(data, None, tmp_path / "out", steps=1, threads=1)
    with pytest.raises(ExportError, match=r"needs --weights, for SpA-GAN's spagan_rice1\.pth"):
        make_table("table2", options)
    with pytest.raises(FileNotFoundError):
        make_table("table2", replace(options, weights=tmp_path))
    assert not list((tmp_path / "out").rglob("last.pt"))
