"""Putting a description into a model file, and the file where it belongs."""

from __future__ import annotations

import onnx

from inpaint_sdk.models.info import METADATA_KEY, ModelInfo


def set_info(proto: onnx.ModelProto, info: ModelInfo) -> None:
    """Puts the description among a model's metadata, in place of any that is there."""
    kept = [p for p in proto.metadata_props if p.key != METADATA_KEY]
    del proto.metadata_props[:]
    proto.metadata_props.extend(kept)
    proto.metadata_props.add(key=METADATA_KEY, value=info.to_json())
