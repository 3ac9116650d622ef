"""Model files as a stranger might make them: right in their description, wrong in their graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inpaint_sdk.models.file import content_digest
from inpaint_sdk.models.info import METADATA_KEY
from support.models import model_info

Nodes = Sequence[onnx.NodeProto]


def described(proto: onnx.ModelProto | bytes) -> bytes:
    """The file with a description whose digest matches."""
    data = proto if isinstance(proto, bytes) else proto.SerializeToString()
    info = replace(model_info(), digest=content_digest(data))
    entry = onnx.ModelProto()
    entry.metadata_props.add(key=METADATA_KEY, value=info.to_json())
    return data + entry.SerializeToString()


def model(
    nodes: Nodes,
    tensors: Sequence[onnx.TensorProto] = (),
    functions: Sequence[onnx.FunctionProto] = (),
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """A model from ``image`` to ``output``."""
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, "h", "w"])
        for name in ("image", "output")
    ]
    graph = helper.make_graph(nodes, "graph", ends[:1], ends[1:], tensors)
    opsets = [helper.make_opsetid("", 18), *(helper.make_opsetid(d, 1) for d in domains)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10, functions=functions)


def harmless() -> onnx.ModelProto:
    half = numpy_helper.from_array(np.array([0.5], np.float32), "half")
    return model([helper.make_node("Mul", ["image", "half"], ["output"])], [half])


def _integers(name: str, *values: int) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def _external(location: str) -> onnx.ModelProto:
    proto = harmless()
    (tensor,) = proto.graph.initializer
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return proto


def _external_in_constant() -> onnx.ModelProto:
    tensor = _external("/etc/passwd").graph.initializer[0]
    constant = helper.make_node("Constant", [], ["half"], value=tensor)
    return model([constant, helper.make_node("Mul", ["image", "half"], ["output"])])


def _tensor(change: Callable[[onnx.TensorProto], object]) -> onnx.ModelProto:
    proto = harmless()
    change(proto.graph.initializer[0])
    return proto


def _dims(*dims: int) -> onnx.ModelProto:
    def change(tensor: onnx.TensorProto) -> None:
        tensor.dims[:] = dims

    return _tensor(change)


def _unpacked() -> onnx.ModelProto:
    def change(tensor: onnx.TensorProto) -> None:
        tensor.ClearField("raw_data")
        tensor.float_data[:] = [0.5]
        tensor.dims[:] = [1000]

    return _tensor(change)


def _sparse() -> onnx.ModelProto:
    values = numpy_helper.from_array(np.ones(1, np.float32), "half")
    proto = model([helper.make_node("Mul", ["image", "half"], ["output"])])
    sparse = helper.make_sparse_tensor(values, _integers("at", 0), [1 << 40])
    proto.graph.sparse_initializer.append(sparse)
    return proto


def _graph_of(inner: Nodes, output: str) -> onnx.GraphProto:
    out = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    return helper.make_graph(inner, "inner", [], [out])


def _if(inner: Nodes, output: str, condition: str = "yes") -> onnx.NodeProto:
    """A node that gives ``output``, made by nodes that give ``output`` and an underscore."""
    other = _graph_of(
        [helper.make_node("Identity", ["image"], [f"{output}_other"])], f"{output}_other"
    )
    inner_graph = _graph_of(inner, f"{output}_")
    return helper.make_node("If", [condition], [output], then_branch=inner_graph, else_branch=other)


def _nested(depth: int) -> onnx.ModelProto:
    name = f"output{'_' * depth}"
    nodes = [helper.make_node("Identity", ["image"], [name])]
    for _ in range(depth):
        name = name.removesuffix("_")
        nodes = [_if(nodes, name)]
    return model(nodes, [numpy_helper.from_array(np.array(True), "yes")])


def _loop() -> onnx.NodeProto:
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Identity", ["x"], ["y"]),
        ],
        "body",
        [info("i", TensorProto.INT64, []), info("go", TensorProto.BOOL, []), info("x", 1, None)],
        [info("on", TensorProto.BOOL, []), info("y", 1, None)],
    )
    return helper.make_node("Loop", ["times", "", "image"], ["output"], body=body)


def _bomb(operator: str, inputs: Sequence[str], *tensors: onnx.TensorProto) -> onnx.ModelProto:
    nodes = [
        helper.make_node(operator, inputs, ["huge"]),
        helper.make_node("ReduceMax", ["huge"], ["most"], keepdims=0),
        helper.make_node("Add", ["image", "most"], ["output"]),
    ]
    return model(nodes, tensors)


def _constant_bomb() -> onnx.ModelProto:
    proto = _bomb("ConstantOfShape", ["size"])
    size = helper.make_node("Constant", [], ["size"], value=_integers("", 1 << 20, 1 << 20))
    proto.graph.node.insert(0, size)
    return proto


def _function(domain: str, name: str, called: str) -> onnx.ModelProto:
    node = helper.make_node(called, ["x"], ["y"], domain=domain if called == name else "")
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(domain, 1)]
    function = helper.make_function(domain, name, ["x"], ["y"], [node], opsets)
    call = helper.make_node(name, ["image"], ["output"], domain=domain)
    return model([call], functions=[function], domains=[domain])


def _custom(domain: str, operator: str, **attributes: Any) -> onnx.ModelProto:
    node = helper.make_node(operator, ["image"], ["output"], domain=domain, **attributes)
    return model([node], domains=[domain])


def _two_graphs() -> bytes:
    """A part of one graph in another message: a runtime takes them for one."""
    second = onnx.ModelProto()
    second.graph.CopyFrom(_external("/etc/passwd").graph)
    return harmless().SerializeToString() + second.SerializeToString()


def _many_fields() -> onnx.ModelProto:
    proto = harmless()
    proto.graph.MergeFromString(b"\x98\x06\x00" * 200_000)  # which no version of ONNX knows
    return proto


ONE = numpy_helper.from_array(np.ones(1, np.float32), "one")

REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto | bytes], str]] = {
    "external data, absolute": (lambda: _external("/etc/passwd"), "in another file"),
    "external data, parent": (lambda: _external("../../secret"), "in another file"),
    "external data, device": (lambda: _external("/dev/zero"), "in another file"),
    "external data, constant": (_external_in_constant, "in another file"),
    "raw data too short": (lambda: _dims(1000), "not of the shape"),
    "raw data too long": (lambda: _dims(0), "not of the shape"),
    "dims overflow": (lambda: _dims(1 << 32, 1 << 32), "not of the shape"),
    "dims negative": (lambda: _dims(-1), "has the shape"),
    "dims without end": (lambda: _dims(*[1] * 1000), "has the shape"),
    "type unknown": (lambda: _tensor(lambda t: setattr(t, "data_type", 99)), "not of the shape"),
    "values too few": (_unpacked, "not of the shape"),
    "sparse tensor": (_sparse, "sparse"),
    "loop": (lambda: model([_loop()], [_integers("times", 1 << 60)]), "Loop"),
    "loop in a branch": (
        lambda: model([_if([_loop()], "output")], [_integers("times", 1)]), "Loop"),
    "nested": (lambda: _nested(3), "nested"),
    "nested deeply": (lambda: _nested(20), "nested"),
    "unknown domain": (lambda: _custom("evil", "Run"), "domain 'evil'"),
    "ONNX Runtime's own": (lambda: _custom("com.microsoft", "Gelu"), "domain 'com.microsoft'"),
    "engine in a node": (
        lambda: _custom("com.microsoft", "EPContext", ep_cache_context="/etc/passwd", embed_mode=0),
        "domain 'com.microsoft'"),
    "ours, unknown": (lambda: _custom("inpaint_sdk", "Run"), "inpaint_sdk.Run"),
    "function": (lambda: _function("inpaint_sdk", "Run", "Identity"), "a function"),
    "function in place of ours": (
        lambda: _function("inpaint_sdk", "DirectionalScan", "DirectionalScan"),
        "operator inpaint_sdk.DirectionalScan"),
    "function in place of ONNX's": (lambda: _function("", "Identity", "Neg"), "a function"),
    "bomb, ConstantOfShape": (
        lambda: _bomb("ConstantOfShape", ["size"], _integers("size", 1 << 20, 1 << 20)),
        "ConstantOfShape makes"),
    "bomb, size of a constant": (_constant_bomb, "ConstantOfShape makes"),
    "bomb, Expand": (
        lambda: _bomb("Expand", ["one", "size"], ONE, _integers("size", 1 << 40)), "Expand makes"),
    "bomb, Tile": (
        lambda: _bomb("Tile", ["one", "size"], ONE, _integers("size", 1 << 40)), "Tile makes"),
    "bomb, Resize": (
        lambda: _bomb("Resize", ["image", "", "", "size"], _integers("size", 1, 3, 1 << 40)),
        "Resize makes"),
    "too many nodes": (
        lambda: model([helper.make_node("Neg", ["image"], ["output"])] * 20_001), "20000 nodes"),
    "too many fields": (_many_fields, "fields"),
    "two graphs": (_two_graphs, "2 times"),
}  # fmt: skip
"""Each by a name: what makes it, and a part of what its refusal says."""


def _concat_bomb() -> onnx.ModelProto:
    """Constants that double in each node, to 16 GB if all were computed when it is loaded."""
    names = ["one", *(f"c{i}" for i in range(32)), "most"]
    nodes = [helper.make_node("Concat", [a, a], [b], axis=0) for a, b in pairwise(names[:-1])]
    nodes += [
        helper.make_node("ReduceMax", [names[-2]], ["most"], keepdims=0),
        helper.make_node("Add", ["image", "most"], ["output"]),
    ]
    return model(nodes, [ONE])


def _matmul_bomb() -> onnx.ModelProto:
    column = numpy_helper.from_array(np.ones((60_000, 1), np.float32), "column")
    row = numpy_helper.from_array(np.ones((1, 60_000), np.float32), "row")
    return _bomb("MatMul", ["column", "row"], column, row)


def _shape_bomb() -> onnx.ModelProto:
    """A size that the graph reckons: of what a constant says that the picture is."""
    proto = _bomb("ConstantOfShape", ["shape"], _integers("size", 60_000, 60_000))
    nodes = [
        helper.make_node("Reshape", ["image", "size"], ["reshaped"]),
        helper.make_node("Shape", ["reshaped"], ["shape"]),
    ]
    proto.graph.node.insert(0, nodes[1])
    proto.graph.node.insert(0, nodes[0])
    return proto


def _huge_input() -> onnx.ModelProto:
    proto = harmless()
    for end in (proto.graph.input[0], proto.graph.output[0]):
        for dim in end.type.tensor_type.shape.dim[2:]:
            dim.dim_value = 1 << 40
    return proto


def _polyglot() -> bytes:
    """Begins as ONNX Runtime's own format does, whose loader nothing here has checked."""
    proto = harmless()
    plain = proto.SerializeToString()
    return b"\x08\x0a\x12\x04ORTM" + plain.removeprefix(b"\x08\x0a")


BOUNDED: dict[str, Callable[[], onnx.ModelProto | bytes]] = {
    "harmless": harmless,
    "constants that double": _concat_bomb,
    "outer product": _matmul_bomb,
    "size of a shape": _shape_bomb,
    "huge input": _huge_input,
    "polyglot": _polyglot,
    "deep as it may be": lambda: _nested(2),
}
"""Loaded or refused, within limits of time and memory."""
