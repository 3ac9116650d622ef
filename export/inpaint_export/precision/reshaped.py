"""The same convolutions in shapes that ONNX Runtime's kernels for 8 bits are fast with.

They copy what lies under the kernel, channels of a pixel at a time, and multiply matrices whose
columns are output channels. Few input channels make many small copies, and a width that is no
multiple of a vector's takes a slow way: in ``photo`` a convolution of 6x6 over 4 channels took four
times as long as the same arithmetic over 16, one of 12 output channels three times as long as one
of 16.
"""

from __future__ import annotations

from collections.abc import Container

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

FEWEST = 8
"""Input channels from which on copies are long enough."""

WIDTH = 16
"""Of a vector: what the number of output channels should be a multiple of."""


def reshape_convolutions(graph: onnx.GraphProto, names: Container[str]) -> None:
    """Folds pixels of inputs of few channels, and fills output channels up to whole vectors.

    Inputs of the first kind have an even height and width, as all have that a network halves.
    names: of the nodes that will compute on 8 bits.
    """
    stored = {tensor.name: tensor for tensor in graph.initializer}
    folded: dict[str, str] = {}
    nodes = []
    for node in graph.node:
        if node.op_type != "Conv" or node.name not in names or node.input[1] not in stored:
            nodes.append(node)
            continue
        weight = numpy_helper.to_array(stored[node.input[1]])
        if _folds(node, weight):
            if node.input[0] not in folded:
                folded[node.input[0]] = f"{node.input[0]}_folded"
                nodes.append(_space_to_depth(node.input[0], folded[node.input[0]]))
            weight = _fold(node, weight)
            node.input[0] = folded[node.input[0]]
            node.input[1] = _store(graph, f"{node.name}_folded_weight", weight)
        nodes.append(node)
        plain = all(name in stored for name in node.input[2:])  # a bias, if there is one
        if len(weight) % WIDTH and plain and _attribute(node, "group", 1) == 1:
            nodes.extend(_fill_up(graph, node, weight, stored))
    del graph.node[:]
    graph.node.extend(nodes)
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _attribute(node: onnx.NodeProto, name: str, default: object) -> object:
    found = [helper.get_attribute_value(a) for a in node.attribute if a.name == name]
    return found[0] if found else default


def _folds(node: onnx.NodeProto, weight: NDArray[np.float32]) -> bool:
    """Whether a convolution over 2x2 pixels folded into one computes the same."""
    numbers = [*_list(node, "strides", 1, 2), *_list(node, "pads", 0, 4), *weight.shape[2:]]
    plain = _attribute(node, "group", 1) == 1 and set(_list(node, "dilations", 1, 2)) == {1}
    plain = plain and _attribute(node, "auto_pad", b"NOTSET") == b"NOTSET"
    return plain and weight.shape[1] < FEWEST and all(number % 2 == 0 for number in numbers)


def _list(node: onnx.NodeProto, name: str, default: int, count: int) -> list[int]:
    return list(_attribute(node, name, [default] * count))  # type: ignore[call-overload]


def _space_to_depth(source: str, target: str) -> onnx.NodeProto:
    return helper.make_node("SpaceToDepth", [source], [target], f"{target}_node", blocksize=2)


def _fold(node: onnx.NodeProto, weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """The weight over folded pixels, whose channels SpaceToDepth orders by row, column, channel."""
    for attribute in node.attribute:
        if attribute.name in ("strides", "pads", "kernel_shape"):
            attribute.ints[:] = [number // 2 for number in attribute.ints]
    outputs, inputs, height, width = weight.shape
    parts = weight.reshape(outputs, inputs, height // 2, 2, width // 2, 2)
    return parts.transpose(0, 3, 5, 1, 2, 4).reshape(outputs, 4 * inputs, height // 2, width // 2)


def _fill_up(
    graph: onnx.GraphProto,
    node: onnx.NodeProto,
    weight: NDArray[np.float32],
    stored: dict[str, onnx.TensorProto],
) -> list[onnx.NodeProto]:
    """Repeats output channels, and adds the node that takes them away again.

    Zeros would count in what values a tensor has, and its range would hold fewer of its own.
    """
    more = -len(weight) % WIDTH
    node.input[1] = _store(graph, f"{node.name}_wide_weight", _padded(weight, more))
    if len(node.input) > 2:
        bias = numpy_helper.to_array(stored[node.input[2]])
        node.input[2] = _store(graph, f"{node.name}_wide_bias", _padded(bias, more))
    output, node.output[0] = node.output[0], f"{node.output[0]}_wide"
    limits = [
        _store(graph, f"{node.name}_{name}", np.array([number], np.int64))
        for name, number in (("first", 0), ("end", len(weight)), ("axis", 1))
    ]
    return [helper.make_node("Slice", [node.output[0], *limits], [output], f"{node.name}_own")]


def _padded(array: NDArray[np.float32], more: int) -> NDArray[np.float32]:
    return np.pad(array, [(0, more)] + [(0, 0)] * (array.ndim - 1), mode="wrap")


def _store(graph: onnx.GraphProto, name: str, array: NDArray[np.generic]) -> str:
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
    return name
