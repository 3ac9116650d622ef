"""What a model file's graph may hold: a stranger's file is looked through before a runtime gets it.

Only the parts that decide what a runtime would do are read: operators, their domains, how deep
graphs are nested, and whether tensors are in the file and as large as they say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from inpaint_sdk.errors import ModelError
from inpaint_sdk.models.protobuf import BYTES, VARINT, MalformedError, fields, read_varint

STANDARD_DOMAINS = frozenset({"", "ai.onnx"})
OWN_DOMAIN, OWN_OPERATOR = "inpaint_sdk", "DirectionalScan"

REFUSED_OPERATORS = frozenset({"Loop", "SequenceMap"})
"""Those that repeat as often as the graph's numbers say, whatever the size of the picture."""

MAX_NODES = 20_000
MAX_DEPTH = 2
"""Of graphs in operators of graphs. The scan's own function has one in another."""

MAX_RANK = 32
MAX_FIELDS = 1 << 20
"""Of all messages that are read, which bounds the time of a check to some seconds."""

MAX_ELEMENTS = 1 << 28
"""Of a tensor whose size a constant of the file states."""

# Field numbers in onnx.proto, by message.
_MODEL_GRAPH, _MODEL_OPSETS, _MODEL_FUNCTIONS = 7, 8, 25
_OPSET_DOMAIN = 1
_FUNCTION_NAME, _FUNCTION_NODES, _FUNCTION_OPSETS, _FUNCTION_DOMAIN = 1, 7, 9, 10
_GRAPH_NODES, _GRAPH_INITIALIZERS, _GRAPH_SPARSE = 1, 5, 15
_NODE_INPUTS, _NODE_OUTPUTS, _NODE_OPERATOR, _NODE_ATTRIBUTES, _NODE_DOMAIN = 1, 2, 4, 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS = 5, 6, 10, 11
_ATTRIBUTE_SPARSE = 22, 23
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_INT64, _TENSOR_NAME, _TENSOR_RAW = 1, 2, 7, 8, 9
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_TENSOR_VALUES = 4, 5, 6, 7, 10, 11
_INT64 = 7
_BITS = {1: 32, 2: 8, 3: 8, 4: 16, 5: 16, 6: 32, 7: 64, 9: 8, 10: 16, 11: 64, 12: 32, 13: 64}
_BITS |= {14: 64, 15: 128, 16: 16, 17: 8, 18: 8, 19: 8, 20: 8, 21: 4, 22: 4, 23: 4}
"""Of one element, by the number of its type."""

_SIZES = {"ConstantOfShape": 0, "Expand": 1, "Tile": 1, "Resize": 3}
"""Which input states how large the output is, or how often the first one goes into it."""

_FEW = 8
"""Integers of a tensor that may state a size."""

Span = tuple[int, int]


def check_graph(data: bytes, source: str) -> None:
    """Refuses a model file that a runtime should not get.

    source: names the file in errors.

    Raises:
        ModelError: its weights are in other files; it has operators that are neither ONNX's nor
            this SDK's, or that repeat without a bound; graphs are nested too deeply; it has too
            many nodes; or a tensor does not fit what it says.
    """
    try:
        _Check(data).model()
    except (_RefusedError, MalformedError) as error:
        raise ModelError(f"{source} is refused: {error}") from error


class _RefusedError(ValueError):
    """The graph holds something that it may not."""


@dataclass
class _Message:
    """A message's fields of the two wire types that are looked at, by number, in their order."""

    numbers: dict[int, list[int]] = field(default_factory=dict)
    spans: dict[int, list[Span]] = field(default_factory=dict)

    def one(self, number: int) -> list[Span]:
        """A part that there may be once: several would be merged into one by a runtime."""
        found = self.spans.get(number, [])
        if len(found) > 1:
            raise _RefusedError(f"field {number} of a message is there {len(found)} times")
        return found


