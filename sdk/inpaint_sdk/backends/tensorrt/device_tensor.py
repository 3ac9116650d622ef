"""Tensors that stay on the GPU: taken from other libraries, and handed to them.

Two conventions are understood, DLPack (``__dlpack__``) and ``__cuda_array_interface__``; PyTorch,
CuPy and JAX speak both or one of them. Only contiguous float32 is taken: a network's own format.
"""

from __future__ import annotations

import ctypes
import math
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from inpaint_sdk.errors import ImageError

CPU, CUDA = 1, 2
"""DLPack's device types."""

_FLOAT = 2
_ITEM = 4


class _Tensor(ctypes.Structure):
    """``DLTensor``, with device and data type spelled out."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class _Managed(ctypes.Structure):
    """``DLManagedTensor``."""


_Deleter = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Managed))
_Managed._fields_ = (("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", _Deleter))

_NAME, _USED_NAME = b"dltensor", b"used_dltensor"
_api = ctypes.pythonapi
_api.PyCapsule_New.restype = ctypes.py_object
_CapsuleDestructor = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_api.PyCapsule_New.argtypes = (ctypes.c_void_p, ctypes.c_char_p, _CapsuleDestructor)
_api.PyCapsule_GetPointer.restype = ctypes.c_void_p
_api.PyCapsule_GetPointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
_api.PyCapsule_SetName.argtypes = (ctypes.py_object, ctypes.c_char_p)

# A destructor gets a capsule that is already being deleted, so it must not count references.
_is_valid = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_IsValid", _api)
)
_pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _api)
)


class DeviceTensor:
    """A float32 tensor on the GPU, complete when it is handed out.

    Others read it without a copy: ``torch.from_dlpack(tensor)``, ``cupy.asarray(tensor)``. Its
    memory is given back when neither it nor anything made from it is left.
    """

    def __init__(
        self,
        pointer: int,
        shape: tuple[int, ...],
        free: Callable[[int], None],
        device: tuple[int, int] = (CUDA, 0),
    ) -> None:
        self.shape = shape
        self._pointer = pointer
        self._device = device
        weakref.finalize(self, free, pointer)

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return _ITEM * math.prod(self.shape)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": "<f4",
            "data": (self._pointer, False),
            "version": 3,
            "strides": None,
            "stream": None,  # complete, so nobody has to wait
        }

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._device

    def __dlpack__(self, *, stream: int | None = None, **options: Any) -> object:
        # Being complete, it is ready on any stream. Options of later versions ask for what this
        # is already: no copy, and the capsule of the first version.
        return _export(self, self._pointer, self.shape, self._device)


_exported: dict[int, tuple[object, ...]] = {}
"""What must live as long as somebody holds an exported tensor, by its address."""


def _export(owner: object, pointer: int, shape: tuple[int, ...], device: tuple[int, int]) -> object:
    sizes = (ctypes.c_int64 * len(shape))(*shape)
    managed = _Managed(
        _Tensor(pointer, *device, len(shape), _FLOAT, 32, 1, sizes, None, 0), None, _delete
    )
    address = ctypes.addressof(managed)
    _exported[address] = (managed, sizes, owner)
    return _api.PyCapsule_New(address, _NAME, _destroy)


def _forget(managed: Any) -> None:
    """Whoever took the tensor over needs it no longer."""
    _exported.pop(ctypes.addressof(managed.contents), None)


def _forget_untaken(capsule: int) -> None:
    """The capsule is deleted, perhaps without anybody having taken it over."""
    if _is_valid(capsule, _NAME):
        _exported.pop(_pointer_of(capsule, _NAME), None)


_delete = _Deleter(_forget)
_destroy = _CapsuleDestructor(_forget_untaken)


@dataclass(frozen=True)
class Borrowed:
    """Somebody else's tensor on the GPU, to be read.

    stream: on which it becomes ready, or None if it is. keep: what must live while it is read.
    """

    pointer: int
    shape: tuple[int, ...]
    stream: int | None
    keep: object


def borrow(tensor: object, name: str, stream: int) -> Borrowed:
    """Looks at a tensor by either convention.

    stream: on which it will be read. DLPack's producer is told, and sees to it that the tensor is
    ready there.

    Raises:
        ImageError: it is not contiguous float32 on a GPU.
    """
    if hasattr(tensor, "__cuda_array_interface__"):
        return _from_interface(tensor.__cuda_array_interface__, name, tensor)
    if hasattr(tensor, "__dlpack__") and hasattr(tensor, "__dlpack_device__"):
        kind, _ = tensor.__dlpack_device__()
        if kind != CUDA:
            raise ImageError(
                f"{name} is not on a GPU (its DLPack device type is {kind}); use run() for it"
            )
        return _from_capsule(tensor.__dlpack__(stream=stream), name)
    raise ImageError(
        f"{name} is a {type(tensor).__name__}, which has neither __dlpack__ nor "
        "__cuda_array_interface__; use run() for numpy arrays"
    )


def _from_interface(interface: dict[str, Any], name: str, owner: object) -> Borrowed:
    shape = tuple(int(size) for size in interface["shape"])
    if interface["typestr"] != "<f4":
        raise ImageError(f"{name} must be float32; its type is {interface['typestr']}")
    strides = interface.get("strides")
    if strides is not None and tuple(strides) != _strides(shape, _ITEM):
        raise ImageError(f"{name} must be contiguous; make a contiguous copy first")
    return Borrowed(int(interface["data"][0]), shape, interface.get("stream"), owner)


class _Capsule:
    """Takes a capsule over, and tells its producer when it is no longer needed."""

    def __init__(self, capsule: object) -> None:
        address = _api.PyCapsule_GetPointer(capsule, _NAME)
        self.managed = _Managed.from_address(address)
        _api.PyCapsule_SetName(capsule, _USED_NAME)
        weakref.finalize(self, _give_back, address)


def _give_back(address: int) -> None:
    managed = _Managed.from_address(address)
    if managed.deleter:
        managed.deleter(ctypes.pointer(managed))


def _from_capsule(capsule: object, name: str) -> Borrowed:
    taken = _Capsule(capsule)
    tensor = taken.managed.tensor
    shape = tuple(tensor.shape[axis] for axis in range(tensor.ndim))
    if (tensor.code, tensor.bits, tensor.lanes) != (_FLOAT, 32, 1):
        raise ImageError(
            f"{name} must be float32; its DLPack type is {(tensor.code, tensor.bits, tensor.lanes)}"
        )
    if tensor.strides:
        strides = tuple(tensor.strides[axis] for axis in range(tensor.ndim))
        if any(
            size > 1 and step != whole
            for size, step, whole in zip(shape, strides, _strides(shape, 1), strict=True)
        ):
            raise ImageError(f"{name} must be contiguous; make a contiguous copy first")
    return Borrowed(int(tensor.data or 0) + tensor.byte_offset, shape, None, taken)


def _strides(shape: tuple[int, ...], item: int) -> tuple[int, ...]:
    """Of a contiguous array."""
    return tuple(item * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
