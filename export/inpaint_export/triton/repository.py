"""Writes a model repository for Triton: two models for each of ours.

``NAME`` takes a picture file's bytes and runs the whole SDK, in Triton's Python backend.
``NAME-network`` is the network alone, on tensors, in its ONNX Runtime backend.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx

from inpaint_export.errors import ExportError
from inpaint_sdk import get_library_path
from inpaint_sdk.files import write_whole
from inpaint_sdk.models.file import ModelFile, has_functions
from inpaint_sdk.models.info import Precision
from inpaint_sdk.models.zoo import is_bundled, open_model
from inpaint_sdk.policies.auto import NAME as AUTO

SERVED = Path(__file__).with_name("served.py")
LIBRARY = "libinpaint_ort.so"


@dataclass(frozen=True)
class Serving:
    """How models are served.

    precision: of the networks. instances: of each model, on each GPU, or else on the CPU.
    max_batch: requests of one size that a network may be given together. max_delay_us: how long the
    first of them waits for others, in microseconds. served_from: where the server sees the
    repository; None for where it is written.
    """

    precision: Precision = "fp32"
    instances: int = 1
    max_batch: int = 8
    max_delay_us: int = 2000
    served_from: str | None = None


def write_repository(models: tuple[str, ...], output: Path, serving: Serving) -> Iterator[str]:
    """Writes models by name or path, or ``auto``, into a repository; yields what was written.

    Models of these names that are there are replaced, others stay.

    Raises:
        ModelError: there is no such model, or its file is refused.
        BackendError: a network uses our operator, whose library is not in this installation.
        ExportError: two models have one name, or a model finds damage and restores nothing.
        OutputError: a file cannot be written.
    """
    served = [_open(source, serving.precision) for source in dict.fromkeys(models)]
    names = [each.name for each in served]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ExportError(f"two models are named {min(twice)}; a repository has one")
    for each in served:
        folder = output / each.name
        _write_pictures(folder, each, serving)
        yield f"{folder}: a picture's bytes in, a picture's bytes out"
        if each.file is not None:
            folder = output / f"{each.name}-network"
            _write_network(folder, each.file, serving)
            yield f"{folder}: the network alone, {each.file.info.precision}"


@dataclass(frozen=True)
class _Served:
    """A model; file: None for ``auto``. bundled: whether the server's SDK has it."""

    name: str
    file: ModelFile | None
    bundled: bool


def _open(source: str, precision: Precision) -> _Served:
    if source == AUTO:
        return _Served(AUTO, None, bundled=True)
    bundled = is_bundled(source)
    file = open_model(source, precision if bundled else None)
    if not file.info.restores:
        raise ExportError(f"{source} restores nothing; auto finds damage and restores it")
    return _Served(file.info.name, file, bundled)


def _write_pictures(folder: Path, served: _Served, serving: Serving) -> None:
    version, model = _version_folder(folder), served.name
    write_whole(SERVED.read_bytes(), version / "model.py")
    if served.file is not None and not served.bundled:
        model = f"{served.name}.onnx"
        write_whole(served.file.data, version / model)
    write_whole(_pictures_config(served.name, model, serving).encode(), folder / "config.pbtxt")


def _write_network(folder: Path, file: ModelFile, serving: Serving) -> None:
    write_whole(file.data, _version_folder(folder) / "model.onnx")
    library = None
    if has_functions(file.data):
        write_whole(get_library_path().read_bytes(), folder / LIBRARY)
        seen = Path(serving.served_from or folder.parent.absolute())
        library = str(seen / folder.name / LIBRARY)
    write_whole(
        _network_config(folder.name, file, library, serving).encode(), folder / "config.pbtxt"
    )


def _pictures_config(name: str, model: str, serving: Serving) -> str:
    inputs = [
        _tensor("PICTURE", "TYPE_STRING", [1]),
        _tensor("MASK", "TYPE_STRING", [1], optional=True),
        _tensor("OPTIONS", "TYPE_STRING", [1], optional=True),
    ]
    outputs = [_tensor("RESTORED", "TYPE_STRING", [1]), _tensor("PLAN", "TYPE_STRING", [1])]
    told = f'parameters {{ key: "model" value: {{ string_value: {_text(model)} }} }}'
    return (
        f'name: {_text(name)}\nbackend: "python"\nmax_batch_size: 0\n'
        f"{_list('input', inputs)}{_list('output', outputs)}{_instances(serving)}{told}\n"
    )


def _network_config(name: str, file: ModelFile, library: str | None, serving: Serving) -> str:
    graph = onnx.load_model_from_string(file.data).graph
    inputs, outputs = (
        [_tensor(value.name, "TYPE_FP32", _dimensions(value)) for value in values]
        for values in (graph.input, graph.output)
    )
    operations = (
        "" if library is None else f"model_operations {{ op_library_filename: {_text(library)} }}\n"
    )
    return (
        f'name: {_text(name)}\nbackend: "onnxruntime"\nmax_batch_size: {serving.max_batch}\n'
        f"{_list('input', inputs)}{_list('output', outputs)}{_instances(serving)}"
        f"dynamic_batching {{ max_queue_delay_microseconds: {serving.max_delay_us} }}\n{operations}"
    )


def _dimensions(value: onnx.ValueInfoProto) -> list[int]:
    """Those behind the batch's, -1 for any."""
    sizes = value.type.tensor_type.shape.dim[1:]
    return [size.dim_value if size.HasField("dim_value") else -1 for size in sizes]


def _tensor(name: str, kind: str, dimensions: list[int], *, optional: bool = False) -> str:
    tail = " optional: true" if optional else ""
    return f"{{ name: {_text(name)} data_type: {kind} dims: {dimensions}{tail} }}"


def _list(name: str, items: list[str]) -> str:
    return f"{name} [\n  " + ",\n  ".join(items) + "\n]\n"


def _instances(serving: Serving) -> str:
    return f"instance_group [ {{ kind: KIND_AUTO count: {serving.instances} }} ]\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # as protocol buffers' text has it


def _version_folder(folder: Path) -> Path:
    version = folder / "1"
    version.mkdir(parents=True, exist_ok=True)
    return version
