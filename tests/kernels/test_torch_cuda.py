"""The PyTorch operator on CUDA.

Without a GPU, what it passes to the C interface is tested with the kernels' emulation, whose device
memory is the host's, and with a stand-in that writes down what it was called with.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from inpaint_kernels import (  # noqa: E402
    naive_torch,
    native,
    native_cuda,
    torch_cuda,
    torch_op,
)

STREAM = 0x5EED

# State and sums are fp32; 16-bit results are rounded once.
TOLERANCES = {torch.float32: 2e-5, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}


def inputs(shape, dtype, parameters, device="cpu"):
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(shape, generator=generator)
    weight = torch.rand(4, shape[1], generator=generator) * 2 - 1
    bias = torch.randn(4, shape[1], generator=generator) * 0.3
    return x.to(device, dtype), weight.to(device, parameters), bias.to(device, parameters)


@pytest.fixture
def no_device(monkeypatch):
    """Lets CPU tensors stand for CUDA's, on a stream that is only a number."""
    monkeypatch.setattr(torch.cuda, "device", lambda device: contextlib.nullcontext())
    monkeypatch.setattr(
        torch.cuda, "current_stream", lambda device: SimpleNamespace(cuda_stream=STREAM)
    )
    native_cuda._library.cache_clear()
    yield
    native_cuda._library.cache_clear()


@pytest.fixture
def emulated(no_device, emulated_cuda, monkeypatch):
    monkeypatch.setattr(native_cuda, "library_path", lambda: emulated_cuda)


class Recorder:
    """Stands for the library: every function notes its arguments and returns `status`."""

    def __init__(self, status=0):
        self.calls = {}
        self.status = status

    def __getattr__(self, name):
        def call(problem, *rest):
            structure = problem._obj
            fields = [getattr(structure, field) for field, _ in structure._fields_]
            self.calls[name.removeprefix("inpaint_scan_cuda_")] = (fields, rest)
            if name.endswith("workspace"):
                rest[0]._obj.value = 1000
            return self.status

        return call

    def inpaint_scan_cuda_status_text(self, status):
        return f"status {status}".encode()

    def inpaint_scan_cuda_last_error(self):
        return b"CUDA's words"


@pytest.fixture
def recorder(no_device, monkeypatch):
    library = Recorder()
    monkeypatch.setattr(native_cuda, "_library", lambda: library)
    # The fixture below it clears the cache of the function that this one replaces.
    monkeypatch.setattr(native_cuda._library, "cache_clear", lambda: None, raising=False)
    return library


def reference(x, weight, bias, grad):
    leaves = [t.double().requires_grad_() for t in (x, weight, bias)]
    out = naive_torch.directional_scan(*leaves)
    out.backward(grad.double())
    # Lines of one element have no weight, and PyTorch no gradient for it.
    grads = (torch.zeros_like(t) if t.grad is None else t.grad for t in leaves)
    return out.detach(), *grads


def assert_near(found, expected, dtype, scale=1.0):
    tolerance = TOLERANCES[dtype] * scale
    torch.testing.assert_close(
        found.double().cpu(), expected.double(), rtol=tolerance, atol=tolerance
    )


SHAPES = [(1, 1, 1, 1), (2, 3, 5, 7), (1, 2, 63, 33), (1, 1, 2, 260), (2, 2, 40, 16)]
TYPES = [
    (torch.float32, torch.float32),
    (torch.float16, torch.float16),
    (torch.float16, torch.float32),
    (torch.bfloat16, torch.bfloat16),
    (torch.bfloat16, torch.float32),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("dtype", "parameters"), TYPES, ids=str)
def test_emulated_kernels_equal_the_definition(shape, dtype, parameters, emulated):
    x, weight, bias = inputs(shape, dtype, parameters)
    out = torch_cuda.forward(x, weight, bias)
    n, c, h, w = shape
    assert out.shape == (n, 4 * c, h, w) and out.dtype == dtype
    grad = torch.randn(out.shape, generator=torch.Generator().manual_seed(4)).to(dtype)
    # The kernel sees the output as it was stored, so the reference starts from there as well.
    expected, grad_x, grad_weight, grad_bias = reference(x, weight, bias, grad)
    assert_near(out, expected, dtype)
    found = torch_cuda.backward(weight, out, grad)
    assert [t.dtype for t in found] == [dtype, parameters, parameters]
    assert_near(found[0], grad_x, dtype, scale=4)
    size = h * w * n
    assert_near(found[1], grad_weight, dtype, scale=size)
    assert_near(found[2], grad_bias, dtype, scale=size)


