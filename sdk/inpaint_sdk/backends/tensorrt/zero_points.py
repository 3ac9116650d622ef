"""Quantised models as TensorRT wants them.

ONNX Runtime is fast on CPUs where activations are unsigned, so that is how model files store them,
with zero at 128. TensorRT takes signed ones with zero at 0. The two are the same numbers: only the
zero points' type and value differ, in as many bytes.
"""

from __future__ import annotations

from inpaint_sdk.errors import ModelError
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.models.protobuf import BYTES, VARINT, fields

# Field numbers in onnx.proto, and its data types.
_GRAPH, _INITIALIZER, _DATA_TYPE, _RAW_DATA = 7, 5, 2, 9
_UINT8, _INT8 = 2, 3
_MIDDLE = 128


def with_signed_zero_points(model: ModelFile) -> bytes:
    """The bytes of an ``int8`` model with signed activations.

    Raises:
        ModelError: a zero point is elsewhere than in the middle.
    """
    data, changed = model.data, bytearray(model.data)
    for graph in fields(data, 0, len(data)):
        if graph.number != _GRAPH:
            continue
        for tensor in fields(data, graph.payload, graph.end):
            if tensor.number == _INITIALIZER and tensor.wire == BYTES:
                _sign(model, changed, tensor.payload, tensor.end)
    return bytes(changed)


def _sign(model: ModelFile, changed: bytearray, start: int, end: int) -> None:
    data = model.data
    parts = {field.number: field for field in fields(data, start, end)}
    kind, raw = parts.get(_DATA_TYPE), parts.get(_RAW_DATA)
    if kind is None or kind.wire != VARINT or data[kind.payload : kind.end] != bytes((_UINT8,)):
        return
    if raw is None or set(data[raw.payload : raw.end]) != {_MIDDLE}:
        raise ModelError(
            f"{model.path} is quantised with zero points that TensorRT has not: they must be "
            f"{_MIDDLE}. Export it again: inpaint-export export --precision int8"
        )
    changed[kind.payload] = _INT8
    changed[raw.payload : raw.end] = bytes(raw.end - raw.payload)
