"""The TensorRT plugin without a GPU.

Its logic is tested by a C++ program, against TensorRT's headers and a stand-in for the kernels. Its
loading is tested with TensorRT-RTX, whose registry takes the library and whose ONNX parser finds
the plugin and creates it; adding it to a network is where that library stops, as it has no plugins
of this kind in its engines. So creation is what is observed, through what the parser reports.

``INPAINT_TENSORRT_INCLUDE`` names the folder of TensorRT's C++ headers, where they are not on the
compiler's path; ``CUDA_HOME`` that of CUDA. TensorRT-RTX is the package tensorrt-rtx-cu13.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
CPP = Path(__file__).parent / "cpp"
CUDA = ROOT / "kernels" / "cuda"
PLUGIN = ROOT / "kernels" / "tensorrt"
NAME, VERSION, NAMESPACE = "DirectionalScan", "1", "inpaint_sdk"


def folder_of(header: str, *candidates: str | None) -> Path | None:
    """The first candidate, or folder below one, that holds the header."""
    for candidate in candidates:
        for below in (
            "",
            "include",
            "tensorrt",
            "include/tensorrt",
            "targets/x86_64-linux/include",
        ):
            if candidate and (Path(candidate) / below / header).is_file():
                return Path(candidate) / below
    return None


TENSORRT_HEADERS = folder_of(
    "NvInferRuntime.h",
    os.environ.get("INPAINT_TENSORRT_INCLUDE"),
    "/usr/include/x86_64-linux-gnu",
    "/usr/include/aarch64-linux-gnu",
    "/usr/include",
    "/usr/local/tensorrt",
)
CUDA_HEADERS = folder_of(
    "cuda_runtime_api.h", os.environ.get("CUDA_HOME"), "/usr/local/cuda", "/usr/include"
)
compiler = shutil.which("g++") or shutil.which("clang++")
nvcc = shutil.which("nvcc")

needs_headers = pytest.mark.skipif(
    TENSORRT_HEADERS is None or CUDA_HEADERS is None or compiler is None,
    reason="needs TensorRT's headers (INPAINT_TENSORRT_INCLUDE), CUDA's and a C++ compiler",
)
needs_nvcc = pytest.mark.skipif(nvcc is None, reason="nvcc is not on the PATH")


def includes() -> list[str]:
    return ["-isystem", str(TENSORRT_HEADERS), "-isystem", str(CUDA_HEADERS)]


PLUGIN_SOURCES = ["directional_scan_plugin.cpp", "directional_scan_creator.cpp"]


@needs_headers
def test_logic(tmp_path: Path) -> None:
    program = tmp_path / "plugin_logic"
    sources = [str(PLUGIN / name) for name in PLUGIN_SOURCES]
    subprocess.run(
        [
            str(compiler),
            "-std=c++17",
            "-O0",
            "-Wall",
            "-Wextra",
            *includes(),
            str(CPP / "plugin_logic.cpp"),
            *sources,
            "-o",
            str(program),
        ],
        check=True,
    )
    result = subprocess.run([str(program)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin built for one architecture; INPAINT_TENSORRT_PLUGIN names one built already."""
    built = os.environ.get("INPAINT_TENSORRT_PLUGIN")
    if built:
        return Path(built)
    folder = tmp_path_factory.mktemp("plugin")
    objects = []
    for name in ["scan_fp32.cu", "scan_fp16.cu", "scan_bf16.cu", "inpaint_scan_cuda.cpp"]:
        objects.append(folder / (name + ".o"))
        subprocess.run(
            [
                str(nvcc),
                "-std=c++17",
                "-arch=sm_87",
                "-Xcompiler",
                "-fPIC,-fvisibility=hidden",
                "-c",
                str(CUDA / name),
                "-o",
                str(objects[-1]),
            ],
            check=True,
        )
    target = folder / "libinpaint_tensorrt_plugin.so"
    subprocess.run(
        [
            str(nvcc),
            "-std=c++17",
            "-arch=sm_87",
            "-shared",
            "-Xcompiler",
            "-fPIC,-fvisibility=hidden",
            *includes(),
            *[str(PLUGIN / n) for n in PLUGIN_SOURCES],
            *map(str, objects),
            "-o",
            str(target),
        ],
        check=True,
    )
    return target


