"""Which part of a network may run in lower precision."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import onnx

LAYERS = frozenset(
    {
        "Conv",
        "ConvTranspose",
        "DeformConv",
        "DirectionalScan",
        "Einsum",
        "Gemm",
        "GRU",
        "LSTM",
        "MatMul",
        "RNN",
    }
)
"""Operators that weigh what they are given, if one of their inputs is made of weights alone."""

SUMS = frozenset(
    {
        "CumSum",
        "GlobalAveragePool",
        "GlobalLpPool",
        "ReduceL1",
        "ReduceL2",
        "ReduceLogSum",
        "ReduceLogSumExp",
        "ReduceMean",
        "ReduceProd",
        "ReduceSum",
        "ReduceSumSquare",
    }
)
"""Operators that sum over as much as a whole picture."""

FULL = SUMS | {"Exp"}
"""Operators that stay in fp32: sums over the whole picture, and what amplifies an error."""

FULL_PRECISION_KEY = "inpaint_export.full_precision"
"""Of the list of values, among a model's ``metadata_props``, whose nodes stay in fp32."""


def trunk(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The nodes from a network's first layers to its last, without what is to stay in fp32.

    A layer is an operator of ``LAYERS`` with weights. What comes before the first ones prepares the
    picture, what comes after the last makes the picture of it. Both are cheap, and 8 or 10 bits of
    precision would show in them. What a network declares as ``full_precision`` counts as no layer,
    and stays in fp32 wherever it is; so do the operators of ``FULL``.
    """
    graph = model.graph
    consumers: dict[str, list[onnx.NodeProto]] = {}
    producers = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    weights = _made_of_weights(graph)
    kept = full_precision(model)
    layers = [
        node
        for node in graph.node
        if node.op_type in LAYERS
        and node.output[0] not in kept
        and any(name in weights for name in node.input)
    ]
    after = _reach(layers, lambda n: (c for o in n.output for c in consumers.get(o, ())))
    before = _reach(layers, lambda n: (producers[i] for i in n.input if i in producers))
    ends = {n.output[0] for n in layers}
    return [
        node
        for node in graph.node
        if node.op_type not in FULL
        and node.output[0] not in kept
        and (node.output[0] in ends or (node.output[0] in after and node.output[0] in before))
    ]


def full_precision(model: onnx.ModelProto) -> frozenset[str]:
    """First outputs of the nodes that the network declares to stay in fp32."""
    values = [p.value for p in model.metadata_props if p.key == FULL_PRECISION_KEY]
    return frozenset(json.loads(values[0]) if values else ())


def set_full_precision(model: onnx.ModelProto, outputs: Iterable[str]) -> None:
    """Notes the nodes that are to stay in fp32, by their first outputs, in the model's metadata."""
    model.metadata_props.add(key=FULL_PRECISION_KEY, value=json.dumps(list(outputs)))


def _made_of_weights(graph: onnx.GraphProto) -> set[str]:
    """Names of the values that depend on stored numbers alone."""
    made = {tensor.name for tensor in graph.initializer}
    for node in graph.node:  # sorted, so that what is used was made before
        inputs = [name for name in node.input if name]
        constant = bool(inputs) and all(name in made for name in inputs)
        if constant or node.op_type == "Constant":
            made.update(node.output)
    return made


def _reach(
    start: list[onnx.NodeProto], step: Callable[[onnx.NodeProto], Iterable[onnx.NodeProto]]
) -> set[str]:
    """First outputs of the nodes that can be reached in one step or more."""
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        for node in step(waiting.pop()):
            if node.output[0] not in found:
                found.add(node.output[0])
                waiting.append(node)
    return found
