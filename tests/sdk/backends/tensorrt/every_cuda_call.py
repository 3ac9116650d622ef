"""Makes every call of ``Cuda``, as a session does: a program to run over a stub of the driver."""

from __future__ import annotations

import ctypes
import inspect
import sys
from threading import Thread
from typing import Any

import numpy as np

from cuda import bindings
from inpaint_sdk import BackendError
from inpaint_sdk.backends.tensorrt.cuda import Cuda, Device, host_view

IMAGE = b"\x7fELF" + bytes(60)


class Noted:
    """Has what an object has, and notes which of its methods are called."""

    def __init__(self, cuda: Cuda) -> None:
        self._cuda = cuda
        self.called: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.called.add(name)
        return getattr(self._cuda, name)


def refused(message: str, call: Any, *arguments: Any) -> None:
    try:
        call(*arguments)
    except BackendError as error:
        assert message in str(error), error
    else:
        raise AssertionError(f"{message} was expected")


def copy_there_and_back(cuda: Any, stream: int) -> None:
    size = 1000
    source, target, device = cuda.allocate_host(size), cuda.allocate_host(size), cuda.allocate(size)
    sent = np.frombuffer(host_view(source, size), np.uint8)
    sent[:] = np.arange(size) % 251
    cuda.copy("to_device", device, source, size, stream)
    cuda.clear(device, 10, stream)
    cuda.copy("to_host", target, device, size, stream)
    cuda.synchronize(stream)
    received = np.frombuffer(host_view(target, size), np.uint8)
    assert not received[:10].any()
    assert (received[10:] == sent[10:]).all()
    refused("invalid argument", cuda.copy, "to_device", device, source, size + 1, stream)
    refused("out of memory (CUDA_ERROR_OUT_OF_MEMORY)", cuda.allocate, 1 << 40)
    for pointer in (source, target):
        cuda.free_host(pointer)
    cuda.free(device)


def run_kernel(cuda: Any, stream: int) -> None:
    module, kernels = cuda.load_kernels(IMAGE, ["add"])
    there, here = cuda.allocate(4), cuda.allocate_host(4)
    cuda.clear(there, 4, stream)
    seen = cuda.device_address(here)
    assert seen != here, "this driver has two addresses for it"
    arguments = [(there, ctypes.c_void_p), (42, ctypes.c_int), (seen, ctypes.c_void_p)]
    cuda.launch(kernels["add"], (3, 2), (32, 8), arguments, stream)
    assert np.frombuffer(host_view(here, 4), np.int32)[0] == 42
    arguments[2] = (here, ctypes.c_void_p)
    refused("cuLaunchKernel", cuda.launch, kernels["add"], (1, 1), (1, 1), arguments, stream)
    refused("NVRTC may be newer", cuda.load_kernels, b"PTX" + bytes(60), ["add"])
    refused("named symbol not found", cuda.load_kernels, IMAGE, ["missing"])
    cuda.free(there)
    cuda.free_host(here)
    cuda.drop_module(module)


def capture(cuda: Any, stream: int) -> None:
    cuda.begin_capture(stream)
    refused("cuStreamSynchronize", cuda.synchronize, stream)
    graph = cuda.end_capture(stream)
    cuda.launch_graph(graph, stream)
    cuda.drop_graph(graph)
    cuda.begin_capture(stream)
    cuda.abandon_capture(stream)
    cuda.abandon_capture(stream)  # of a stream that is not captured
    cuda.synchronize(stream)


def main() -> None:
    cuda = Noted(Cuda())
    assert cuda.device() == Device("Orin", "sm_87", 8, memory=8 << 30, integrated=True)
    refused("invalid device context", cuda.make_stream)
    with cuda.current():
        stream = cuda.make_stream()
        for work in (copy_there_and_back, run_kernel, capture):
            work(cuda, stream)
        other = Thread(target=refused, args=("invalid device context", cuda.synchronize, stream))
        other.start()
        other.join()
        cuda.drop_stream(stream)
    refused("invalid device context", cuda.make_stream)
    methods = {name for name, _ in inspect.getmembers(Cuda, inspect.isfunction) if name[0] != "_"}
    assert cuda.called == methods - {"compile"}, methods - cuda.called  # that one is NVRTC's
    assert "cuda.bindings.runtime" not in sys.modules, "it carries a CUDA of its own version"
    print(bindings.__version__)


main()
