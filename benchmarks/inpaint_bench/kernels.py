"""The recurrent scan on the processor, shape by shape, and on a GPU through its CUDA program.

For each, in one process and in turn:

| candidate | what |
| --- | --- |
| scan | the compiled kernel, four directions |
| copy | memcpy of each plane of X to its four places: X read once, 4X written |
| ort native, ort function | ONNX Runtime with the custom operator, and the same file without it |
| backward | gradients of the PyTorch operator |
| naive backward | the same of the loop in ``inpaint_kernels.naive_torch`` |

What needs onnx or PyTorch is left out where they are not installed, and named. :data:`LARGE` is
measured in the first two only.
"""

from __future__ import annotations

import importlib.util
import json
import math
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tqdm import tqdm

from inpaint_bench.errors import BenchError
from inpaint_bench.kernel_work import Shape, Work, backward_work, forward_work, runtime_work
from inpaint_bench.schema.common import Times
from inpaint_bench.schema.kernels import CudaRow, KernelRow, KernelShape, KernelsResult
from inpaint_eval.timing import Turns, ratio_of_turns, time_in_turns
from inpaint_kernels import native

LARGE: Shape = (8, 64, 512, 512)
"""Too large for a loop, which would need tens of gigabytes."""

RATIOS = (
    ("scan", "copy"),
    ("ort function", "ort native"),
    ("naive backward", "backward"),
)
"""What a shape is measured for."""

MAPS = 5
"""Of X's size, which must move: X is read once, and four maps are written."""

TURN_SECONDS = 0.05
WARMUP_SECONDS = 1.0
CANDIDATE_SECONDS = 10.0
"""For one candidate on one shape; slow ones have fewer turns."""

STRATEGIES = ("streaming", "chunked", "auto")


def measure_kernels(
    shapes: Sequence[Shape],
    threads: int,
    blocks: int,
    *,
    cuda_program: Path | None = None,
    remarks: str = "",
) -> KernelsResult:
    """Times every candidate on every shape.

    cuda_program: ``bench_scan``, where it was built; it runs on the GPU that is here.
    """
    cuda, reason = run_cuda_program(cuda_program)
    result = KernelsResult.begin(
        remarks,
        kind="kernels",
        instruction_set=native.instruction_sets()[0],
        dtype="float32",
        threads=threads,
        left_out=[name for name in ("onnx", "torch") if not importlib.util.find_spec(name)],
        shapes=[],
        cuda=cuda,
        cuda_reason=reason,
    )
    measured = []
    with ThreadPoolExecutor(threads) as pool:
        for shape in tqdm(shapes, unit="shape", disable=None):
            measured.append(_measure_shape(shape, threads, blocks, pool))
    return result.with_more(shapes=measured)


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
    share = ratio_of_turns(turns, "copy", "scan")
    rows = [
        KernelRow(
            candidate=name,
            times=Times.of(found),
            bytes=MAPS * 4 * math.prod(shape) if name in ("scan", "copy") else None,
            launches=1 if name in ("scan", "ort native") else None,
            bandwidth_share=share.ratio if share and name == "scan" else None,
        )
        for name, found in turns.items()
    ]
    ratios = [ratio_of_turns(turns, *pair) for pair in RATIOS if turns.keys() >= set(pair)]
    return KernelShape(shape=shape, rows=rows, ratios=[r for r in ratios if r is not None])


def _groups(shape: Shape, threads: int, pool: ThreadPoolExecutor) -> Iterator[Work]:
    """Candidates that are compared with one another."""
    yield forward_work(shape, threads, pool)
    if shape != LARGE and importlib.util.find_spec("onnx"):
        yield runtime_work(shape, threads)
    if shape != LARGE and importlib.util.find_spec("torch"):
        yield backward_work(shape, threads)


def run_cuda_program(program: Path | None) -> tuple[list[CudaRow] | None, str | None]:
    """What the program measured, or None and why nothing was.

    Raises:
        BenchError: the program was given and failed.
    """
    if program is None:
        return None, "not measured: no --cuda-program (kernels/cuda/run_gpu_checks.sh builds it)"
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "bench.json"
        command = [str(program), "--json", str(output)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except OSError as error:
            raise BenchError(f"cannot run {program}: {error.strerror}") from error
        except subprocess.CalledProcessError as error:
            raise BenchError(
                f"{program} failed: {(error.stderr or error.stdout).strip()}"
            ) from error
        return [_row(row) for row in json.loads(output.read_text())["passes"]], None


def _row(found: dict[str, Any]) -> CudaRow:
    same = ("shape", "dtype", "bytes", "launches", "copy_us", "auto_share_of_copy")
    return CudaRow(
        direction=found["pass"],
        strategies_us={name: found[f"{name}_us"] for name in STRATEGIES},
        **{name: found[name] for name in same},
    )
