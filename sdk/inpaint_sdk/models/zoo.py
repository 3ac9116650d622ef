"""The models that come with the SDK."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import get_args

from inpaint_sdk.errors import ModelError
from inpaint_sdk.models.file import ModelFile, read_description, read_model_file
from inpaint_sdk.models.info import LossUnit, ModelInfo, Precision, PrecisionChoice

MODELS = Path(__file__).parent

AUTO_LOSS: dict[LossUnit, float] = {"dB": 0.05, "F1": 0.005, "%": 0.05}
"""What a precision must cost less than to be taken by itself."""


def list_models() -> list[ModelInfo]:
    """Describes the models that can be loaded by name, in fp32, sorted by name.

    Examples:
        >>> from inpaint_sdk import list_models
        >>> [model.name for model in list_models() if model.task == "enhance"]
        ['clean', 'cloud-thick', 'cloud-thin']
    """
    return [read_model_file(_file(name)).info for name in model_names()]


def list_precisions(name: str) -> list[ModelInfo]:
    """Describes a bundled model in each precision that it comes in, fp32 first."""
    files = (_file(name, precision) for precision in get_args(Precision))
    return [read_description(path) for path in files if path.is_file()]


def is_bundled(name: str) -> bool:
    """Whether a model of that name comes with the SDK."""
    with suppress(OSError):  # a name that is too long for a file's
        return _is_name(name) and _file(name).is_file()
    return False


def find_model(name_or_path: str | os.PathLike[str], precision: Precision | None = None) -> Path:
    """The absolute path of a bundled model's file by its name, or of any existing file by its path.

    A string that is both means the bundled model. precision: of a bundled model's file, fp32 if it
    is None; a file that is given by its path is what it is.

    Raises:
        ModelError: there is neither, or a bundled model does not come in that precision.
    """
    try:
        path = Path(name_or_path)
    except TypeError:
        kind = type(name_or_path).__name__
        raise ModelError(f"a model is given by name or path, not by an object of {kind}") from None
    named = isinstance(name_or_path, str) and path.name == name_or_path
    if named and is_bundled(path.name):
        found = _file(path.name, precision or "fp32")
        if not found.is_file():
            there = ", ".join(info.precision for info in list_precisions(path.name))
            raise ModelError(f"{path.name} comes in {there}, not in {precision}")
        return found
    try:
        if path.is_file():
            return path.absolute()
    except OSError as error:  # as of a name that is too long
        raise ModelError(f"cannot read the model file {path}: {error.strerror}") from error
    if not named or path.suffix:
        raise ModelError(f"there is no model file {path}")
    raise ModelError(
        f"there is no model {name_or_path!r}, nor a file of that name; the models are: "
        f"{', '.join(model_names()) or 'none'}"
    )


def find_fastest(name_or_path: str | os.PathLike[str], preferred: Precision | None) -> Path:
    """As :func:`find_model`, in the precision that a machine is fastest in, else in fp32.

    Only if the model comes in it, and it costs less than ``AUTO_LOSS``.
    """
    if preferred is not None and isinstance(name_or_path, str) and is_bundled(name_or_path):
        path = _file(name_or_path, preferred)
        if path.is_file():
            info = _bundled_description(path)
            if info.precision_loss < AUTO_LOSS[info.loss_unit]:
                return path
    return find_model(name_or_path)


@cache  # a file is read whole for it, and models are asked for with each picture
def _bundled_description(path: Path) -> ModelInfo:
    return read_description(path)


def open_model(
    name_or_path: str | os.PathLike[str], precision: Precision | None = None
) -> ModelFile:
    """Opens a bundled model by name, or any model file by path; see :func:`find_model`.

    Raises:
        ModelError: there is no such model, its file is refused, or it is of another precision.
    """
    file = read_model_file(find_model(name_or_path, precision))
    require_precision(file.info, precision or file.info.precision)
    return file


def lower_precision_file(path: Path, precision: str) -> Path:
    """Where a model's file in another precision is, beside the one of fp32."""
    return path.with_name(f"{path.stem}-{precision}.onnx")


def require_precision(info: ModelInfo, precision: PrecisionChoice) -> None:
    """Raises ``ModelError`` unless a model is of the precision that was asked for."""
    if precision not in ("auto", info.precision):
        raise ModelError(
            f"{info.name} is in {info.precision}, and {precision} was asked for. Precision is in "
            "the file: inpaint-export export MODEL.onnx makes one of another. inpaint-sdk models "
            "lists what is there"
        )


def model_names() -> list[str]:
    return sorted(path.stem for path in MODELS.glob("[!.]*.onnx") if _is_name(path.stem))


def _is_name(stem: str) -> bool:
    return not stem.endswith(tuple(f"-{precision}" for precision in get_args(Precision)))


def _file(name: str, precision: Precision = "fp32") -> Path:
    """Where a bundled model's file is, if it comes in that precision."""
    fp32 = MODELS / f"{name}.onnx"
    return fp32 if precision == "fp32" else lower_precision_file(fp32, precision)
