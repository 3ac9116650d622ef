"""The compiled CUDA kernels, called through their C interface (`inpaint_scan_cuda.h`).

Addresses are of device memory, streams are `cudaStream_t`, and the calling thread's device is used.
"""

import ctypes
import functools
from dataclasses import dataclass
from pathlib import Path

from inpaint_kernels.native import KernelError, find_library

_LIBRARY = "libinpaint_scan_cuda.so"

FLOAT32, FLOAT16, BFLOAT16 = range(3)

_RUNTIME_ERROR = 8


class CudaError(RuntimeError):
    """A CUDA call failed; the message has CUDA's words."""


class _Problem(ctypes.Structure):
    _fields_ = (
        ("n", ctypes.c_int64),
        ("c", ctypes.c_int64),
        ("h", ctypes.c_int64),
        ("w", ctypes.c_int64),
        ("dtype", ctypes.c_int32),
        ("parameter_dtype", ctypes.c_int32),
        ("strategy", ctypes.c_int32),
    )


@dataclass(frozen=True)
class Problem:
    """X's shape [N, C, H, W], the dtype of X and Y, and that of weight and bias."""

    shape: tuple[int, int, int, int]
    dtype: int
    parameter_dtype: int


def library_path() -> Path:
    """Where the compiled kernels are.

    Raises:
        FileNotFoundError: they were not built.
    """
    return find_library(
        _LIBRARY,
        ", so the scan cannot run on CUDA tensors. Where the CUDA toolkit is installed, "
        "`pip install . -C cmake.define.INPAINT_CUDA=ON` in the repository's top folder builds it.",
    )


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path()))
    pointer = ctypes.c_void_p
    problem = ctypes.POINTER(_Problem)
    library.inpaint_scan_cuda_forward.argtypes = (problem, *[pointer] * 5)
    library.inpaint_scan_cuda_workspace.argtypes = (problem, ctypes.POINTER(ctypes.c_size_t))
    library.inpaint_scan_cuda_backward.argtypes = (
        problem,
        *[pointer] * 7,
        ctypes.c_size_t,
        pointer,
    )
    library.inpaint_scan_cuda_status_text.restype = ctypes.c_char_p
    library.inpaint_scan_cuda_last_error.restype = ctypes.c_char_p
    return library


def _describe(problem: Problem) -> _Problem:
    return _Problem(*problem.shape, problem.dtype, problem.parameter_dtype, 0)


def _check(status: int) -> None:
    if status == 0:
        return
    library = _library()
    text = library.inpaint_scan_cuda_status_text(status).decode()
    if status == _RUNTIME_ERROR:
        raise CudaError(f"{text}: {library.inpaint_scan_cuda_last_error().decode()}")
    raise KernelError(text)


def forward(problem: Problem, x: int, weight: int, bias: int, y: int, stream: int) -> None:
    """Start a forward scan: y [N, 4C, H, W] of x [N, C, H, W], weight and bias [4, C].

    Raises:
        KernelError: The arguments were refused.
        CudaError: CUDA could not launch it.
    """
    described = ctypes.byref(_describe(problem))
    _check(_library().inpaint_scan_cuda_forward(described, x, weight, bias, y, stream))


def workspace_size(problem: Problem) -> int:
    """How many bytes of device memory `backward` works in."""
    size = ctypes.c_size_t()
    described = ctypes.byref(_describe(problem))
    _check(_library().inpaint_scan_cuda_workspace(described, ctypes.byref(size)))
    return size.value


def backward(
    problem: Problem,
    y: int,
    grad_y: int,
    weight: int,
    grad_x: int,
    grad_weight: int,
    grad_bias: int,
    workspace: int,
    workspace_bytes: int,
    stream: int,
) -> None:
    """Start a backward scan; grad_weight and grad_bias are fp32 [4, C] whatever the dtypes.

    Raises:
        KernelError: The arguments were refused.
        CudaError: CUDA could not launch it.
    """
    _check(
        _library().inpaint_scan_cuda_backward(
            ctypes.byref(_describe(problem)),
            y,
            grad_y,
            weight,
            grad_x,
            grad_weight,
            grad_bias,
            workspace,
            workspace_bytes,
            stream,
        )
    )
