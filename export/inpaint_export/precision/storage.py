"""Weights stored in fp16, in a graph whose arithmetic stays fp32.

Each is cast where it is read; runtimes do that once, when they load the file.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

STORED = "_stored"
"""Ends the name of a weight in fp16."""


def round_weights(model: nn.Module) -> None:
    """Rounds a network's parameters to numbers that fp16 has.

    Raises:
        ValueError: one is too large for fp16.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            rounded = parameter.half().float()
            if not torch.isfinite(rounded).all():
                raise ValueError(f"{name} holds a number that is too large for fp16")
            parameter.copy_(rounded)


def store_in_half(proto: onnx.ModelProto) -> None:
    """Stores those weights in fp16 that lose nothing by it, in place."""
    graph = proto.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            half = values.astype(np.float16)
        if not np.array_equal(half.astype(np.float32), values):
            continue
        name, stored = tensor.name, tensor.name + STORED
        tensor.CopyFrom(numpy_helper.from_array(half, stored))
        casts.append(helper.make_node("Cast", [stored], [name], name=name, to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def restore_to_full(proto: onnx.ModelProto) -> None:
    """Undoes :func:`store_in_half`, in place."""
    graph = proto.graph
    stored = {t.name: t for t in graph.initializer if t.name.endswith(STORED)}
    kept = []
    for node in graph.node:
        if node.op_type == "Cast" and node.input[0] in stored:
            tensor = stored[node.input[0]]
            values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, node.output[0]))
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
