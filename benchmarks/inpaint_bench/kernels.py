"""The recurrent scan on the processor, shape by shape, and on a GPU through its CUDA program.

For each, in one process and in turn:

| candidate | what |
| --- | --- |
| scan | the compiled kernel, four directions |
| copy | a copy of each plane of X to its four places: X read once, 4X written |
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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from inpaint_bench.errors import BenchError
from inpaint_bench.schema.common import Times
from inpaint_bench.schema.results import CudaRow, KernelRow, KernelShape, KernelsResult
from inpaint_eval.sessions import open_session
from inpaint_eval.timing import Turns, ratio_of_turns, ratios_of_turns, time_in_turns
from inpaint_kernels import native

Shape = tuple[int, int, int, int]
"""[N, C, H, W]."""

Floats = NDArray[np.float32]
Work = dict[str, Callable[[], object]]
"""What is timed, by candidate."""

LARGE: Shape = (8, 64, 512, 512)
"""Too large for a loop, which would need tens of gigabytes."""

RATIOS = (("scan", "copy"), ("ort function", "ort native"), ("naive backward", "backward"))
"""What a shape is measured for."""


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
    no_cuda = "not measured: no --cuda-program (kernels/cuda/run_gpu_checks.sh builds it)"
    result = KernelsResult.begin(
        remarks,
        kind="kernels",
        instruction_set=native.instruction_sets()[0],
        dtype="float32",
        threads=threads,
        left_out=[name for name in ("onnx", "torch") if not importlib.util.find_spec(name)],
        shapes=[],
        cuda=None if cuda_program is None else run_cuda_program(cuda_program),
        cuda_reason=no_cuda if cuda_program is None else None,
    )
    with ThreadPoolExecutor(threads) as pool:
        bar = tqdm(shapes, unit="shape", disable=None)
        return result.with_more(shapes=[_measure_shape(s, threads, blocks, pool) for s in bar])


def _measure_shape(
    shape: Shape, threads: int, blocks: int, pool: ThreadPoolExecutor
) -> KernelShape:
    seconds = {"turn_seconds": 0.05, "candidate_seconds": 10.0, "warmup_seconds": 1.0}
    turns: dict[str, Turns] = {}
    for work in _groups(shape, threads, pool):
        turns |= time_in_turns(work, blocks=blocks, **seconds)
    share = ratio_of_turns(turns, "copy", "scan")
    moved = 5 * 4 * math.prod(shape)  # X is read once, and four maps of its size are written
    rows = [
        KernelRow(
            candidate=name,
            times=Times.of(found),
            bytes=moved if name in ("scan", "copy") else None,
            launches=1 if name in ("scan", "ort native") else None,
            bandwidth_share=share.ratio if share and name == "scan" else None,
        )
        for name, found in turns.items()
    ]
    return KernelShape(shape=shape, rows=rows, ratios=ratios_of_turns(turns, RATIOS))


def _groups(shape: Shape, threads: int, pool: ThreadPoolExecutor) -> Iterator[Work]:
    """Candidates that are compared with one another."""
    yield forward_work(shape, threads, pool)
    if shape != LARGE and importlib.util.find_spec("onnx"):
        yield runtime_work(shape, threads)
    if shape != LARGE and importlib.util.find_spec("torch"):
        yield backward_work(shape, threads)


def run_cuda_program(program: Path) -> list[CudaRow]:
    """What the program measured; raises ``BenchError`` where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "bench.json"
        try:
            run = subprocess.run(
                [program, "--json", output], check=False, capture_output=True, text=True
            )
        except OSError as error:
            raise BenchError(f"cannot run {program}: {error.strerror}") from error
        if run.returncode:
            raise BenchError(f"{program} failed: {(run.stderr or run.stdout).strip()}")
        rows = json.loads(output.read_text())["passes"]
    for row in rows:
        row["direction"] = row.pop("pass")
        strategies = ("streaming", "chunked", "auto")
        row["strategies_us"] = {name: row.pop(f"{name}_us") for name in strategies}
    return [CudaRow(**row) for row in rows]


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
    copies = twin.reshape(n, 4, c, h, w)

    def scan() -> None:
        assert arrays, "keeps the arrays alive as long as their addresses are used"
        native.call("forward", tensors, threads)

    def copy_part(part: int) -> None:
        channels = slice(part * c // threads, (part + 1) * c // threads)
        np.copyto(copies[:, :, channels], x[:, None, channels])

    def copy() -> None:
        if threads == 1:
            copy_part(0)  # here, without waiting for a thread
        else:
            list(pool.map(copy_part, range(threads)))

    return {"scan": scan, "copy": copy}


def runtime_work(shape: Shape, threads: int) -> Work:
    """ONNX Runtime with the custom operator, and without: ``ort native`` and ``ort function``."""
    from onnxruntime import OrtValue

    x, weight, bias = make_inputs(shape)
    n, c, h, w = shape
    model = _scan_model(shape)
    work: Work = {}
    for name in ("ort native", "ort function"):
        session = open_session(model, native=name == "ort native", threads=threads)
        # Bound buffers: what is timed is the node, not the allocation of its output.
        binding = session.io_binding()
        for key, array in (("x", x), ("weight", weight), ("bias", bias)):
            binding.bind_cpu_input(key, array)
        out = OrtValue.ortvalue_from_shape_and_type((n, 4 * c, h, w), np.float32)
        binding.bind_ortvalue_output("y", out)
        work[name] = partial(session.run_with_iobinding, binding)
    return work


def _scan_model(shape: Shape) -> bytes:
    from onnx import parser

    from inpaint_kernels import onnx_body

    n, c, h, w = shape
    model = parser.parse_model(
        f"""<ir_version: 9, opset_import: ["": 18, "inpaint_sdk": 1]>
        scan (float[{n}, {c}, {h}, {w}] x, float[4, {c}] weight, float[4, {c}] bias)
            => (float[{n}, {4 * c}, {h}, {w}] y)
        {{ y = inpaint_sdk.DirectionalScan(x, weight, bias) }}"""
    )
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
    for name, module in (("backward", torch_op), ("naive backward", naive_torch)):
        graph = module.directional_scan(*leaves)
        work[name] = partial(torch.autograd.grad, graph, leaves, upstream, retain_graph=True)
    return work
