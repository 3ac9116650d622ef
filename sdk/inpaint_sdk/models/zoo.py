"""The models that come with the SDK."""

from __future__ import annotations

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
    return (MODELS / f"{name}.onnx").is_file()


def open_model(name_or_path: str | Path) -> ModelFile:
    """Opens a bundled model by name, or any model file by path.

    A string without a folder or suffix is a name; anything else is a path.

    Raises:
        ModelError: there is no such model, or its file is refused.
    """
    path = Path(name_or_path)
    if isinstance(name_or_path, str) and path.name == name_or_path and not path.suffix:
        bundled = MODELS / f"{name_or_path}.onnx"
        if not bundled.is_file():
            names = ", ".join(sorted(p.stem for p in MODELS.glob("*.onnx"))) or "none"
            raise ModelError(
                f"there is no model {name_or_path!r}; there are: {names}. "
                "A model of your own is given by the path of its .onnx file"
            )
        path = bundled
    return read_model_file(path)
