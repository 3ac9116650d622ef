"""The precision of a training follows what the device has, and what is faster on it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import torch

from inpaint_export.recipes.base import Recipe
from inpaint_export.training import precision as module
from inpaint_export.training.checkpoint import load_checkpoint
from inpaint_export.training.loop import Trainer
from inpaint_export.training.precision import Precision, choose_precision, has_bf16

CPU = torch.device("cpu")


def busy(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})


def never(precision: Precision) -> None:
    raise AssertionError("no step is needed to tell")


@pytest.mark.usefixtures("plain")
def test_a_processor_without_bf16_trains_in_fp32_and_says_why() -> None:
    assert not has_bf16(CPU)
    choice = choose_precision("auto", CPU, never, kept="bf16")
    assert str(choice) == "fp32: this cpu has no bf16 arithmetic; the run was begun in bf16"


@pytest.mark.usefixtures("native")
@pytest.mark.parametrize("faster", ["fp32", "bf16"])
def test_where_both_are_there_the_faster_one_is_taken(faster: Precision) -> None:
    choice = choose_precision("auto", CPU, lambda p: busy(0.002 if p == faster else 0.02))
    assert choice.precision == faster
    assert "CPU seconds in fp32" in choice.reason


@pytest.mark.usefixtures("native")
def test_a_resumed_run_keeps_its_precision() -> None:
    assert choose_precision("auto", CPU, never, kept="bf16").precision == "bf16"


@pytest.mark.usefixtures("plain")
def test_what_is_asked_for_is_taken_with_a_warning() -> None:
    assert str(choose_precision("bf16", CPU, never)) == (
        "bf16: as asked for; this device emulates it, slowly"
    )
    with pytest.raises(ValueError, match="precision is 'fp8'; it is one of auto, fp32, bf16"):
        choose_precision("fp8", CPU, never)  # type: ignore[arg-type]


@pytest.mark.usefixtures("native")
def test_the_checkpoint_keeps_it_and_the_probe_leaves_no_trace(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_time", lambda step: (step("fp32"), step("bf16"), (1.0, 2.0))[2])
    for name, request in (("probed", "auto"), ("told", "fp32")):
        folder = tmp_path / name
        Trainer(tiny_recipe, data_root, folder, workers=0, precision=request).run()  # type: ignore[arg-type]
    probed, told = (load_checkpoint(tmp_path / name / "last.pt") for name in ("probed", "told"))
    assert probed["precision"] == "fp32"
    for name, value in told["ema"].items():
        assert torch.equal(probed["ema"][name], value), name
