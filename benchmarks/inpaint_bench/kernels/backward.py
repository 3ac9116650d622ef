"""Gradients: of the PyTorch operator, and of a loop in PyTorch that one would write by hand."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from inpaint_bench.kernels.arrays import Shape, Work, aligned, describe, make_inputs, on_threads
from inpaint_kernels import native


def backward_work(shape: Shape, threads: int, pool: ThreadPoolExecutor) -> Work:
    """The kernel, the operator and a loop: their backward passes, and whole steps."""
    import torch

    from inpaint_kernels import naive_torch, torch_op

    torch.set_num_threads(threads)
    x, weight, bias = make_inputs(shape)
    out = np.asarray(native.directional_scan(x, weight, bias, threads=threads), np.float32)
    grad_out = np.random.default_rng(1).standard_normal(out.shape, np.float32)
    grads = (aligned(shape), np.zeros_like(weight), np.zeros_like(bias))
    arrays = (weight, out, grad_out, *grads)
    tensors = [describe(array) for array in arrays]

    def kernel() -> None:
        assert arrays, "keeps the arrays alive as long as their addresses are used"
        native.call("backward", tensors, threads, openmp=True)

    # As many bytes as the kernel moves: it reads both outputs and writes one gradient, 9X.
    half = x.nbytes * 9 // 2
    source, target = np.ones(half, np.uint8), np.ones(half, np.uint8)
    share = half // threads

    def copy_part(part: int) -> None:
        start = part * share
        ctypes.memmove(target.ctypes.data + start, source.ctypes.data + start, share)

    leaves = [torch.from_numpy(array).requires_grad_() for array in (x, weight, bias)]
    upstream = torch.from_numpy(grad_out)
    work: Work = {}
    scans = (("", torch_op.directional_scan), ("naive ", naive_torch.directional_scan))
    for name, scan in scans:
        graph = scan(*leaves)

        def backward(graph: Any = graph) -> object:
            return torch.autograd.grad(graph, leaves, upstream, retain_graph=True)

        def step(scan: Any = scan) -> object:
            return torch.autograd.grad(scan(*leaves), leaves, upstream)

        work |= {f"{name}backward": backward, f"{name}step": step}
    return work | {
        "backward kernel": kernel,
        "backward copy": lambda: on_threads(copy_part, threads, pool),
    }