@needs_nvcc
@needs_headers
def test_exports(library: Path) -> None:
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", "-C", str(library)],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.split(maxsplit=2)[2] for line in listing.stdout.splitlines()}
    assert {"getCreators", "setLoggerFinder"} <= names
    assert not {name for name in names if "inpaint::" in name}


def scan_model(with_function: bool) -> bytes:
    """One DirectionalScan node with dynamic N, H and W; with a model-local function if asked."""
    helper = pytest.importorskip("onnx.helper")
    onnx = importlib.import_module("onnx")
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["n", 5, "h", "w"])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 20, "h", "w"])
    weights = [
        onnx.numpy_helper.from_array(np.full((4, 5), value, np.float32), name)
        for name, value in (("weight", 0.5), ("bias", 0.1))
    ]
    node = helper.make_node(NAME, ["x", "weight", "bias"], ["y"], domain=NAMESPACE)
    graph = helper.make_graph([node], "scan", [x], [y], weights)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(NAMESPACE, 1)]
    functions = []
    if with_function:
        # Not the scan: what matters is which of the two the parser takes.
        body = [helper.make_node("Concat", ["X", "X", "X", "X"], ["Y"], axis=1)]
        functions.append(
            helper.make_function(NAMESPACE, NAME, ["X", "W", "B"], ["Y"], body, opsets[:1])
        )
    model = helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=10)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def tensorrt() -> Any:
    """TensorRT-RTX, by its own name or, where only the wheels it pulls in are there, by theirs."""
    for name in ("tensorrt_rtx", "tensorrt_rtx_bindings"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    pytest.skip("TensorRT-RTX is not installed (package tensorrt-rtx-cu13)")


def log_to(tensorrt: Any, messages: list[str]) -> Any:
    class Logger(tensorrt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            tensorrt.ILogger.__init__(self)

        def log(self, severity: Any, message: str) -> None:
            messages.append(message)

    return Logger()


@needs_nvcc
@needs_headers
@pytest.mark.skipif(sys.platform != "linux", reason="the library is built for Linux here")
def test_registry_and_parser(library: Path, tensorrt: Any) -> None:
    messages: list[str] = []
    logger = log_to(tensorrt, messages)
    builder = tensorrt.Builder(logger)
    registry = builder.get_plugin_registry()

    def parse(with_function: bool) -> tuple[bool, str]:
        messages.clear()
        network = builder.create_network(0)
        parser = tensorrt.OnnxParser(network, logger)
        good = parser.parse(scan_model(with_function))
        errors = [parser.get_error(i).desc() for i in range(parser.num_errors)]
        return good, "\n".join([*messages, *errors])

    good, text = parse(with_function=False)
    assert not good, "without the plugin the node is unknown"

    handle = registry.load_library(str(library))
    assert handle is not None
    try:
        found = {
            (creator.name, creator.plugin_version, creator.plugin_namespace)
            for creator in registry.all_creators
        }
        assert {(NAME, VERSION, NAMESPACE), (NAME, VERSION, "")} <= found
        for namespace in (NAMESPACE, ""):
            creator = registry.get_creator(NAME, VERSION, namespace)
            fields = tensorrt.PluginFieldCollection([])
            plugin = creator.create_plugin("scan", fields, tensorrt.TensorRTPhase.BUILD)
            assert plugin is not None
            core = plugin.get_capability_interface(tensorrt.PluginCapabilityType.CORE)
            assert (core.plugin_name, core.plugin_version) == (NAME, VERSION)
            assert core.plugin_namespace == namespace

        good, text = parse(with_function=False)
        assert "Successfully created plugin: DirectionalScan" in text, text

        # A model-local function of the same name gives way to the plugin.
        good, text = parse(with_function=True)
        assert "Successfully created plugin: DirectionalScan" in text, text
    finally:
        registry.deregister_library(handle)
