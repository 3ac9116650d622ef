"""What the candidates work on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inpaint_kernels import native

Shape = tuple[int, int, int, int]
"""[N, C, H, W]."""

Floats = NDArray[np.float32]
Work = dict[str, Callable[[], object]]


def on_threads(part: Callable[[int], object], threads: int, pool: ThreadPoolExecutor) -> None:
    """Runs the parts 0 to ``threads - 1``; a single one here, without waiting for a thread."""
    if threads == 1:
        part(0)
    else:
        list(pool.map(part, range(threads)))


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


def describe(array: Floats) -> Any:
    """As the kernel's C interface takes it; the array has to outlive it."""
    return native.describe(array.ctypes.data, array.shape, native.FLOAT32)
