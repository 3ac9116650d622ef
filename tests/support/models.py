"""Descriptions of models that tests make up."""

from __future__ import annotations

from typing import Any

from inpaint_sdk import Memory, ModelInfo


def model_info(**fields: Any) -> ModelInfo:
    """A description of a small mask-free model; ``fields`` as of :class:`ModelInfo`."""
    usual: dict[str, Any] = {
        "name": "made up",
        "family": "cnn",
        "task": "enhance",
        "description": "",
        "precision": "fp32",
        "parameters": 1,
        "size_multiple": 8,
        "trained_size": 64,
        "memory": Memory(bytes_per_pixel=100),
        "licence": "none",
        "training_data": "none",
    }
    if fields.get("task") == "detect":
        usual["kinds"] = ("damage",)
    return ModelInfo(**(usual | fields))