class _Check:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._nodes = self._fields = 0

    def model(self) -> None:
        top = self._read((0, len(self._data)))
        self._domains(top, _MODEL_OPSETS)
        for span in top.spans.get(_MODEL_FUNCTIONS, []):
            self._function(span)
        for span in top.one(_MODEL_GRAPH):
            self._graph(span, 0)

    def _function(self, span: Span) -> None:
        function = self._read(span)
        name = self._text(function, _FUNCTION_DOMAIN), self._text(function, _FUNCTION_NAME)
        if name != (OWN_DOMAIN, OWN_OPERATOR):
            raise _RefusedError(f"it brings a function {'.'.join(name)!r} of its own")
        self._domains(function, _FUNCTION_OPSETS)
        self._all_nodes(function, _FUNCTION_NODES, {}, 0, STANDARD_DOMAINS)

    def _graph(self, span: Span, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _RefusedError(f"its graphs are nested more than {MAX_DEPTH} deep")
        graph = self._read(span)
        if _GRAPH_SPARSE in graph.spans:
            raise _RefusedError("it has sparse tensors")
        constants = dict(map(self._tensor, graph.spans.get(_GRAPH_INITIALIZERS, [])))
        self._all_nodes(graph, _GRAPH_NODES, constants, depth, STANDARD_DOMAINS | {OWN_DOMAIN})

    def _all_nodes(
        self,
        parent: _Message,
        number: int,
        constants: dict[str, tuple[int, ...]],
        depth: int,
        domains: frozenset[str],
    ) -> None:
        spans = parent.spans.get(number, [])
        self._nodes += len(spans)
        if self._nodes > MAX_NODES:
            raise _RefusedError(f"it has more than {MAX_NODES} nodes")
        for span in spans:
            self._node(self._read(span), constants, depth, domains)

    def _node(
        self,
        node: _Message,
        constants: dict[str, tuple[int, ...]],
        depth: int,
        domains: frozenset[str],
    ) -> None:
        operator, domain = self._text(node, _NODE_OPERATOR), self._text(node, _NODE_DOMAIN)
        if domain not in domains or (domain == OWN_DOMAIN and operator != OWN_OPERATOR):
            raise _RefusedError(f"it has an operator {domain}.{operator} that is not known")
        if operator in REFUSED_OPERATORS:
            raise _RefusedError(f"it has a {operator}, which repeats without a bound")
        values: tuple[int, ...] = ()
        for span in node.spans.get(_NODE_ATTRIBUTES, []):
            values = self._attribute(self._read(span), depth) or values
        if operator == "Constant":
            constants |= {self._decode(s): values for s in node.spans.get(_NODE_OUTPUTS, [])}
        self._check_size(operator, node, constants)

    def _attribute(self, attribute: _Message, depth: int) -> tuple[int, ...]:
        """Checks what an attribute holds; gives the integers of a tensor."""
        if any(number in attribute.spans for number in _ATTRIBUTE_SPARSE):
            raise _RefusedError("it has sparse tensors")
        graphs = attribute.one(_ATTRIBUTE_GRAPH) + attribute.spans.get(_ATTRIBUTE_GRAPHS, [])
        for span in graphs:
            self._graph(span, depth + 1)
        tensors = attribute.one(_ATTRIBUTE_TENSOR) + attribute.spans.get(_ATTRIBUTE_TENSORS, [])
        values: tuple[int, ...] = ()
        for span in tensors:
            _, values = self._tensor(span)
        return values

    def _check_size(
        self, operator: str, node: _Message, constants: dict[str, tuple[int, ...]]
    ) -> None:
        """Refuses an output that is huge for any picture, by what a constant says."""
        inputs = node.spans.get(_NODE_INPUTS, [])
        place = _SIZES.get(operator, len(inputs))
        if place < len(inputs):
            sizes = constants.get(self._decode(inputs[place]), ())
            if math.prod(map(abs, sizes)) > MAX_ELEMENTS:
                raise _RefusedError(f"a {operator} makes a tensor of the size {list(sizes)}")

    def _tensor(self, span: Span) -> tuple[str, tuple[int, ...]]:
        """A tensor's name, and its values if they are few and integers."""
        tensor = self._read(span)
        name = self._text(tensor, _TENSOR_NAME)
        location = tensor.numbers.get(_TENSOR_LOCATION, [0])
        if _TENSOR_EXTERNAL in tensor.spans or any(location):
            raise _RefusedError(
                f"the tensor {name!r} is in another file; weights must be in this one"
            )
        dims = self._integers(tensor, _TENSOR_DIMS)
        if len(dims) > MAX_RANK or any(dim < 0 for dim in dims):
            raise _RefusedError(f"the tensor {name!r} has the shape {dims[:8]}")
        kind = tensor.numbers.get(_TENSOR_TYPE, [0])[-1]
        raw = tensor.spans.get(_TENSOR_RAW, [])
        if raw:
            held = 8 * (raw[-1][1] - raw[-1][0])
            said = math.prod(dims) * _BITS.get(kind, 0)
            fits = kind in _BITS and held == said + -said % 8
        else:
            # Of other forms an element is a byte or more, but for two of 4 bits in one.
            bounds = [end - start for n in _TENSOR_VALUES for start, end in tensor.spans.get(n, [])]
            bounds += [8 for n in _TENSOR_VALUES for _ in tensor.numbers.get(n, [])]
            fits = math.prod(dims) <= 2 * sum(bounds)
        if not fits:
            raise _RefusedError(f"the tensor {name!r} is not of the shape {dims[:8]} that it says")
        few = kind == _INT64 and math.prod(dims) <= _FEW
        return name, self._values(tensor, raw) if few else ()

    def _values(self, tensor: _Message, raw: list[Span]) -> tuple[int, ...]:
        if not raw:
            return tuple(self._integers(tensor, _TENSOR_INT64)[:_FEW])
        start, end = raw[-1]
        places = range(start, end, 8)
        return tuple(
            int.from_bytes(self._data[at : at + 8], "little", signed=True) for at in places
        )

    def _domains(self, message: _Message, number: int) -> None:
        for span in message.spans.get(number, []):
            domain = self._text(self._read(span), _OPSET_DOMAIN)
            if domain not in STANDARD_DOMAINS | {OWN_DOMAIN}:
                raise _RefusedError(f"it uses operators of the domain {domain!r}")

    def _read(self, span: Span) -> _Message:
        message = _Message()
        for part in fields(self._data, *span):
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise _RefusedError(f"its graph has more than {MAX_FIELDS} fields")
            if part.wire == VARINT:
                value, _ = read_varint(self._data, part.payload, part.end)
                message.numbers.setdefault(part.number, []).append(value)
            elif part.wire == BYTES:
                message.spans.setdefault(part.number, []).append((part.payload, part.end))
        return message

    def _integers(self, message: _Message, number: int) -> list[int]:
        """Signed numbers of 64 bits, each alone or packed."""
        found = list(message.numbers.get(number, []))
        for start, end in message.spans.get(number, []):
            found += _packed(self._data, start, end)
        return [value - (1 << 64) if value >> 63 else value for value in found]

    def _text(self, message: _Message, number: int) -> str:
        found = message.spans.get(number, [])
        return self._decode(found[-1]) if found else ""

    def _decode(self, span: Span) -> str:
        return self._data[span[0] : span[1]].decode(errors="replace")


def _packed(data: bytes, position: int, end: int) -> Iterator[int]:
    while position < end:
        value, position = read_varint(data, position, end)
        yield value
