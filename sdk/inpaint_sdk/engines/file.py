"""Engine files: a compiled model behind a header that says what it is and where it runs.

The layout is magic, length of the header (4 bytes, little-endian), header (JSON, UTF-8), SHA-256 of
the header, engine. The header holds the engine's length and SHA-256, so that an engine can be
listed by its first kilobyte and is never handed to a library unless it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO

from inpaint_sdk.engines.profile import Shapes
from inpaint_sdk.errors import BackendError, ModelError
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.version import __version__

MAGIC = b"\x93INPAINT-ENGINE\n"
FORMAT_VERSION = 1
_DIGEST = 32
_LONGEST_HEADER = 1 << 20


@dataclass(frozen=True)
class EngineKey:
    """Everything that an engine depends on: two engines of one key are interchangeable.

    model: the model file's content digest. backend: ``tensorrt`` or ``tensorrt_rtx``. version: the
    library's. system: operating system and processor. targets: compute capabilities like ``sm_87``.
    device: the name of the one GPU that it is for, or "" for any GPU of the targets. precision: the
    model's. plugin: SHA-256 of the DirectionalScan plugin that it calls, or "".
    """

    model: str
    backend: str
    version: str
    system: str
    targets: tuple[str, ...]
    device: str
    precision: str
    shapes: Shapes
    plugin: str

    def digest(self) -> str:
        """A name for the key: 64 hexadecimal digits."""
        text = json.dumps([FORMAT_VERSION, _document(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class EngineInfo:
    """What an engine file says of itself.

    scan: how DirectionalScan runs: ``plugin``, ``log_step`` or, in a model that has none, ``none``.
    size, digest: length in bytes and SHA-256 of the engine proper. made_by: version of this SDK.
    """

    model: ModelInfo
    key: EngineKey
    scan: str
    size: int
    digest: str
    made_by: str

    def describe(self) -> str:
        """One line for people."""
        where = self.key.device or ", ".join(self.key.targets)
        return (
            f"{self.model.name} ({self.key.precision}) for {self.key.backend} {self.key.version} "
            f"on {where}, {self.key.shapes}"
        )


@dataclass(frozen=True)
class EngineFile:
    """An engine that was read whole and found to be in order, or was just built."""

    path: Path
    info: EngineInfo
    data: bytes


def this_system() -> str:
    """What engines are built for besides the GPU, like ``Linux aarch64``."""
    return f"{platform.system()} {platform.machine()}"


def is_engine_file(path: Path) -> bool:
    """Whether a file begins as engine files do, whatever its name."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def make_engine_file(
    path: Path, model: ModelInfo, key: EngineKey, scan: str, data: bytes
) -> EngineFile:
    """Describes an engine that was just built; writes nothing."""
    digest = hashlib.sha256(data).hexdigest()
    return EngineFile(path, EngineInfo(model, key, scan, len(data), digest, __version__), data)


def write_engine_file(engine: EngineFile, path: Path) -> None:
    """Writes an engine file so that it appears whole or not at all.

    Raises:
        OSError: the folder cannot be written or the disk is full; nothing is left behind.
    """
    header = json.dumps(_header(engine.info), ensure_ascii=False).encode()
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(MAGIC + struct.pack("<I", len(header)) + header)
            file.write(hashlib.sha256(header).digest())
            file.write(engine.data)
            file.flush()
            os.fsync(file.fileno())  # a rename may reach the disk before the content does
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def read_engine_info(path: Path) -> EngineInfo:
    """Reads and checks the header alone; raises ``ModelError`` as :func:`read_engine_file` does."""
    try:
        with path.open("rb") as file:
            return _read_header(file, path)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_engine_file(path: Path) -> EngineFile:
    """Reads and checks an engine file.

    Raises:
        ModelError: there is none, it is none of ours, it is damaged, or of a newer format.
    """
    try:
        with path.open("rb") as file:
            info = _read_header(file, path)
            data = file.read()
    except OSError as error:
        raise _unreadable(path, error) from error
    if len(data) != info.size:
        raise ModelError(
            f"{path} is damaged: it holds {len(data)} of the engine's {info.size} bytes. "
            "Compile it again"
        )
    if hashlib.sha256(data).hexdigest() != info.digest:
        raise ModelError(f"{path} is damaged: the engine's SHA-256 is not the one it was written "
                         "with. Compile it again")  # fmt: skip
    return EngineFile(path, info, data)


def _read_header(file: BinaryIO, path: Path) -> EngineInfo:
    damaged = ModelError(f"{path} is cut short or damaged in its header. Compile it again")
    if file.read(len(MAGIC)) != MAGIC:
        raise ModelError(f"{path} is not an engine file of inpaint-sdk")
    prefix = file.read(4)
    if len(prefix) < 4:
        raise damaged
    (length,) = struct.unpack("<I", prefix)
    if length > _LONGEST_HEADER:
        raise damaged
    header, digest = file.read(length), file.read(_DIGEST)
    if len(header) < length or hashlib.sha256(header).digest() != digest:
        raise damaged
    document = json.loads(header)
    if document["format_version"] > FORMAT_VERSION:
        raise ModelError(
            f"{path} is of engine format {document['format_version']}; this inpaint-sdk reads "
            f"formats up to {FORMAT_VERSION}. Compile it again, or upgrade inpaint-sdk"
        )
    # The digest matched, so this SDK wrote it: a field can only be missing by a mistake of ours.
    try:
        return _info(document, path)
    except (KeyError, TypeError, ValueError, BackendError) as error:
        raise ModelError(f"{path}: the engine's header cannot be understood ({error})") from error


def _unreadable(path: Path, error: OSError) -> ModelError:
    if isinstance(error, FileNotFoundError):
        return ModelError(f"there is no engine file {path}")
    return ModelError(f"cannot read the engine file {path}: {error.strerror}")


def _document(key: EngineKey) -> dict[str, Any]:
    return {**asdict(key), "shapes": key.shapes.to_json()}


def _header(info: EngineInfo) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "model": json.loads(info.model.to_json()),
        "key": _document(info.key),
        "scan": info.scan,
        "size": info.size,
        "digest": info.digest,
        "made_by": info.made_by,
    }


def _info(document: Mapping[str, Any], path: Path) -> EngineInfo:
    values = {field.name: document["key"][field.name] for field in fields(EngineKey)}
    key = EngineKey(
        **{
            **values,
            "targets": tuple(values["targets"]),
            "shapes": Shapes.from_json(values["shapes"]),
        }
    )
    return EngineInfo(
        model=ModelInfo.from_json(json.dumps(document["model"]), str(path)),
        key=key,
        scan=document["scan"],
        size=int(document["size"]),
        digest=document["digest"],
        made_by=document["made_by"],
    )
