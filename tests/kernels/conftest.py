"""What every fast version of the scan is held to."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_kernels import naive, native

Array = NDArray[np.generic]
SHARED = Path(__file__).parents[2].parent / "shared"

# A scan may round after each operation or fuse them, so fp32 differs in its last digits. 16-bit
# results are rounded once, so they differ by one unit in the last place at most.
TOLERANCES = {"float64": 1e-12, "float32": 2e-5, "float16": 2e-3, "bfloat16": 1.6e-2}


@pytest.fixture(scope="session")
def golden() -> dict[str, Array]:
    """x, weight, bias and the four maps, from the original network's own kernel."""
    path = SHARED / "golden" / "directional_scan.npz"
    if not path.is_file():
        pytest.skip("the golden values are not beside this checkout (../shared/golden)")
    with np.load(path) as arrays:
        return dict(arrays)


COMPILED = frozenset({"cuda_build", "contracted_cuda", "emulated_cuda", "emulated_scan"})
"""Fixtures that compile for a minute; what needs one is slow."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if COMPILED & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@dataclass(frozen=True)
class Case:
    """Inputs of a scan. shape: [N, C, H, W]. weight: the range that weights are drawn from."""

    shape: tuple[int, int, int, int]
    weight: tuple[float, float] = (-1.0, 1.0)

    def __str__(self) -> str:
        n, c, h, w = self.shape
        low, high = self.weight
        return f"N{n}-C{c}-H{h}-W{w}-w{low:g}to{high:g}"

    def inputs(self, dtype: str = "float32") -> tuple[Array, Array, Array]:
        """x, weight and bias of `dtype`."""
        import ml_dtypes  # noqa: F401  (registers bfloat16 with numpy)

        rng = np.random.default_rng(sum(self.shape))
        x = rng.standard_normal(self.shape)
        weight = rng.uniform(*self.weight, (4, self.shape[1]))
        bias = rng.normal(0, 0.2, (4, self.shape[1]))
        kind = np.dtype(dtype)
        return x.astype(kind), weight.astype(kind), bias.astype(kind)


# Odd sizes in either axis, counts that divide nothing, weights of both signs and above 1.
CASES = [
    Case((1, 1, 1, 1)),
    Case((1, 3, 2, 63)),
    Case((2, 1, 63, 2)),
    Case((3, 5, 17, 16)),
    Case((1, 2, 129, 33)),
    Case((1, 2, 33, 129)),
    Case((1, 1, 1, 1025)),
    Case((1, 1, 1025, 1)),
    Case((1, 1, 1025, 63), weight=(-1.0, 0.9)),
    Case((1, 1, 63, 1025), weight=(-1.0, 0.9)),
    Case((2, 3, 31, 47), weight=(-3.0, -1.0)),
    Case((2, 3, 31, 47), weight=(1.0, 1.5)),
]


@pytest.fixture(scope="session", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture(scope="session", params=native.instruction_sets())
def isa(request: pytest.FixtureRequest) -> str:
    return request.param


def assert_close(found: Array, expected: Array, dtype: str, scale: float = 1.0) -> None:
    """Equal within the table's tolerance for `dtype`, relative or absolute, NaN like NaN."""
    tolerance = TOLERANCES[dtype] * scale
    np.testing.assert_allclose(
        found.astype(np.float64), expected.astype(np.float64), rtol=tolerance, atol=tolerance
    )


@pytest.fixture(scope="session")
def close() -> Callable[..., None]:
    return assert_close


