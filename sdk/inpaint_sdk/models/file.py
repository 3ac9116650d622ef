"""Reading model files, and refusing those that are not ours, not whole or too new.

An ONNX file is one protocol-buffers message. Only its top level is walked here, so that a file is
checked and described without loading it into a runtime or importing ``onnx``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from inpaint_sdk.errors import ModelError
from inpaint_sdk.models.graph import check_graph
from inpaint_sdk.models.info import METADATA_KEY, ModelInfo
from inpaint_sdk.models.protobuf import BYTES, VARINT, MalformedError, fields, to_varint

# Field numbers in onnx.proto.
_IR_VERSION, _GRAPH, _METADATA_PROPS, _FUNCTIONS = 1, 7, 14, 25
_KEY, _VALUE = 1, 2

MAX_BYTES = 2 << 30
"""Of a model file: no protocol-buffers message may be larger."""


@dataclass(frozen=True)
class ModelFile:
    """A model file that was read whole and found to be in order."""

    path: Path
    info: ModelInfo
    data: bytes


def read_model_file(path: Path) -> ModelFile:
    """Reads and checks a model file.

    Raises:
        ModelError: there is none, it is not a model file of this SDK, it is damaged, it is of a
            newer format version, or its graph holds what :func:`check_graph` refuses.
    """
    data = _read(path)
    info = _describe(data, path)
    found = content_digest(data)
    if found != info.digest:
        raise ModelError(
            f"{path} is damaged: its content's SHA-256 is {found[:12]}…, its description says "
            f"{info.digest[:12]}…. Get the file again"
        )
    check_graph(data, str(path))
    return ModelFile(path, info, data)


def read_description(path: Path) -> ModelInfo:
    """What a model file says of itself, without a check that its content is whole.

    Raises:
        ModelError: as :func:`read_model_file`.
    """
    return _describe(_read(path), path)


def content_digest(data: bytes) -> str:
    """SHA-256, in hexadecimal, of everything in an ONNX file but its ``metadata_props``."""
    digest = hashlib.sha256()
    view = memoryview(data)
    for field in fields(data, 0, len(data)):
        if field.number != _METADATA_PROPS:
            digest.update(view[field.start : field.end])
    return digest.hexdigest()


def has_functions(data: bytes) -> bool:
    """Whether an ONNX file carries model-local functions."""
    return any(field.number == _FUNCTIONS for field in fields(data, 0, len(data)))


def replace_functions(data: bytes, functions: Iterable[bytes]) -> bytes:
    """An ONNX file's bytes with these serialised ``FunctionProto`` in place of what it carries."""
    parts = [
        data[field.start : field.end]
        for field in fields(data, 0, len(data))
        if field.number != _FUNCTIONS
    ]
    tag = to_varint(_FUNCTIONS << 3 | BYTES)
    for function in functions:
        parts += [tag, to_varint(len(function)), function]
    return b"".join(parts)


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelError(f"{path} has {size} bytes; a model file has at most {MAX_BYTES}")
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"there is no model file {path}") from None
    except (OSError, ValueError) as error:  # ValueError: no path, as with a null character
        raise ModelError(f"cannot read the model file {path}: {error}") from error


def _describe(data: bytes, path: Path) -> ModelInfo:
    try:
        # Wire types are checked so that text or a picture is not taken for a damaged model.
        top = [(field.number, field.wire) for field in fields(data, 0, len(data))]
        document = _metadata(data)
    except MalformedError as error:
        reason = "cut short or damaged" if _looks_like_onnx(data) else "not an ONNX file"
        raise ModelError(f"{path} is {reason} ({error})") from error
    if (_IR_VERSION, VARINT) not in top or (_GRAPH, BYTES) not in top:
        raise ModelError(f"{path} is not an ONNX file")
    if document is None:
        raise ModelError(
            f"{path} is an ONNX file, but not a model of inpaint-sdk: it has no "
            f"{METADATA_KEY!r} metadata. Models are written by inpaint-export"
        )
    return ModelInfo.from_json(document, str(path))


def _metadata(data: bytes) -> str | None:
    """The value of our key among the file's metadata, or None."""
    for prop in fields(data, 0, len(data)):
        if prop.number != _METADATA_PROPS or prop.wire != BYTES:
            continue
        entry = {f.number: data[f.payload : f.end] for f in fields(data, prop.payload, prop.end)}
        if entry.get(_KEY) == METADATA_KEY.encode():
            try:
                return entry.get(_VALUE, b"").decode()
            except UnicodeDecodeError as error:
                raise MalformedError("its description is not text") from error
    return None


def _looks_like_onnx(data: bytes) -> bool:
    """Whether the file begins as ONNX files do: with its IR version, a small number."""
    return len(data) >= 2 and data[0] == _IR_VERSION << 3 and 3 <= data[1] <= 64
