"""Engine files that no library made."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from inpaint_sdk.engines.file import (
    MAGIC,
    EngineFile,
    EngineKey,
    make_engine_file,
    this_system,
)
from inpaint_sdk.engines.profile import OptimizationProfile
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
        "multiprocessors": 8,
        "precision": "fp32",
        "profile": OptimizationProfile.default(PHOTO.info),
        "workspace": 2 << 30,
        "recipe": 1,
        "plugin": "",
    }
    return EngineKey(**{**values, **changes})  # type: ignore[arg-type]


def engine(data: bytes = b"an engine" * 100, **changes: object) -> EngineFile:
    return make_engine_file(Path("photo"), PHOTO.info, key(**changes), "none", data)


def with_header(header: bytes) -> bytes:
    """A file whose header is anything, behind the right length and before the right digest."""
    digest = hashlib.sha256(header).digest()
    return MAGIC + struct.pack("<I", len(header)) + header + digest + b"an engine" * 100
