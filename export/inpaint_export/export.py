"""From a checkpoint, or from an fp32 model file, to a model file of a precision."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

from inpaint_export.errors import ExportError
from inpaint_export.onnx_export import export_checkpoint
from inpaint_export.precision.convert import LIMITS, Loss, convert
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.data import recipe_from_data
from inpaint_export.training.checkpoint import load_checkpoint
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.info import Precision
from inpaint_sdk.models.zoo import AUTO_LOSS, lower_precision_file


def export_model_file(
    source: Path,
    output: Path,
    precision: Precision,
    data: Path | None,
    thresholds: str | None = None,
) -> Iterator[str]:
    """Writes a model file and yields lines that say what was checked and measured.

    source: a checkpoint, or for fp16 and int8 an ``.onnx`` file in fp32. data: root of the recipe's
    data folders, for fp16, int8 and measured thresholds. thresholds: of a detector's kinds,
    for a checkpoint, as :func:`inpaint_export.onnx_export.export_checkpoint` takes them.

    Raises:
        FileNotFoundError, ValueError: there is no such checkpoint, or it is not one of ours.
        ModelError: the source is no model file.
        ExportError: ``data`` is missing, the thresholds do not fit, or the model file is not good
            enough; see :func:`inpaint_export.onnx_export.export_checkpoint` and
            :func:`inpaint_export.precision.convert.convert`.
    """
    if thresholds is not None and source.suffix == ".onnx":
        raise ExportError("thresholds are folded into a checkpoint's weights, not a model file's")
    if precision == "fp32":
        yield from _export(source, output, thresholds, data)
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
            yield from _export(source, fp32, thresholds, data)
            source = fp32
        loss = convert(source, precision, recipe, data, output)
    yield _describe(output, loss)


def export_precisions(folder: Path, data: Path, names: Collection[str] = ()) -> Iterator[str]:
    """Writes each fp32 model file of a folder in fp16 and int8 beside it, and yields what it cost.

    ``NAME.onnx`` becomes ``NAME-fp16.onnx`` and ``NAME-int8.onnx``, where the SDK looks for them. A
    precision that costs more than ``precision="auto"`` takes is not written, and a file that was
    there is removed: it is of another model. names: of the models; all if there is none.

    Raises:
        FileNotFoundError: the data is not there, or a model is not.
        ModelError: a file is no model file.
    """
    missing = [name for name in names if not (folder / f"{name}.onnx").is_file()]
    if missing:
        raise FileNotFoundError(f"there is no {', '.join(missing)} in {folder}")
    for source in sorted(folder.glob("[!.]*.onnx")):
        info = read_model_file(source).info
        if info.precision != "fp32" or (names and source.stem not in names):
            continue
        limit = AUTO_LOSS[info.loss_unit]
        for precision in LIMITS[info.loss_unit]:
            output = lower_precision_file(source, precision)
            output.unlink(missing_ok=True)
            try:
                loss = convert(source, precision, load_recipe(info.name), data, output, limit)
            except ExportError as error:
                yield str(error)
            else:
                yield _describe(output, loss)


def _describe(output: Path, loss: Loss) -> str:
    return (
        f"{output}: {_megabytes(output)}, {loss.lower:.3f} {loss.unit} on the validation pictures, "
        f"{loss.cost:.3f} {loss.unit} less than in fp32"
    )


def _export(
    checkpoint: Path, output: Path, thresholds: str | None, data: Path | None
) -> Iterator[str]:
    for check in export_checkpoint(checkpoint, output, thresholds, data):
        yield f"{check.height}x{check.width}: differs by {check.difference:.1e} from PyTorch"


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f} MB"
