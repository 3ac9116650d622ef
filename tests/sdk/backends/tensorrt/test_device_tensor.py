"""DLPack capsules, exchanged with numpy through memory of the host."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import ImageError
from inpaint_sdk.backends.tensorrt import device_tensor
from inpaint_sdk.backends.tensorrt.device_tensor import CPU, CUDA, DeviceTensor, borrow

VALUES: NDArray[np.float32] = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)


@pytest.fixture
def freed() -> list[int]:
    return []


def on_host(freed: list[int]) -> DeviceTensor:
    return DeviceTensor(VALUES.ctypes.data, VALUES.shape, freed.append, (CPU, 0))


class Capsule:
    """What another library hands over, said to be on a GPU."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array

    def __dlpack_device__(self) -> tuple[int, int]:
        return (CUDA, 0)

    def __dlpack__(self, *, stream: int | None = None) -> object:
        return self._array.__dlpack__()


def test_numpy_reads_an_exported_tensor_in_place(freed: list[int]) -> None:
    tensor = on_host(freed)
    array = np.from_dlpack(tensor)
    np.testing.assert_array_equal(array, VALUES)
    assert np.shares_memory(array, VALUES)
    del tensor
    gc.collect()
    assert freed == [], "the array still reads it"
    del array
    gc.collect()
    assert freed == [VALUES.ctypes.data]
    assert not device_tensor._exported


def test_torch_reads_an_exported_tensor_in_place(freed: list[int]) -> None:
    torch = pytest.importorskip("torch")
    array = torch.from_dlpack(on_host(freed))
    np.testing.assert_array_equal(array.numpy(), VALUES)
    del array
    gc.collect()
    assert freed == [VALUES.ctypes.data]


def test_a_capsule_that_nobody_takes_is_given_back(freed: list[int]) -> None:
    capsule = on_host(freed).__dlpack__(stream=5)
    gc.collect()
    assert freed == []
    del capsule
    gc.collect()
    assert freed == [VALUES.ctypes.data]
    assert not device_tensor._exported


def test_a_tensor_on_the_gpu_says_so(freed: list[int]) -> None:
    tensor = DeviceTensor(4096, (1, 3, 2, 2), freed.append)
    assert tensor.__dlpack_device__() == (CUDA, 0)
    assert tensor.__cuda_array_interface__ == {
        "shape": (1, 3, 2, 2),
        "typestr": "<f4",
        "data": (4096, False),
        "version": 3,
        "strides": None,
        "stream": None,
    }
    assert tensor.nbytes == 48


def test_another_librarys_tensor_is_read_in_place_and_held() -> None:
    import weakref

    class Array(np.ndarray[Any, Any]):
        """An array that can be watched."""

    array = VALUES.copy().view(Array)
    watched = weakref.ref(array)
    borrowed = borrow(Capsule(array), "image", 1)
    assert (borrowed.pointer, borrowed.shape) == (array.ctypes.data, array.shape)
    del array
    gc.collect()
    assert watched() is not None, "it is still being read"
    del borrowed
    gc.collect()
    assert watched() is None


def test_a_slice_that_is_contiguous_is_taken_at_its_place() -> None:
    assert borrow(Capsule(VALUES[1:]), "image", 1).pointer == VALUES[1:].ctypes.data


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (VALUES.astype(np.float64), "image must be float32"),
        (VALUES.astype(np.int32), "image must be float32"),
        (VALUES[:, ::2], "contiguous"),
        (VALUES.swapaxes(0, 1), "contiguous"),
    ],
)
def test_what_cannot_be_taken(array: NDArray[Any], message: str) -> None:
    with pytest.raises(ImageError, match=message):
        borrow(Capsule(array), "image", 1)
