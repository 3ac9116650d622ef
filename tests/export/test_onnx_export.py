from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

from inpaint_export import onnx_export
from inpaint_export.cli import main
from inpaint_export.errors import ExportError
from inpaint_export.models.cnn import CnnConfig, CnnInpainter
from inpaint_export.onnx_export import export_model, write_quality
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.survey.base import PHOTO_CODEBOOK
from inpaint_export.training.checkpoint import load_checkpoint
from inpaint_sdk import Quality, Restorer
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.zoo import MODELS

OLDEST_IR = 10
"""Of the runtimes of two years ago."""


def shaken(recipe: Recipe) -> nn.Module:
    """A model of random weights that changes what it is given."""
    torch.manual_seed(0)
    model = recipe.build()
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = CnnConfig((8, 8, 8), (0, 1), (1, 2), (1, 0))
    recipe = replace(load_recipe("photo"), build=partial(CnnInpainter, config))
    path = tmp_path_factory.mktemp("exported") / "tiny.onnx"
    checks = export_model(shaken(recipe), recipe, path)
    assert len({(c.height, c.width) for c in checks}) == len(onnx_export.CHECKED_SIZES)
    assert max(c.difference for c in checks) <= onnx_export.TOLERANCE
    return path


def test_an_exported_file_is_one_of_ours(exported: Path) -> None:
    info = read_model_file(exported).info
    assert (info.name, info.family, info.task, info.precision) == (
        "photo",
        "cnn",
        "inpaint",
        "fp32",
    )
    assert info.size_multiple == 16
    restored = Restorer.load(exported).restore(
        np.full((37, 53, 3), 128, np.uint8), np.eye(37, 53, dtype=bool)
    )
    assert restored.shape == (37, 53, 3)


@pytest.mark.parametrize("path", ["bundled", "exported"])
def test_the_graph_is_plain_and_of_dynamic_size(path: str, exported: Path) -> None:
    proto = onnx.load(MODELS / "photo.onnx" if path == "bundled" else exported)
    assert proto.ir_version <= OLDEST_IR
    assert [(o.domain, o.version) for o in proto.opset_import] == [("", 18)]
    for value, channels in ((proto.graph.input[0], 3), (proto.graph.input[1], 1)):
        dims = value.type.tensor_type.shape.dim
        assert [d.dim_param or d.dim_value for d in dims] == ["batch", channels, "height", "width"]
    # Shapes that are computed in the graph are what TensorRT and int8 tools stumble on.
    operators = {node.op_type for node in proto.graph.node}
    assert not operators & {"Shape", "Loop", "If", "Scan", "NonZero", "Reshape", "Transpose"}


def test_a_difference_from_pytorch_is_an_error(
    tiny_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = shaken(tiny_recipe)
    assert isinstance(model, CnnInpainter)
    forward = model.forward

    def other_outside_export(image: Tensor, mask: Tensor) -> Tensor:
        output = forward(image, mask)
        return output if torch.compiler.is_exporting() else output + 2e-4

    monkeypatch.setattr(model, "forward", other_outside_export)
    with pytest.raises(ExportError, match="differ by 2"):
        export_model(model, tiny_recipe, tmp_path / "out.onnx")
    assert not list(tmp_path.iterdir())


def test_quality_is_written_without_touching_the_graph(exported: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(exported.read_bytes())
    row = Quality("set", "masks 10-20 %", 3, 20.5, 30.25, 0.9)
    write_quality(copy, (row,))
    info = read_model_file(copy).info
    assert info.quality == (row,)
    assert info.digest == read_model_file(exported).info.digest


@pytest.mark.parametrize(
    "path", [*sorted(MODELS.glob("*.onnx")), PHOTO_CODEBOOK], ids=lambda path: path.stem
)
def test_every_model_is_its_recipes(path: Path) -> None:
    info = read_model_file(path).info
    recipe = load_recipe(info.name)
    assert (info.name, info.family, info.task) == (recipe.name, recipe.family, recipe.task)
    assert info.parameters == sum(p.numel() for p in recipe.build().parameters())
    assert info.training_data == recipe.card.training_data


def test_the_command_line_from_checkpoint_to_measured_file(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inpaint_export.training.resume.load_recipe", lambda name: tiny_recipe)
    runner = CliRunner()
    run = str(tmp_path / "run")
    arguments = ["train", "photo", "--data", str(data_root), "-o", run, "--steps", "2"]
    result = runner.invoke(main, [*arguments, "--workers", "0"])
    assert result.exit_code == 0, result.output
    assert "validation: " in result.output

    model = str(tmp_path / "model.onnx")
    result = runner.invoke(main, ["export", f"{run}/last.pt", "-o", model])
    assert result.exit_code == 0, result.output
    assert "from PyTorch" in result.output
    # Of the recipe that the checkpoint holds, which is not the one of that name.
    parameters = sum(p.numel() for p in tiny_recipe.build().parameters())
    assert read_model_file(Path(model)).info.parameters == parameters
    stored = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(model).graph.initializer}
    state = load_checkpoint(Path(run) / "last.pt")
    averaged = state["ema"]["stem.weight"].numpy()
    np.testing.assert_array_equal(stored["stem.weight"], averaged)
    assert not np.array_equal(averaged, state["objective"]["model.stem.weight"].numpy())

    (tmp_path / "masks").mkdir()
    hole = np.zeros((64, 64), np.uint8)
    hole[:20, :20] = 255
    cv2.imwrite(str(tmp_path / "masks" / "0.png"), hole)
    arguments = ["eval", model, "--data", str(data_root / "val"), "--write"]
    result = runner.invoke(
        main, [*arguments, "--masks", str(tmp_path / "masks"), "--ratios", "5-15"]
    )
    assert result.exit_code == 0, result.output
    (row,) = read_model_file(Path(model)).info.quality
    assert (row.data, row.masks, row.pictures) == ("val", "masks 5-15 %", 2)


def test_the_command_line_reports_errors(tmp_path: Path) -> None:
    runner = CliRunner()
    result = runner.invoke(main, ["export", str(tmp_path / "none.pt"), "-o", "x.onnx"])
    assert result.exit_code == 1
    assert "no checkpoint" in result.output
    result = runner.invoke(main, ["train", "photo", "--data", str(tmp_path), "-o", str(tmp_path)])
    assert result.exit_code == 1
    assert "no pictures in" in result.output
