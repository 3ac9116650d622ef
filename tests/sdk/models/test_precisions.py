"""Models in fp32, fp16 and int8: which of their files is taken."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from click.testing import CliRunner

from inpaint_sdk import Detector, ModelError, OptionError, Restorer, backends, list_models
from inpaint_sdk.backends import cpu
from inpaint_sdk.backends.pool import ModelPool
from inpaint_sdk.cli.main import main
from inpaint_sdk.models import zoo

PHOTO = zoo.MODELS / "photo.onnx"


@pytest.mark.parametrize(("fast", "taken"), [(True, "int8"), (False, "fp32")])
def test_auto_takes_what_the_processor_is_fast_in(
    fast: bool, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "is_fast_in_int8", lambda: fast)
    assert Restorer.load("photo").model.precision == taken
    assert Restorer.load("photo-staged").model.precision == "fp32", "it comes in no other"
    assert Restorer.load(PHOTO).model.precision == "fp32", "a file is what it is"


def test_auto_takes_no_precision_that_costs_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(zoo.AUTO_LOSS, "dB", -1.0)
    assert zoo.find_fastest("photo", "int8") == PHOTO


def test_gpus_get_fp16() -> None:
    assert zoo.find_fastest("photo", "fp16") == zoo.MODELS / "photo-fp16.onnx"


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_what_is_asked_for_is_taken(precision: str) -> None:
    restorer = Restorer.load("photo", precision=precision)  # type: ignore[arg-type]
    assert restorer.model.name == "photo"
    assert restorer.model.precision == precision
    assert pickle.loads(pickle.dumps(restorer)).model.precision == precision


def test_a_precision_that_is_not_there_is_an_error() -> None:
    for source in ("photo-staged", PHOTO):
        with pytest.raises(ModelError, match="is in fp32, and int8 was asked for"):
            Restorer.load(source, precision="int8")
    with pytest.raises(ModelError, match="photo-staged comes in fp32, not in int8"):
        zoo.open_model("photo-staged", "int8")
    with pytest.raises(ModelError, match="is in fp32, and int8 was asked for"):
        Detector.load(precision="int8")
    with pytest.raises(OptionError, match="precision"):
        Restorer.load(precision="int4")  # type: ignore[arg-type]


def test_other_models_are_in_it_if_they_come_in_it() -> None:
    pool = ModelPool(precision="int8")
    assert pool.get("photo").info.precision == "int8"
    assert pool.get("photo-staged").info.precision == "fp32"


def test_a_model_is_listed_once() -> None:
    names = [model.name for model in list_models()]
    assert len(names) == len(set(names))
    assert not zoo.is_bundled("photo-int8")
    assert [info.precision for info in zoo.list_precisions("photo")] == ["fp32", "fp16", "int8"]
    assert "Also in int8: loses" in CliRunner().invoke(main, ["models"]).output


@pytest.mark.parametrize(
    "path",
    sorted(zoo.MODELS.glob("*-fp16.onnx")) + sorted(zoo.MODELS.glob("*-int8.onnx")),
    ids=lambda path: path.stem,
)
def test_a_bundled_precision_is_of_the_model_beside_it(path: Path) -> None:
    name, _, precision = path.stem.rpartition("-")
    info, full = zoo.open_model(path).info, zoo.open_model(name).info
    assert (info.name, info.precision) == (name, precision)
    assert info.precision_loss < zoo.AUTO_LOSS[info.loss_unit]
    assert (info.training_data, info.parameters) == (full.training_data, full.parameters)


@pytest.mark.parametrize(
    ("text", "fast"),
    [
        ("flags\t\t: fpu avx512_vnni\n", True),
        ("Features\t: fp asimd asimddp\n", True),
        ("flags\t\t: fpu avx2\n", False),
        (None, False),
    ],
)
def test_processors(
    text: str | None, fast: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cpuinfo"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(cpu, "_CPUINFO", path)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    assert cpu.is_fast_in_int8.__wrapped__() == fast
