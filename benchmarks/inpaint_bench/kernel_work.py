"""What the scan's benchmark times: kernels, copies, ONNX Runtime and PyTorch, on equal arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inpaint_eval.sessions import open_session
from inpaint_kernels import native

Shape = tuple[int, int, int, int]
"""[N, C, H, W]."""

Floats = NDArray[np.float32]
Work = dict[str, Callable[[], object]]


def aligned(shape: Sequence[int]) -> Floats:
    """Zeros on a page's start, written to, so that no run pays for first touching them."""
    count = int(np.prod(shape))
    raw = np.zeros(count + 1024, np.float32)
    start = -raw.ctypes.data // 4 % 1024
    raw[:] = 0
    return raw[start : start + count].reshape(shape)


def make_inputs(shape: Shape) -> tuple[Floats, Floats, Floats]:
    """X, weight and bias."""
    rng = np.random.default_rng(0)
    x = aligned(shape)
    x[:] = rng.standard_normal(shape, np.float32)
    weight = rng.uniform(-0.9, 0.9, (4, shape[1])).astype(np.float32)
    bias = rng.normal(0, 0.1, (4, shape[1])).astype(np.float32)
    return x, weight, bias


def forward_work(shape: Shape, threads: int, pool: ThreadPoolExecutor) -> Work:
    """The compiled kernel beside a copy of as many bytes: ``scan`` and ``copy``."""
    x, weight, bias = make_inputs(shape)
    n, c, h, w = shape
    out, twin = aligned((n, 4 * c, h, w)), aligned((n, 4 * c, h, w))
    arrays = (x, weight, bias, out, twin)
    tensors = [native.describe(a.ctypes.data, a.shape, native.FLOAT32) for a in arrays[:4]]
    plane = h * w * 4
    moves = [
        (twin.ctypes.data + ((i // c * 4 + d) * c + i % c) * plane, x.ctypes.data + i * plane)
        for i in range(n * c)
        for d in range(4)
    ]

    def scan() -> None:
        assert arrays, "keeps the arrays alive as long as their addresses are used"
        native.call("forward", tensors, threads)

    def copy_part(part: int) -> None:
        assert arrays, "as above"
        for to, source in moves[part * len(moves) // threads : (part + 1) * len(moves) // threads]:
            ctypes.memmove(to, source, plane)

    def copy() -> None:
        if threads == 1:
            copy_part(0)  # here, without waiting for a thread
        else:
            list(pool.map(copy_part, range(threads)))

    return {"scan": scan, "copy": copy}


def runtime_work(shape: Shape, threads: int) -> Work:
    """ONNX Runtime with the custom operator, and without: ``ort native`` and ``ort function``."""
    x, weight, bias = make_inputs(shape)
    n, c, h, w = shape
    model = _scan_model(shape)
    work: Work = {}
    for name in ("ort native", "ort function"):
        session = open_session(model, native=name == "ort native", threads=threads)
        # Bound buffers: what is timed is the node, not the allocation of its output.
        binding = session.io_binding()
        out = aligned((n, 4 * c, h, w))
        for key, array in (("x", x), ("weight", weight), ("bias", bias)):
            binding.bind_input(key, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        binding.bind_output("y", "cpu", 0, np.float32, out.shape, out.ctypes.data)

        def run(
            session: Any = session, binding: Any = binding, arrays: Any = (x, weight, bias, out)
        ) -> None:
            session.run_with_iobinding(binding)

        work[name] = run
    return work


def _scan_model(shape: Shape) -> bytes:
    from onnx import TensorProto, helper

    from inpaint_kernels import onnx_body

    def value(name: str, sizes: Sequence[int]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)

    n, c, h, w = shape
    graph = helper.make_graph(
        [helper.make_node("DirectionalScan", ["x", "weight", "bias"], ["y"], domain="inpaint_sdk")],
        "scan",
        [value("x", shape), value("weight", (4, c)), value("bias", (4, c))],
        [value("y", (n, 4 * c, h, w))],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("inpaint_sdk", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx_body.attach(model, onnx_body.Form.SCAN)
    return bytes(model.SerializeToString())


def backward_work(shape: Shape, threads: int) -> Work:
    """Gradients of the PyTorch operator, and of a loop as one would write it."""
    import torch

    from inpaint_kernels import naive_torch, torch_op

    torch.set_num_threads(threads)
    leaves = [torch.from_numpy(array).requires_grad_() for array in make_inputs(shape)]
    n, c, h, w = shape
    rng = np.random.default_rng(1)
    upstream = torch.from_numpy(rng.standard_normal((n, 4 * c, h, w), np.float32))
    work: Work = {}
    for name, scan in (
        ("backward", torch_op.directional_scan),
        ("naive backward", naive_torch.directional_scan),
    ):
        graph = scan(*leaves)

        def backward(graph: Any = graph) -> object:
            return torch.autograd.grad(graph, leaves, upstream, retain_graph=True)

        work[name] = backward
    return work
