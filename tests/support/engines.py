"""Engine files that no library made."""

from __future__ import annotations

from pathlib import Path

from inpaint_sdk.engines.file import EngineFile, EngineKey, make_engine_file, this_system
from inpaint_sdk.engines.profile import Shapes
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.zoo import MODELS

PHOTO = read_model_file(MODELS / "photo.onnx")


def key(**changes: object) -> EngineKey:
    values: dict[str, object] = {
        "model": PHOTO.info.digest,
        "backend": "tensorrt",
        "version": "10.3.0",
        "system": this_system(),
        "targets": ("sm_86",),
        "device": "NVIDIA Fake 3000",
        "precision": "fp32",
        "shapes": Shapes.default(PHOTO.info),
        "plugin": "",
    }
    return EngineKey(**{**values, **changes})  # type: ignore[arg-type]


def engine(data: bytes = b"an engine" * 100, **changes: object) -> EngineFile:
    return make_engine_file(Path("photo"), PHOTO.info, key(**changes), "none", data)
