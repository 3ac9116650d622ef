"""The custom-op library's CUDA operator.

Without a GPU its code runs on the CPU execution provider, against the emulation of the kernels; and
a library built with it serves CPU sessions on a machine without CUDA.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime")

from inpaint_kernels import naive  # noqa: E402

ORT = Path(__file__).parents[2] / "kernels" / "ort"
CPP = Path(__file__).parent / "cpp"


def make_session(model, library, providers=("CPUExecutionProvider",)):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors that a test provokes need not be printed
    options.register_custom_ops_library(str(library))
    return onnxruntime.InferenceSession(model, options, providers=list(providers))


def run(session, x, weight, bias):
    return session.run(None, {"x": x, "weight": weight, "bias": bias})[0]


def inputs(image, parameters, shape=(2, 3, 17, 40)):
    rng = np.random.default_rng(0)
    x = rng.standard_normal(shape).astype(image)
    weight = rng.uniform(-1, 1, (4, shape[1])).astype(parameters)
    return x, weight, rng.normal(0, 0.2, (4, shape[1])).astype(parameters)


@pytest.fixture(scope="module")
def emulated(emulated_cuda, compile_cpp) -> Path:
    """The library, whose only operators are those for CUDA."""
    target = emulated_cuda.parent / "libinpaint_ort_emulated.so"
    sources = [ORT / name for name in ("cuda_scan.cpp", "directional_scan.cpp", "self_test.cpp")]
    objects = sorted(emulated_cuda.parent.glob("libinpaint_scan_cuda_*.o"))
    flags = ("-O1", "-fPIC")
    compile_cpp([CPP / "ort_cuda_emulated.cpp", *sources, *objects], target, *flags)
    return target


@pytest.mark.parametrize(
    ("image", "parameters"),
    [("float32", "float32"), ("float16", "float16"), ("float16", "float32")],
)
def test_equals_the_definition(image, parameters, emulated, scan_model, close):
    """Also that the function at the stream's place in the runtime's table is the right one: it
    succeeds, and says that the CPU has no stream."""
    tensors = inputs(image, parameters)
    found = run(make_session(scan_model(image, parameters), emulated), *tensors)
    assert found.dtype == np.dtype(image)
    close(found, naive.directional_scan(*tensors), image)


@pytest.mark.parametrize(
    ("weight", "bias", "message"),
    [
        ((4, 2), (4, 3), r"weight: has shape \[4, 2\], needs \[4, 3\]"),
        ((4, 3), (4, 1), r"bias: has shape \[4, 1\], needs \[4, 3\]"),
    ],
)
def test_bad_input_is_a_status(weight, bias, message, emulated, scan_model):
    session = make_session(scan_model(), emulated)
    x = np.zeros((1, 3, 4, 5), np.float32)
    with pytest.raises(Exception, match=message):
        run(session, x, np.zeros(weight, np.float32), np.zeros(bias, np.float32))


def test_wrong_rank_is_a_status(emulated, scan_model):
    session = make_session(scan_model(shape=("n", "c", "w")), emulated)
    parameters = np.zeros((4, 3), np.float32)
    with pytest.raises(Exception, match="X needs 4 dimensions"):
        run(session, np.zeros((1, 3, 5), np.float32), parameters, parameters)


@pytest.mark.parametrize("dtype", ["float32", "float16", "double"])
def test_library_built_with_cuda_serves_the_cpu(dtype, cuda_build, scan_model, close):
    kind = {"double": "float64"}.get(dtype, dtype)
    tensors = inputs(kind, kind)
    session = make_session(scan_model(dtype), cuda_build.folder / "libinpaint_ort.so")
    close(run(session, *tensors), naive.directional_scan(*tensors), kind)


@pytest.mark.skipif(
    "CUDAExecutionProvider" not in onnxruntime.get_available_providers(),
    reason="needs a GPU and ONNX Runtime's CUDA execution provider",
)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_on_a_gpu(dtype, cuda_build, scan_model, close):
    tensors = inputs(dtype, dtype, (2, 8, 129, 257))
    providers = ["CUDAExecutionProvider"]
    session = make_session(scan_model(dtype), cuda_build.folder / "libinpaint_ort.so", providers)
    close(run(session, *tensors), naive.directional_scan(*tensors), dtype)
