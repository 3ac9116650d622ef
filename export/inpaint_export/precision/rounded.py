"""What an fp16 model computes, in fp32 arithmetic.

ONNX Runtime has no fp16 convolutions for CPUs: it computes in fp32, and where it can leaves out the
rounding between two nodes. What a GPU loses would not show. So a copy of the model is measured that
spells the rounding out in fp32 operators.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_SPLITTER = 2.0**13 + 1.0
"""Veltkamp's, which leaves 11 of 24 significant bits."""

_LARGEST = 65504.0


def in_fp32(fp16: onnx.ModelProto) -> onnx.ModelProto:
    """An fp32 model that gives what the fp16 model gives where every node rounds its output.

    Numbers too small for fp16's full precision keep it; those too large become infinite, as there.
    """
    model = onnx.ModelProto()
    model.CopyFrom(fp16)
    graph = model.graph
    inferred = onnx.shape_inference.infer_shapes(model).graph
    values = (*inferred.value_info, *inferred.output)
    half = {v.name for v in values if v.type.tensor_type.elem_type == TensorProto.FLOAT16}
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT16:
            wide = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))
    constants = {"splitter": _SPLITTER, "largest": _LARGEST, "infinity": np.inf}
    for name, value in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.float32(value), f"fp16_{name}"))
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type == "Cast" and {node.input[0], node.output[0]} & half:
            node = helper.make_node("Identity", node.input, node.output)
        rounded = [
            name for name in node.output if name in half or node.op_type == "DirectionalScan"
        ]
        nodes.append(node)
        for name in rounded:
            index = list(node.output).index(name)
            node.output[index] = f"{name}_exact"
            nodes += _round(f"{name}_exact", name)
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    return model


def _round(exact: str, rounded: str) -> list[onnx.NodeProto]:
    def name(step: str) -> str:
        return f"{rounded}_{step}"

    node = helper.make_node
    return [
        node("Mul", [exact, "fp16_splitter"], [name("scaled")]),
        node("Sub", [name("scaled"), exact], [name("rest")]),
        node("Sub", [name("scaled"), name("rest")], [name("short")]),
        node("Abs", [name("short")], [name("size")]),
        node("Greater", [name("size"), "fp16_largest"], [name("over")]),
        node("Where", [name("over"), "fp16_infinity", name("short")], [rounded]),
    ]