@pytest.fixture(scope="session")
def non_finite() -> tuple[Array, Array, Array, Array]:
    """x with NaN and infinities in it, weight, bias, and what the definition makes of them."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal((2, 6, 37, 41)).astype(np.float32)
    for value in (np.nan, np.inf, -np.inf):
        x.flat[rng.integers(0, x.size, 12)] = value
    weight = rng.uniform(-1.5, 1.5, (4, 6)).astype(np.float32)
    weight[:, 0] = 0.0  # 0 * inf is NaN
    weight[1, 1] = np.inf
    weight[2, 2] = np.nan
    bias = rng.standard_normal((4, 6)).astype(np.float32)
    bias[3, 3] = -np.inf
    with np.errstate(invalid="ignore", over="ignore"):
        return x, weight, bias, naive.directional_scan(x, weight, bias)


@pytest.fixture(scope="session")
def scan_model() -> Callable[..., bytes]:
    """A function that builds a model of one DirectionalScan node.

    image, parameters: dtypes; a pair of parameters' dtypes is weight's and bias's. body: arguments
    of `onnx_body.attach`, None for no function. shape: X's shape, names for sizes that are not
    fixed; None where the model says nothing about any shape.
    """
    onnx = pytest.importorskip("onnx")
    from inpaint_kernels import onnx_body

    def build(
        image: str = "float32",
        parameters: str | tuple[str, str] | None = None,
        body: dict[str, object] | None = None,
        shape: tuple[int | str, ...] | None = ("n", "c", "h", "w"),
    ) -> bytes:
        helper = onnx.helper
        weight, bias = parameters if isinstance(parameters, tuple) else [parameters or image] * 2
        sizes: dict[str, Sequence[int | str] | None] = dict.fromkeys(("x", "weight", "bias", "y"))
        if shape is not None:
            channels = shape[1] if len(shape) > 1 else "c"
            sizes = {"x": shape, "weight": (4, channels), "bias": (4, channels)}
            sizes["y"] = ("n", "c4", "h", "w")

        def value(name: str, dtype: str) -> object:
            kind = {"float32": "FLOAT"}.get(dtype, dtype.upper())
            return helper.make_tensor_value_info(name, getattr(onnx.TensorProto, kind), sizes[name])

        graph = helper.make_graph(
            [
                helper.make_node(
                    "DirectionalScan", ["x", "weight", "bias"], ["y"], domain="inpaint_sdk"
                )
            ],
            "scan",
            [value("x", image), value("weight", weight), value("bias", bias)],
            [value("y", image)],
        )
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("inpaint_sdk", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        if body is not None:
            onnx_body.attach(model, **body)
            onnx.checker.check_model(model)
        return bytes(model.SerializeToString())

    return build


CPP = Path(__file__).parent / "cpp"
ROOT = Path(__file__).parents[2]
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"]


@pytest.fixture(scope="session")
def compile_cpp() -> Callable[..., None]:
    """A function (sources, target, *flags) that compiles C++, files side by side, and links it."""
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        pytest.skip("no C++ compiler on the PATH")

    def build(sources: list[Path], target: Path, *flags: str) -> None:
        def compiled(source: Path) -> Path:
            if source.suffix == ".o":
                return source
            into = target.parent / f"{target.stem}_{source.stem}.o"
            command = [compiler, "-std=c++17", *WARNINGS, *flags, "-x", "c++", "-c", source]
            subprocess.run([*command, "-o", into], check=True)
            return into

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(compiled, sources))
        shared = ["-shared", "-Wl,-z,defs"] if target.suffix == ".so" else []
        subprocess.run([compiler, *shared, *objects, "-o", target], check=True)

    return build


@pytest.fixture(scope="session")
def emulation_flags() -> list[str]:
    """What compiles CUDA sources as C++, against the emulation of CUDA."""
    return [
        "-O1",
        "-fPIC",
        "-fno-strict-aliasing",  # the emulation reads 16-byte vectors where floats were written
        "-I",
        str(CPP / "cuda_emulation"),
        "-include",
        "cuda_runtime.h",
    ]


KERNELS = [
    ROOT / "kernels" / "cuda" / name
    for name in ("scan_fp32.cu", "scan_fp16.cu", "scan_bf16.cu", "inpaint_scan_cuda.cpp")
]


@pytest.fixture(scope="session")
def emulated_cuda(
    tmp_path_factory: pytest.TempPathFactory,
    emulation_flags: list[str],
    compile_cpp: Callable[..., None],
) -> Path:
    """libinpaint_scan_cuda.so with kernels that run on the CPU, for which its memory is a GPU's."""
    target = tmp_path_factory.mktemp("emulated") / "libinpaint_scan_cuda.so"
    compile_cpp(KERNELS, target, *emulation_flags)
    return target


