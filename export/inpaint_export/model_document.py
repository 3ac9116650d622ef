"""Putting a description into a model file, and the file where it belongs."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import onnx

from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.info import METADATA_KEY, ModelInfo


def set_info(proto: onnx.ModelProto, info: ModelInfo) -> None:
    """Puts the description among a model's metadata, in place of any that is there."""
    kept = [p for p in proto.metadata_props if p.key != METADATA_KEY]
    del proto.metadata_props[:]
    proto.metadata_props.extend(kept)
    proto.metadata_props.add(key=METADATA_KEY, value=info.to_json())


def write_whole(data: bytes, path: Path) -> None:
    """Writes a file that appears, by rename, when it is whole."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.replace(path)


def file_identity(path: Path) -> dict[str, Any]:
    """What a result file says of the model file that was measured."""
    data, info = path.read_bytes(), read_model_file(path).info
    return {
        "name": info.name,
        "digest": info.digest,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "kinds": list(info.kinds),
    }
