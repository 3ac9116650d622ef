"""The TensorRT plugin without a GPU.

Its logic is tested by a C++ program, against TensorRT's headers and a stand-in for the kernels. Its
loading is tested with TensorRT-RTX, whose registry takes the library and whose ONNX parser finds
the plugin and creates it. There that library stops: it has no plugins of this kind in its networks,
and ends the process. So creation is what is observed, in what a process of its own reports.
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

CPP = Path(__file__).parent / "cpp"
PLUGIN = Path(__file__).parents[2] / "kernels" / "tensorrt"
NAME, VERSION, NAMESPACE = "DirectionalScan", "1", "inpaint_sdk"


def test_logic(tmp_path: Path, tensorrt_headers: Path | None) -> None:
    compiler = shutil.which("g++") or shutil.which("clang++")
    folders = (os.environ.get("CUDA_HOME", ""), "/usr/local/cuda", "/usr")
    includes = [Path(folder) / "include" for folder in folders if folder]
    nvcc = shutil.which("nvcc")
    if nvcc is not None:
        includes.insert(0, Path(nvcc).resolve().parents[1] / "include")
    cuda = next((i for i in includes if (i / "cuda_runtime_api.h").is_file()), None)
    if compiler is None or tensorrt_headers is None or cuda is None:
        pytest.skip("needs TensorRT's headers, CUDA's and a C++ compiler")
    program = tmp_path / "plugin_logic"
    sources = ["directional_scan_plugin.cpp", "directional_scan_creator.cpp"]
    subprocess.run(
        [
            *(compiler, "-std=c++17", "-O0", "-Wall", "-Wextra", "-Werror"),
            *("-isystem", tensorrt_headers, "-isystem", cuda),
            CPP / "plugin_logic.cpp",
            *(PLUGIN / name for name in sources),
            *("-o", program),
        ],
        check=True,
    )
    result = subprocess.run([program], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture(scope="module")
def library(cuda_build: Any) -> Path:
    if not cuda_build.has_plugin:
        pytest.skip("needs TensorRT's headers (INPAINT_TENSORRT_INCLUDE)")
    built: Path = cuda_build.folder / "kernels" / "tensorrt" / "libinpaint_tensorrt_plugin.so"
    return built


def test_exports(library: Path) -> None:
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", "-C", str(library)],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.split(maxsplit=2)[2] for line in listing.stdout.splitlines()}
    assert names == {"getCreators", "setLoggerFinder"}


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


def test_registry(library: Path, tensorrt: Any) -> None:
    registry = tensorrt.Builder(tensorrt.Logger(tensorrt.Logger.ERROR)).get_plugin_registry()
    handle = registry.load_library(str(library))
    assert handle is not None
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
    del creator, plugin, core
    registry.deregister_library(handle)


PARSE = """
import importlib, pathlib, sys

name, library, model, override = sys.argv[1:]
trt = importlib.import_module(name)

class Logger(trt.ILogger):
    def __init__(self):
        trt.ILogger.__init__(self)

    def log(self, severity, message):
        print(message, flush=True)

logger = Logger()
builder = trt.Builder(logger)
if library:
    builder.get_plugin_registry().load_library(library)
network = builder.create_network(0)
parser = trt.OnnxParser(network, logger)
if override:
    parser.set_flag(trt.OnnxParserFlag.ENABLE_PLUGIN_OVERRIDE)
print("parsed:", parser.parse(pathlib.Path(model).read_bytes()), flush=True)
"""

CREATED = f"Successfully created plugin: {NAME}"


@pytest.mark.parametrize(
    ("with_library", "with_function", "override", "expected"),
    [
        (False, False, False, "parsed: False"),
        (True, False, False, CREATED),
        (True, True, True, CREATED),
        (True, True, False, "parsed: True"),
    ],
    ids=["no-plugin", "plugin", "plugin-over-function", "function-without-override"],
)
def test_parser(
    with_library: bool,
    with_function: bool,
    override: bool,
    expected: str,
    library: Path,
    tensorrt: Any,
    tmp_path: Path,
) -> None:
    model = tmp_path / "scan.onnx"
    model.write_bytes(scan_model(with_function))
    arguments = [tensorrt.__name__, str(library) if with_library else "", str(model)]
    result = subprocess.run(
        [sys.executable, "-c", PARSE, *arguments, "yes" if override else ""],
        capture_output=True,
        text=True,
    )
    assert expected in result.stdout, result.stdout + result.stderr
    assert (CREATED in result.stdout) == (expected == CREATED), result.stdout
