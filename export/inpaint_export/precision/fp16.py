"""fp16 where it is safe, fp32 where it is not, with the types written into the graph."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from inpaint_export.precision.trunk import trunk
from inpaint_kernels import onnx_body

SCAN_INPUT = 0
"""The one input of DirectionalScan that is cast: its weights lie close to 1 where memories are
long."""


def to_fp16(proto: onnx.ModelProto) -> onnx.ModelProto:
    """A copy of an fp32 model whose trunk is fp16; its inputs and outputs stay fp32.

    A tensor is cast once where it enters or leaves the trunk, and what is outside it keeps every
    bit. DirectionalScan keeps its state in fp32 by its definition.

    Raises:
        ValueError: a weight of the trunk is too large for fp16.
    """
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    graph = model.graph
    floats = _floats(model)
    cast_inputs = {n.output[0]: _cast_inputs(n, model, floats) for n in trunk(model)}
    half = {output for output, indices in cast_inputs.items() if indices}
    made_half = {o for n in graph.node if n.output[0] in half for o in n.output if o in floats}
    stored = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    casts: set[str] = set()

    def cast(name: str, to: int) -> str:
        result = f"{name}_{'fp16' if to == TensorProto.FLOAT16 else 'fp32'}"
        if result not in casts:
            casts.add(result)
            if name in stored and to == TensorProto.FLOAT16:
                graph.initializer.append(_half(stored[name], result))
            else:
                nodes.append(helper.make_node("Cast", [name], [result], name=result, to=to))
        return result

    for node in graph.node:
        indices = cast_inputs.get(node.output[0], frozenset())
        for index, name in enumerate(node.input):
            if name not in floats:
                continue
            wants_half = index in indices
            if wants_half != (name in made_half):
                kind = TensorProto.FLOAT16 if wants_half else TensorProto.FLOAT
                node.input[index] = cast(name, kind)
        nodes.append(node)
    for output in graph.output:
        if output.name in made_half:
            nodes.append(_cast_output(nodes, output.name))
    del graph.node[:]
    graph.node.extend(nodes)
    _drop_unused(graph)
    del graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    return model


def _floats(model: onnx.ModelProto) -> set[str]:
    """Names of the model's fp32 tensors."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    values = (*graph.input, *graph.output, *graph.value_info)
    found = {v.name for v in values if v.type.tensor_type.elem_type == TensorProto.FLOAT}
    found |= {t.name for t in graph.initializer if t.data_type == TensorProto.FLOAT}
    # The node's type is not inferred: it is not one of ONNX's.
    found |= {n.output[0] for n in graph.node if n.op_type == onnx_body.NAME}
    return found


def _cast_inputs(node: onnx.NodeProto, model: onnx.ModelProto, floats: set[str]) -> frozenset[int]:
    """Which inputs are fp16 where a node runs in it; none if it cannot.

    Those that ONNX allows it for, if the type of what the node makes follows theirs or is no float.
    Cast and others like it say in an attribute what they make.
    """
    if node.op_type == onnx_body.NAME:
        return frozenset({SCAN_INPUT})
    version = next(o.version for o in model.opset_import if o.domain == node.domain)
    schema = onnx.defs.get_schema(node.op_type, version, node.domain)
    allowed = {
        constraint.type_param_str: "tensor(float16)" in constraint.allowed_type_strs
        for constraint in schema.type_constraints
    }
    kinds = {
        # The last input of an operator stands for all further ones, where it takes any number.
        index: schema.inputs[min(index, len(schema.inputs) - 1)].type_str
        for index, name in enumerate(node.input)
        if name in floats
    }
    half = {index for index, kind in kinds.items() if allowed.get(kind, False)}
    follows = schema.outputs[0].type_str in {kinds[index] for index in half}
    return frozenset(half) if follows or node.output[0] not in floats else frozenset()


def _half(tensor: TensorProto, name: str) -> TensorProto:
    values = numpy_helper.to_array(tensor)
    largest = float(np.abs(values).max(initial=0.0))
    if largest > float(np.finfo(np.float16).max):
        raise ValueError(f"{tensor.name} holds {largest:.3g}, more than fp16 can")
    return numpy_helper.from_array(values.astype(np.float16), name)


def _cast_output(nodes: list[onnx.NodeProto], name: str) -> onnx.NodeProto:
    """Renames an output that is fp16 now; returns the node that makes the fp32 one of its name."""
    inner = f"{name}_inner"
    for node in nodes:
        for names in (node.input, node.output):
            for index, value in enumerate(names):
                if value == name:
                    names[index] = inner
    return helper.make_node("Cast", [inner], [name], name=f"{name}_fp32", to=TensorProto.FLOAT)


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
