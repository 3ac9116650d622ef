"""Engine files: a compiled model behind a header that says what it is and where it runs.

The layout is magic, length of the header (4 bytes, little-endian), header (JSON, UTF-8), SHA-256 of
the header, engine. The header holds the engine's length and SHA-256, so that an engine can be
listed by its first kilobyte and is never handed to a library unless it is whole.

The digests find accidents. They are no signatures: whoever can write a file can write digests that
match. An engine is code that the GPU's library runs, so load only engines that you trust.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import reprlib
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from inpaint_sdk.engines.profile import OptimizationProfile
from inpaint_sdk.errors import InpaintError, ModelError
from inpaint_sdk.models import info as model_info
from inpaint_sdk.models.decoding import DecodingError, decode, parse_object
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.version import __version__

MAGIC = b"\x93INPAINT-ENGINE\n"
FORMAT_VERSION = f"3.{model_info.FORMAT_VERSION}"
"""Of the header, which holds a model's description; other formats are refused."""

Scan = Literal["plugin", "log_step", "none"]

_DIGEST = 32
_LONGEST_HEADER = 1 << 20


@dataclass(frozen=True)
class EngineKey:
    """Everything that an engine depends on: two engines of one key are interchangeable.

    model: the model file's content digest. backend: ``tensorrt`` or ``tensorrt_rtx``. version: the
    library's. system: operating system and processor. targets: compute capabilities like ``sm_87``.
    device: the name of the one GPU that it is for, or "" for any GPU of the targets;
    multiprocessors: how many that one has, or 0, since modules of one name differ in it. precision:
    the model's. workspace: the most bytes that a layer was allowed to compute in, or 0 for the
    library's choice. recipe: number of the way of building. plugin: SHA-256 of the DirectionalScan
    plugin that it calls, or "".
    """

    model: str
    backend: str
    version: str
    system: str
    targets: tuple[str, ...]
    device: str
    multiprocessors: int
    precision: str
    profile: OptimizationProfile
    workspace: int
    recipe: int
    plugin: str

    def digest(self) -> str:
        """A name for the key: 64 hexadecimal digits."""
        text = json.dumps([FORMAT_VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class EngineInfo:
    """What an engine file says of itself.

    scan: how DirectionalScan runs: ``plugin``, ``log_step`` or, in a model that has none, ``none``.
    size, digest: length in bytes and SHA-256 of the engine proper. made_by: version of this SDK.
    """

    model: ModelInfo
    key: EngineKey
    scan: Scan
    size: int
    digest: str
    made_by: str

    def describe(self) -> str:
        """One line for people."""
        where = self.key.device or ", ".join(self.key.targets)
        return (
            f"{self.model.name} ({self.key.precision}) for {self.key.backend} {self.key.version} "
            f"on {where}, {self.key.profile}"
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
    except (OSError, ValueError):  # ValueError: no path, as with a null character
        return False


def make_engine_file(
    path: Path, model: ModelInfo, key: EngineKey, scan: Scan, data: bytes
) -> EngineFile:
    """Describes an engine that was just built; writes nothing."""
    digest = hashlib.sha256(data).hexdigest()
    return EngineFile(path, EngineInfo(model, key, scan, len(data), digest, __version__), data)


def write_engine_file(engine: EngineFile, path: Path) -> None:
    """Writes an engine file so that it appears whole or not at all.

    Raises:
        OSError: the folder cannot be written or the disk is full; nothing is left behind.
    """
    document = {"format_version": FORMAT_VERSION, **asdict(engine.info)}
    header = json.dumps(document, ensure_ascii=False).encode()
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
            held = os.fstat(file.fileno()).st_size - file.tell()
            if held != info.size:  # before it is read: a file may say that it has a terabyte
                raise ModelError(
                    f"{path} is damaged: it holds {held} of the engine's {info.size} bytes. "
                    "Compile it again"
                )
            data = file.read()
    except OSError as error:
        raise _unreadable(path, error) from error
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
    return _parse_header(header, path)


def _parse_header(header: bytes, path: Path) -> EngineInfo:
    """The header may hold anything: its digest only says that nothing changed it by accident."""
    try:
        document = parse_object(header.decode())
        version = document.get("format_version")
        info = decode(EngineInfo, document) if version == FORMAT_VERSION else None
    except (DecodingError, UnicodeDecodeError, InpaintError) as error:
        raise ModelError(
            f"{path}: the engine's header cannot be understood ({error}). Compile it again"
        ) from error
    if info is None:
        raise ModelError(
            f"{path} is of engine format {reprlib.repr(version)}; this inpaint-sdk reads format "
            f"{FORMAT_VERSION}. Compile it again, or upgrade inpaint-sdk"
        )
    return info


def _unreadable(path: Path, error: Exception) -> ModelError:
    if isinstance(error, FileNotFoundError):
        return ModelError(f"there is no engine file {path}")
    return ModelError(f"cannot read the engine file {path}: {error}")
