"""From a checkpoint, or from an fp32 model file, to a model file of a precision."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from inpaint_export.errors import ExportError
from inpaint_export.onnx_export import export_checkpoint
from inpaint_export.precision.convert import convert
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.data import recipe_from_data
from inpaint_export.training.checkpoint import load_checkpoint
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.info import Precision


def export_model_file(
    source: Path,
    output: Path,
    precision: Precision,
    data: Path | None,
    thresholds: str | None = None,
    parts: Mapping[str, Path] | None = None,
) -> Iterator[str]:
    """Writes a model file and yields lines that say what was checked and measured.

    source: a checkpoint, or for fp16 and int8 an ``.onnx`` file in fp32. data: root of the recipe's
    data folders, for fp16, int8 and measured thresholds. thresholds: of a detector's kinds, and
    parts: of the network from other files, for a checkpoint, as
    :func:`inpaint_export.onnx_export.export_checkpoint` takes them.

    Raises:
        FileNotFoundError, ValueError: there is no such checkpoint, or it is not one of ours.
        ModelError: the source is no model file.
        ExportError: ``data`` is missing, the thresholds do not fit, or the model file is not good
            enough; see :func:`inpaint_export.onnx_export.export_checkpoint` and
            :func:`inpaint_export.precision.convert.convert`.
    """
    if thresholds is not None and source.suffix == ".onnx":
        raise ExportError("thresholds are folded into a checkpoint's weights, not a model file's")
    if parts and source.suffix == ".onnx":
        raise ExportError("parts are put into a checkpoint's network, not a model file's")
    if precision == "fp32":
        yield from _export(source, output, thresholds, data, parts)
        yield f"{output}: {_megabytes(output)}"
        return
    if data is None:
        raise ExportError(f"--precision {precision} needs --data, to calibrate and to measure")
    with tempfile.TemporaryDirectory() as folder:
        if source.suffix == ".onnx":
            recipe = load_recipe(read_model_file(source).info.name)
        else:
            recipe = recipe_from_data(load_checkpoint(source)["recipe"])
            fp32 = Path(folder) / "fp32.onnx"
            yield from _export(source, fp32, thresholds, data, parts)
            source = fp32
        loss = convert(source, precision, recipe, data, output)
    yield (
        f"{output}: {_megabytes(output)}, {loss.lower:.3f} {loss.unit} on the validation pictures, "
        f"{loss.cost:.3f} {loss.unit} less than in fp32"
    )


def _export(
    checkpoint: Path,
    output: Path,
    thresholds: str | None,
    data: Path | None,
    parts: Mapping[str, Path] | None,
) -> Iterator[str]:
    for check in export_checkpoint(checkpoint, output, thresholds, data, parts):
        yield f"{check.height}x{check.width}: differs by {check.difference:.1e} from PyTorch"


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f} MB"
