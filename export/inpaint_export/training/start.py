"""First weights from a model that is trained already."""

from __future__ import annotations

import onnx
import onnx.numpy_helper
import torch
from torch import nn

from inpaint_export.errors import ExportError
from inpaint_sdk.zoo import open_model


def start_from(module: nn.Module, name: str) -> None:
    """Gives a module the weights of a model that comes with the package, in fp32.

    Raises:
        ModelError: there is no such model.
        ExportError: it has no weight, or one of another shape, for a parameter of the module.
    """
    file = open_model(name)
    weights = {w.name: w for w in onnx.load_from_string(file.data).graph.initializer}
    state = {}
    for key, value in module.state_dict().items():
        if key not in weights or tuple(weights[key].dims) != tuple(value.shape):
            raise ExportError(f"{file.path} has no weight {key!r} of shape {tuple(value.shape)}")
        state[key] = torch.from_numpy(onnx.numpy_helper.to_array(weights[key]).copy())
    module.load_state_dict(state)
