"""What a network costs at one picture size, counted layer by layer in its ONNX file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inpaint_eval.record import Record

if TYPE_CHECKING:
    from inpaint_sdk.models.file import ModelFile

MATRIX = ("Conv", "ConvTranspose", "MatMul", "Gemm", "DirectionalScan", "LSTM", "GRU")
"""Operators whose arithmetic is multiply-adds."""

MOVING = ("AveragePool", "MaxPool", "Resize", "ReduceMean", "ReduceMax", "ReduceSum", "Softmax")
"""Operators that must see a tensor whole, or change its size: they are not parts of a neighbour."""

QUANTIZING = ("QuantizeLinear", "DequantizeLinear")

VIEWS = ("Reshape", "Identity", "Squeeze", "Unsqueeze", "Flatten", "Shape", "Constant", "Cast")
"""Operators without arithmetic, as are the next."""

COPIES = ("Slice", "Split", "Concat", "Transpose", "DepthToSpace", "Gather", "Expand", "Pad")

PRECISIONS = {"float32": "fp32", "float16": "fp16", "int8": "int8", "uint8": "int8"}
"""Element types to the names of precisions."""


@dataclass(frozen=True)
class Layer(Record):
    """One node of a network.

    multiply_adds: of matrix products, convolutions, recurrences. operations: single ones, of all
    other arithmetic. precision: of its arithmetic. read, written: bytes of each tensor; weights:
    bytes of trained numbers. fused: whether runtimes can run it as a part of its neighbour.
    """

    name: str
    operator: str
    output: list[int]
    precision: str
    multiply_adds: int
    operations: int
    read: list[int]
    written: list[int]
    weights: int
    fused: bool


@dataclass(frozen=True)
class Network(Record):
    """A model at one size, height and width. parameters: trained numbers."""

    model: str
    precision: str
    sha256: str
    file_bytes: int
    size: tuple[int, int]
    parameters: int
    multiply_adds: int
    operations: int
    bytes_least: int
    bytes_layered: int
    layers: list[Layer]


def read_network(model: ModelFile, height: int, width: int) -> Network:
    """Layers for one picture, whose sides are rounded up to what the network takes.

    Raises:
        ValueError: the size of a tensor does not follow from the picture's.
    """
    multiple = model.info.size_multiple
    size = (height + -height % multiple, width + -width % multiple)
    graph = _Graph(model.data, str(model.path), size)
    layers = list(graph.layers())
    ends = sum(graph.bytes_of(v.name) for v in (*graph.inputs, *graph.outputs))
    weights = sum(layer.weights for layer in layers)
    return Network(
        model=model.info.name,
        precision=model.info.precision,
        sha256=model.info.digest,
        file_bytes=len(model.data),
        size=size,
        parameters=model.info.parameters,
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        operations=sum(layer.operations for layer in layers),
        bytes_least=weights + ends,
        bytes_layered=weights + sum(sum(x.read + x.written) for x in layers if not x.fused),
        layers=layers,
    )


def count_multiply_adds(onnx_file: bytes, height: int, width: int) -> int:
    """Multiply-adds of any ONNX file for one picture.

    onnx_file: its content; inputs are [N, C, H, W].

    Raises:
        ValueError: the size of a tensor does not follow from the picture's.
    """
    return sum(x.multiply_adds for x in _Graph(onnx_file, "network", (height, width)).layers())


class _Graph:
    """A graph whose tensors all have a size."""

    def __init__(self, data: bytes, source: str, size: tuple[int, int]) -> None:
        import onnx
        from onnxscript.optimizer import fold_constants

        proto = onnx.load_from_string(data)
        for value in proto.graph.input:
            dims = value.type.tensor_type.shape.dim
            for dim, number in zip((dims[0], dims[2], dims[3]), (1, *size), strict=True):
                dim.dim_value = number
        # What was declared for any size would hide what follows from this one.
        for value in proto.graph.output:
            value.type.tensor_type.ClearField("shape")
        fold_constants(proto, onnx_shape_inference=True)  # sizes that the graph computes
        proto = onnx.shape_inference.infer_shapes(proto, data_prop=True)
        graph = proto.graph
        self._element_type = onnx.helper.tensor_dtype_to_np_dtype
        self._source = source
        self.inputs, self.outputs, self._nodes = graph.input, graph.output, graph.node
        self._weights = {t.name: t for t in graph.initializer}
        self._values = {v.name: v.type for v in (*graph.value_info, *self.inputs, *self.outputs)}
        self._producers = {name: node for node in self._nodes for name in node.output}
        self._readers: dict[str, list[Any]] = {}
        for node in self._nodes:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def layers(self) -> Iterator[Layer]:
        """Every node that computes or moves something."""
        for node in self._nodes:
            if node.op_type not in VIEWS and node.op_type not in QUANTIZING:
                yield self._layer(node)

    def _layer(self, node: Any) -> Layer:
        tensors = [name for name in node.input if name and not self._is_weight(name)]
        weights = [name for name in node.input if name and self._is_weight(name)]
        output = self.shape_of(node.output[0])
        multiply_adds = self._multiply_adds(node, output)
        heavy = node.op_type in MATRIX or node.op_type in MOVING
        simple = 0 if node.op_type in MATRIX or node.op_type in COPIES else math.prod(output)
        precision = PRECISIONS.get(self._type_of(node.input[0]).name, "fp32")
        return Layer(
            name=node.name or node.output[0],
            operator=node.op_type,
            output=output,
            precision=precision,
            multiply_adds=multiply_adds,
            operations=simple,
            read=[self.bytes_of(name) for name in tensors],
            written=[self.bytes_of(name) for name in node.output if name],
            weights=sum(self.bytes_of(name) for name in weights),
            fused=not heavy,
        )

    def bytes_of(self, name: str) -> int:
        """A tensor's, in the type that it is kept in: that of its quantized form, if it has one."""
        return math.prod(self.shape_of(name)) * self._type_of(name).itemsize

    def shape_of(self, name: str) -> list[int]:
        """A tensor's sizes."""
        if name in self._weights:
            return list(self._weights[name].dims)
        if name in self._values and self._values[name].tensor_type.HasField("shape"):
            dims = self._values[name].tensor_type.shape.dim
            if all(dim.HasField("dim_value") for dim in dims):
                return [dim.dim_value for dim in dims]
        raise ValueError(
            f"{self._source}: the size of the tensor {name!r} does not follow from the input's"
        )

    def _stored(self, name: str) -> str:
        producer = self._producers.get(name)
        if producer is not None and producer.op_type == "DequantizeLinear":
            return str(producer.input[0])
        readers = self._readers.get(name, [])
        if readers and all(reader.op_type == "QuantizeLinear" for reader in readers):
            return str(readers[0].output[0])
        return name

    def _type_of(self, name: str) -> np.dtype[Any]:
        name = self._stored(name)
        if name in self._weights:
            return np.dtype(self._element_type(self._weights[name].data_type))
        return np.dtype(self._element_type(self._values[name].tensor_type.elem_type))

    def _is_weight(self, name: str) -> bool:
        return self._stored(name) in self._weights

    def _multiply_adds(self, node: Any, output: list[int]) -> int:
        if node.op_type == "Conv":  # weight [out, in / groups, kh, kw]
            return math.prod(output) * math.prod(self.shape_of(node.input[1])[1:])
        if node.op_type == "ConvTranspose":  # weight [in, out / groups, kh, kw]
            weight = self.shape_of(node.input[1])
            return math.prod(self.shape_of(node.input[0])) * math.prod(weight[1:])
        if node.op_type in ("MatMul", "Gemm"):
            left = self.shape_of(node.input[0])
            turned = any(a.name == "transA" and a.i for a in node.attribute)
            return math.prod(output) * (left[0] if turned else left[-1])
        if node.op_type == "DirectionalScan":
            return math.prod(output)
        if node.op_type in ("LSTM", "GRU"):  # W [directions, gates * hidden, in], R likewise
            steps, batch = self.shape_of(node.input[0])[:2]
            kernels = (self.shape_of(name) for name in node.input[1:3])
            return steps * batch * sum(math.prod(kernel) for kernel in kernels)
        return 0