def test_forward_passes_pointers_types_and_stream(recorder):
    x, weight, bias = inputs((2, 3, 5, 7), torch.bfloat16, torch.float32)
    out = torch_cuda.forward(x, weight, bias)
    problem, rest = recorder.calls["forward"]
    assert problem == [2, 3, 5, 7, native_cuda.BFLOAT16, native_cuda.FLOAT32, 0]
    assert rest == (*(t.data_ptr() for t in (x, weight, bias, out)), STREAM)


def test_backward_passes_pointers_types_and_stream(recorder):
    _, weight, _ = inputs((2, 3, 5, 7), torch.float16, torch.float16)
    out, grad = torch.zeros(2, 12, 5, 7).half(), torch.zeros(2, 12, 5, 7).half()
    grad_x, *_ = torch_cuda.backward(weight, out, grad)
    problem, rest = recorder.calls["backward"]
    assert problem == [2, 3, 5, 7, native_cuda.FLOAT16, native_cuda.FLOAT16, 0]
    assert rest[:4] == tuple(t.data_ptr() for t in (out, grad, weight, grad_x))
    assert rest[-2:] == (1000, STREAM)  # the workspace's size as the library gave it
    assert recorder.calls["workspace"][0] == problem


def test_refusals_are_exceptions(recorder):
    tensors = inputs((1, 2, 3, 4), torch.float32, torch.float32)
    recorder.status = 3
    with pytest.raises(native.KernelError, match="status 3"):
        torch_cuda.forward(*tensors)
    recorder.status = 8
    with pytest.raises(native_cuda.CudaError, match="status 8: CUDA's words"):
        torch_cuda.forward(*tensors)


def test_float64_has_no_kernel(no_device):
    with pytest.raises(ValueError, match=r"torch\.float64 has no CUDA kernel"):
        torch_cuda.forward(*inputs((1, 2, 3, 4), torch.float64, torch.float64))


def test_kernels_that_were_not_built(no_device, monkeypatch):
    monkeypatch.setattr(native.inpaint_kernels, "__path__", [])
    with pytest.raises(FileNotFoundError, match=r"INPAINT_CUDA=ON"):
        torch_cuda.forward(*inputs((1, 2, 3, 4), torch.float32, torch.float32))


def test_library_loads_without_a_gpu(cuda_build, no_device, monkeypatch):
    """The CUDA runtime is inside, so what fails without a driver is the call, and it says why."""
    library = cuda_build.folder / "kernels" / "cuda" / "libinpaint_scan_cuda.so"
    monkeypatch.setattr(native_cuda, "library_path", lambda: library)
    problem = native_cuda.Problem((1, 2, 3, 4), native_cuda.FLOAT16, native_cuda.FLOAT32)
    assert native_cuda.workspace_size(problem) > 0
    if torch.cuda.is_available():
        pytest.skip("there is a GPU, and the call would run")
    with pytest.raises(native_cuda.CudaError, match="cudaError"):
        torch_cuda.forward(*inputs((1, 2, 3, 4), torch.float16, torch.float32))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("shape", [*SHAPES, (1, 8, 129, 1025)], ids=str)
@pytest.mark.parametrize(("dtype", "parameters"), TYPES, ids=str)
def test_on_a_gpu(shape, dtype, parameters):
    leaves = [t.requires_grad_() for t in inputs(shape, dtype, parameters, "cuda")]
    with torch.cuda.stream(torch.cuda.Stream()):
        out = torch_op.directional_scan(*leaves)
        grad = torch.ones_like(out)
        out.backward(grad)
    torch.cuda.synchronize()
    expected = reference(*(t.detach().cpu() for t in leaves), grad.cpu())
    assert_near(out.detach(), expected[0], dtype)
    assert_near(leaves[0].grad, expected[1], dtype, scale=4)
