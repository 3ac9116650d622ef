"""Which part of a network may run in lower precision."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import onnx

FULL = frozenset({"ReduceMean", "ReduceSum", "GlobalAveragePool", "Exp"})
"""Operators that stay in fp32: sums over the whole picture, and what amplifies an error."""


def trunk(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The nodes between a network's first trained convolution and its last, both included.

    What comes before prepares the picture (the fill of an inpainting model, whose sums reach over
    hundreds of pixels), what comes after makes the picture of it. Both are cheap, and 8 or 10 bits
    of precision would show in them.
    """
    consumers: dict[str, list[onnx.NodeProto]] = {}
    producers = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)
    trained = [n for n in graph.node if n.op_type == "Conv" and n.input[1].endswith(".weight")]
    after = _reach(trained, lambda n: (c for o in n.output for c in consumers.get(o, ())))
    before = _reach(trained, lambda n: (producers[i] for i in n.input if i in producers))
    ends = {n.output[0] for n in trained}
    return [
        node
        for node in graph.node
        if node.op_type not in FULL
        and (node.output[0] in ends or (node.output[0] in after and node.output[0] in before))
    ]


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
