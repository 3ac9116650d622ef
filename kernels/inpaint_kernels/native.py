"""The compiled CPU kernel, called through its C interface (`inpaint_scan.h`)."""

import ctypes
import functools
import mmap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

import inpaint_kernels

_ABI_VERSION = 2
_LIBRARY = "libinpaint_scan.so"
_HUGE_PAGES_FROM = 4 << 20  # bytes, as in numpy

FLOAT32, FLOAT16, BFLOAT16, FLOAT64 = range(4)
_NUMPY_DTYPES = {"float32": FLOAT32, "float16": FLOAT16, "bfloat16": BFLOAT16, "float64": FLOAT64}


class KernelError(ValueError):
    """The kernel refused its arguments; the message says which and why."""


class _Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("rank", ctypes.c_int32),
        ("dtype", ctypes.c_int32),
    )


class _Options(ctypes.Structure):
    _fields_ = (
        ("threads", ctypes.c_int32),
        ("parallel_for", ctypes.c_void_p),
        ("pool", ctypes.c_void_p),
        ("isa", ctypes.c_char_p),
    )


def library_path() -> Path:
    """Where the compiled kernel is.

    Raises:
        FileNotFoundError: it was not built.
    """
    return find_library(
        _LIBRARY,
        ". Install the package with its build step: `pip install .` or `pip install -e .` in the "
        "repository's top folder.",
    )


def find_library(name: str, remedy: str) -> Path:
    """Where a library of this package is; `remedy` ends the error's sentence if it is nowhere.

    Raises:
        FileNotFoundError: it was not built.
    """
    # An editable install has two folders on the path: the sources' and the one built into.
    for folder in inpaint_kernels.__path__:
        path = Path(folder) / "lib" / name
        if path.is_file():
            return path
    raise FileNotFoundError(f"{name} is not built{remedy}")


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path()))
    library.inpaint_scan_last_error.restype = ctypes.c_char_p
    library.inpaint_scan_isa_name.restype = ctypes.c_char_p
    library.inpaint_scan_openmp_parallel_for.restype = ctypes.c_void_p
    found = library.inpaint_scan_abi_version()
    if found != _ABI_VERSION:
        raise ImportError(
            f"{library_path()} has interface version {found}, this package needs {_ABI_VERSION}: "
            "build both from one checkout."
        )
    return library


def instruction_sets() -> list[str]:
    """Names of the instruction sets that this machine can run, best first."""
    names: list[str] = []
    while (name := _library().inpaint_scan_isa_name(len(names))) is not None:
        names.append(name.decode())
    return names


def describe(data: int, shape: Sequence[int], dtype: int) -> _Tensor:
    """A dense row-major tensor at address `data`, which the caller keeps alive."""
    sizes = (ctypes.c_int64 * len(shape))(*shape)
    return _Tensor(data, sizes, len(shape), dtype)


def call(
    name: str,
    tensors: Sequence[_Tensor],
    threads: int = 0,
    isa: str | None = None,
    openmp: bool = False,
) -> None:
    """Call a function of the C interface, without the interpreter's lock.

    Args:
        name: The function, without its prefix `inpaint_scan_`.
        tensors: Its tensors, see `describe`.
        threads: Threads to use; 0 for as many as there are cores.
        isa: One of `instruction_sets`; None for the best.
        openmp: Use the threads of the OpenMP runtime that the process has loaded, if it has one.
            `threads` says how many then, and is 1 or more.

    Raises:
        KernelError: The arguments were refused.
        MemoryError: An allocation failed.
    """
    library = _library()
    options = _Options(threads, None, None, None if isa is None else isa.encode())
    pool = ctypes.c_int32(threads)
    if openmp and threads > 1:
        options.parallel_for = library.inpaint_scan_openmp_parallel_for()
        options.pool = ctypes.addressof(pool)
    status = getattr(library, f"inpaint_scan_{name}")(
        *(ctypes.byref(tensor) for tensor in tensors), ctypes.byref(options)
    )
    if status:
        message = library.inpaint_scan_last_error().decode()
        raise MemoryError(message) if status == 7 else KernelError(message)


def advise_huge_pages(address: int, size: int) -> None:
    """Ask Linux for huge pages in `size` bytes from `address` on, where it is worth it.

    Elsewhere, and where the system refuses, nothing happens.
    """
    if size < _HUGE_PAGES_FROM or not hasattr(mmap, "MADV_HUGEPAGE"):
        return
    start = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (address + size) // mmap.PAGESIZE * mmap.PAGESIZE
    ctypes.CDLL(None).madvise(
        ctypes.c_void_p(start), ctypes.c_size_t(end - start), mmap.MADV_HUGEPAGE
    )


def _describe_array(array: npt.NDArray[np.generic]) -> _Tensor:
    dtype = _NUMPY_DTYPES.get(array.dtype.name, -1)
    return describe(array.ctypes.data, array.shape, dtype)


def directional_scan(
    x: npt.NDArray[np.generic],
    weight: npt.NDArray[np.generic],
    bias: npt.NDArray[np.generic],
    *,
    threads: int = 0,
    isa: str | None = None,
) -> npt.NDArray[np.generic]:
    """DirectionalScan of numpy arrays, as `naive.directional_scan` defines it.

    Args:
        x: [N, C, H, W], float32, float16, bfloat16 (of ml_dtypes) or float64.
        weight: [4, C], dtype of `x` or float32.
        bias: [4, C], dtype of `weight`.
        threads: Threads to use; 0 for as many as there are cores.
        isa: One of `instruction_sets`; None for the best.

    Returns:
        [N, 4C, H, W], dtype of `x`.

    Raises:
        KernelError: A shape, dtype or option is wrong.
    """
    x, weight, bias = (np.ascontiguousarray(array) for array in (x, weight, bias))
    if x.ndim != 4:
        raise KernelError(f"x: has {x.ndim} dimensions, needs 4")
    n, c, h, w = x.shape
    out = np.empty((n, 4 * c, h, w), x.dtype)
    call("forward", [_describe_array(a) for a in (x, weight, bias, out)], threads, isa)
    return out
