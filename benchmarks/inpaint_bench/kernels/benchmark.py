"""The directional scan, shape by shape.

For each, in one process and in turn:

| candidate | what |
| --- | --- |
| scan | the compiled kernel, four directions |
| copy | memcpy of each plane of X to its four places: X read once, 4X written |
| plain copy | one memcpy a thread that moves as many bytes: 2.5X read, 2.5X written |
| ort native, ort function | ONNX Runtime with the custom operator, and the same file without it |
| backward, step | gradients of the PyTorch operator; forward and backward pass |
| naive backward, naive step | the same of the loop in ``inpaint_kernels.naive_torch`` |
| backward kernel | the compiled kernel's gradients, into memory that is there already |
| backward copy | memcpy of as many bytes |

What needs onnx or PyTorch is left out where they are not installed, and named. The largest shape is
measured in the first three only: a loop would need tens of gigabytes.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from inpaint_bench.kernels.arrays import Shape, Work
from inpaint_bench.kernels.cuda import run_cuda_program
from inpaint_bench.kernels.forward import forward_work
from inpaint_bench.run.benchmark import now
from inpaint_bench.schema.document import FORMAT_VERSION
from inpaint_bench.schema.kernels import KernelRow, KernelShape, KernelsResult
from inpaint_bench.schema.timing import Times
from inpaint_eval.machine import read_machine
from inpaint_eval.timing import Interval, Ratio, Turns, ratio_of_turns, time_in_turns
from inpaint_kernels import native

LARGE: Shape = (8, 64, 512, 512)
SHAPES: tuple[Shape, ...] = ((1, 32, 128, 128), (1, 32, 256, 256), (1, 64, 512, 512), LARGE)

RATIOS = (
    ("scan", "copy"),
    ("scan", "plain copy"),
    ("ort function", "ort native"),
    ("naive backward", "backward"),
    ("naive backward", "backward kernel"),
    ("naive step", "step"),
)
"""What a shape is measured for."""

COPIES = {"scan": "copy", "backward kernel": "backward copy"}
"""Kernels, and the copies that move as many bytes."""

TURN_SECONDS = 0.05
WARMUP_SECONDS = 1.0
CANDIDATE_SECONDS = 10.0
"""For one candidate on one shape; slow ones have fewer turns."""


def measure_kernels(
    shapes: Sequence[Shape],
    threads: int,
    blocks: int,
    *,
    cuda_program: Path | None = None,
    remarks: str = "",
    tell: Callable[[str], None] = print,
) -> KernelsResult:
    """Times every candidate on every shape.

    cuda_program: ``bench_scan``, where it was built; it runs on the GPU that is here.
    """
    started, machine = now(), read_machine()
    measured = []
    with ThreadPoolExecutor(threads) as pool:
        for shape in shapes:
            tell("x".join(map(str, shape)))
            measured.append(_measure_shape(shape, threads, blocks, pool))
    cuda, reason = run_cuda_program(cuda_program)
    return KernelsResult(
        format="inpaint-bench",
        format_version=FORMAT_VERSION,
        kind="kernels",
        started=started,
        finished=now(),
        machine=machine,
        remarks=remarks,
        instruction_set=native.instruction_sets()[0],
        dtype="float32",
        threads=threads,
        left_out=[name for name in ("onnx", "torch") if not importlib.util.find_spec(name)],
        shapes=measured,
        cuda=cuda,
        cuda_reason=reason,
    )


def _measure_shape(
    shape: Shape, threads: int, blocks: int, pool: ThreadPoolExecutor
) -> KernelShape:
    turns: dict[str, Turns] = {}
    for work in _groups(shape, threads, pool):
        turns |= time_in_turns(
            work,
            blocks=blocks,
            turn_seconds=TURN_SECONDS,
            candidate_seconds=CANDIDATE_SECONDS,
            warmup_seconds=WARMUP_SECONDS,
        )
    rows = [
        KernelRow(
            candidate=name,
            times=Times.of(t.blocks, t.turns),
            bytes=_bytes(name, shape),
            launches=1 if name in (*COPIES, "ort native") else None,
            bandwidth_share=_share(name, turns),
        )
        for name, t in turns.items()
    ]
    ratios = [ratio for pair in RATIOS if (ratio := _ratio(turns, *pair)) is not None]
    return KernelShape(shape=shape, rows=rows, ratios=ratios)


def _groups(shape: Shape, threads: int, pool: ThreadPoolExecutor) -> Iterator[Work]:
    """Candidates that are compared with one another."""
    yield forward_work(shape, threads, pool)
    if shape == LARGE:
        return
    if importlib.util.find_spec("onnx"):
        from inpaint_bench.kernels.runtime import runtime_work

        yield runtime_work(shape, threads)
    if importlib.util.find_spec("torch"):
        from inpaint_bench.kernels.backward import backward_work

        yield backward_work(shape, threads, pool)


def _bytes(name: str, shape: Shape) -> int | None:
    """That must move: X once and four maps, or eight maps and one gradient."""
    maps = {"scan": 5, "copy": 5, "plain copy": 5, "backward kernel": 9, "backward copy": 9}
    return maps[name] * 4 * math.prod(shape) if name in maps else None


def _share(name: str, turns: Mapping[str, Turns]) -> Interval | None:
    if name not in COPIES:
        return None
    found = _ratio(turns, COPIES[name], name)
    return None if found is None else found.ratio


def _ratio(turns: Mapping[str, Turns], of: str, to: str) -> Ratio | None:
    return ratio_of_turns(turns, of, to) if of in turns and to in turns else None
