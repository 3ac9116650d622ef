"""The models that come with the SDK."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from inpaint_sdk.errors import ModelError
from inpaint_sdk.models.file import ModelFile, read_model_file
from inpaint_sdk.models.info import ModelInfo

MODELS = Path(__file__).parent


def list_models() -> list[ModelInfo]:
    """Describes the models that can be loaded by name, sorted by name.

    >>> from inpaint_sdk import list_models
    >>> [model.name for model in list_models()]
    ['clean', 'cloud-thick', 'cloud-thin', 'damage', 'photo', 'photo-codebook', 'photo-staged']
    """
    infos = [read_model_file(path).info for path in MODELS.glob("*.onnx")]
    return sorted(infos, key=lambda info: info.name)


def is_bundled(name: str) -> bool:
    """Whether a model of that name comes with the SDK."""
    with suppress(OSError):  # a name that is too long for a file's
        return (MODELS / f"{name}.onnx").is_file()
    return False


def find_model(name_or_path: str | os.PathLike[str]) -> Path:
    """The absolute path of a bundled model's file by its name, or of any existing file by its path.

    A string that is both means the bundled model.

    Raises:
        ModelError: there is neither.
    """
    try:
        path = Path(name_or_path)
    except TypeError:
        kind = type(name_or_path).__name__
        raise ModelError(f"a model is given by name or path, not by an object of {kind}") from None
    named = isinstance(name_or_path, str) and path.name == name_or_path
    if named and is_bundled(path.name):
        return MODELS / f"{path.name}.onnx"
    if path.is_file():
        return path.absolute()
    if not named or path.suffix:
        raise ModelError(f"there is no model file {path}")
    names = ", ".join(sorted(p.stem for p in MODELS.glob("*.onnx"))) or "none"
    raise ModelError(
        f"there is no model {name_or_path!r}, nor a file of that name; the models are: {names}"
    )


def open_model(name_or_path: str | os.PathLike[str]) -> ModelFile:
    """Opens a bundled model by name, or any model file by path.

    Raises:
        ModelError: there is no such model, or its file is refused.
    """
    return read_model_file(find_model(name_or_path))