@pytest.fixture(scope="session")
def contracted_cuda(
    tmp_path_factory: pytest.TempPathFactory,
    emulation_flags: list[str],
    compile_cpp: Callable[..., None],
) -> Path:
    """The same with products and sums contracted, as nvcc contracts them for a GPU."""
    if platform.machine() == "x86_64" and "fma" not in Path("/proc/cpuinfo").read_text().split():
        pytest.skip("this processor has no fused multiply-add")
    target = tmp_path_factory.mktemp("contracted") / "libinpaint_scan_cuda.so"
    # GCC contracts among its expensive optimisations alone.
    flags = ["-ffp-contract=fast", "-fexpensive-optimizations"]
    if platform.machine() == "x86_64":
        flags.append("-mfma")
    compile_cpp(KERNELS, target, *emulation_flags, *flags)
    return target


@pytest.fixture(scope="session")
def tensorrt_headers() -> Path | None:
    """The folder of TensorRT's C++ headers: the user's, those in a test's package, the system's."""
    candidates = [os.environ.get("INPAINT_TENSORRT_INCLUDE")]
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        # A package that carries TensorRT 10.14's headers; NVIDIA's own wheels have none.
        candidates += [
            str(file.locate().parent)
            for file in importlib.metadata.files("kernel-lens") or []
            if file.name == "NvInferRuntime.h"
        ]
    candidates += ["/usr/include/x86_64-linux-gnu", "/usr/include/aarch64-linux-gnu"]
    candidates += ["/usr/include", "/usr/local/tensorrt"]
    for candidate in filter(None, candidates):
        for below in ("", "include", "tensorrt", "include/tensorrt"):
            if (Path(candidate) / below / "NvInferRuntime.h").is_file():
                return Path(candidate) / below
    return None


@dataclass(frozen=True)
class CudaBuild:
    folder: Path
    log: str  # of the configuration and the build, with ptxas' report on each kernel
    has_plugin: bool


@pytest.fixture(scope="session")
def cuda_build(
    tmp_path_factory: pytest.TempPathFactory, tensorrt_headers: Path | None
) -> CudaBuild:
    """Everything that needs nvcc, built by CMake for Jetson Orin (sm_87) and Hopper (sm_90)."""
    cmake = shutil.which("cmake")
    if shutil.which("nvcc") is None or cmake is None:
        pytest.skip("needs nvcc and CMake on the PATH")
    folder = tmp_path_factory.mktemp("cuda_build")
    options = {
        "CMAKE_CUDA_FLAGS": "-Xptxas -v -Werror all-warnings",
        "INPAINT_CUDA": "ON",
        "INPAINT_CUDA_ARCHITECTURES": "87-real;90-real",
        "INPAINT_CUDA_PROGRAMS": "ON",
    }
    if tensorrt_headers is not None:
        options["INPAINT_TENSORRT_INCLUDE"] = str(tensorrt_headers)
    log = ""
    for command in (
        [
            cmake,
            "-S",
            ROOT,
            "-B",
            folder,
            *(f"-D{name}={value}" for name, value in options.items()),
        ],
        [cmake, "--build", folder, "--parallel", "2", "--verbose"],
    ):
        result = subprocess.run(command, capture_output=True, text=True)
        log += result.stdout + result.stderr
        assert result.returncode == 0, log[-6000:]
    return CudaBuild(folder, log, tensorrt_headers is not None)
