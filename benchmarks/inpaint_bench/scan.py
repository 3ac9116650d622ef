"""The directional scan on the CPU: `python -m inpaint_bench.scan --output scan.json`.

For each shape, in one process and interleaved:

    scan             the compiled kernel, four directions
    copy             memcpy of each plane of X to its four places: X read once, 4X written
    plain copy       one memcpy per thread that moves as many bytes: 2.5X read, 2.5X written
    ort native       ONNX Runtime with the custom operator
    ort function     ONNX Runtime with the same file, without it
    backward         gradients of the PyTorch operator, by autograd; the forward pass is not timed
    naive backward   the same of the loop in `naive_torch`, which is what one would write by hand
    step             forward and backward pass of the PyTorch operator
    naive step       the same of the loop
    backward kernel  the compiled kernel's gradients on PyTorch's threads, into memory that is there
                     already: pages of memory that is new take the system as long as the gradients

The last five need PyTorch, the two before them need onnx: what is missing is left out, and named.
The largest shape is measured in the first three only: a loop would need tens of gigabytes.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib.util
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inpaint_bench.machine import describe_machine
from inpaint_bench.timing import interleaved, ratio_interval, summarise
from inpaint_kernels import native

Shape = tuple[int, int, int, int]
Floats = NDArray[np.float32]
Work = dict[str, Callable[[], object]]

LARGE: Shape = (8, 64, 512, 512)
SHAPES: tuple[Shape, ...] = ((1, 32, 128, 128), (1, 32, 256, 256), (1, 64, 512, 512), LARGE)

# What a shape is measured for: ratio's name, numerator, denominator.
RATIOS = (
    ("scan / copy", "scan", "copy"),
    ("scan / plain copy", "scan", "plain copy"),
    ("ort function / ort native", "ort function", "ort native"),
    ("naive backward / backward", "naive backward", "backward"),
    ("naive backward / backward kernel", "naive backward", "backward kernel"),
    ("naive step / step", "naive step", "step"),
)


def _aligned(shape: Sequence[int]) -> Floats:
    """Zeros on a page's start, written to, so that no run pays for first touching them."""
    count = int(np.prod(shape))
    raw = np.zeros(count + 1024, np.float32)
    start = -raw.ctypes.data // 4 % 1024
    raw[:] = 0
    return raw[start : start + count].reshape(shape)


def _inputs(shape: Shape) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(0)
    x = _aligned(shape)
    x[:] = rng.standard_normal(shape, np.float32)
    weight = rng.uniform(-0.9, 0.9, (4, shape[1])).astype(np.float32)
    bias = rng.normal(0, 0.1, (4, shape[1])).astype(np.float32)
    return x, weight, bias


def _tensor(array: Floats) -> Any:
    return native.describe(array.ctypes.data, array.shape, native.FLOAT32)


def _forward_work(shape: Shape, threads: int, pool: ThreadPoolExecutor) -> Work:
    x, weight, bias = _inputs(shape)
    n, c, h, w = shape
    out, twin = _aligned((n, 4 * c, h, w)), _aligned((n, 4 * c, h, w))
    tensors = [_tensor(array) for array in (x, weight, bias, out)]
    plane = h * w * 4
    moves = [
        (twin.ctypes.data + ((i // c * 4 + d) * c + i % c) * plane, x.ctypes.data + i * plane)
        for i in range(n * c)
        for d in range(4)
    ]
    half = x.nbytes * 5 // 2 // threads

    def scan() -> None:
        assert x.size, "keeps the arrays alive as long as their addresses are used"
        native.call("forward", tensors, threads)

    def copy_part(part: int) -> None:
        for to, source in moves[part * len(moves) // threads : (part + 1) * len(moves) // threads]:
            ctypes.memmove(to, source, plane)

    def plain_part(part: int) -> None:
        ctypes.memmove(twin.ctypes.data + part * half, out.ctypes.data + part * half, half)

    return {
        "scan": scan,
        "copy": lambda: list(pool.map(copy_part, range(threads))),
        "plain copy": lambda: list(pool.map(plain_part, range(threads))),
    }


def _model(shape: Shape) -> bytes:
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


def _ort_work(shape: Shape, threads: int) -> Work:
    import onnxruntime

    from inpaint_sdk.native import get_library_path

    x, weight, bias = _inputs(shape)
    n, c, h, w = shape
    model = _model(shape)
    work: Work = {}
    for name in ("ort native", "ort function"):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # A pool that waits by spinning would take cores from the candidate that runs next.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if name == "ort native":
            options.register_custom_ops_library(str(get_library_path()))
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        # Bound buffers: what is timed is the node, not the allocation of its output.
        binding = session.io_binding()
        out = _aligned((n, 4 * c, h, w))
        for key, array in (("x", x), ("weight", weight), ("bias", bias)):
            binding.bind_input(key, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        binding.bind_output("y", "cpu", 0, np.float32, out.shape, out.ctypes.data)

        def run(session: Any = session, binding: Any = binding, arrays: Any = (x, out)) -> None:
            session.run_with_iobinding(binding)

        work[name] = run
    return work


def _backward_work(shape: Shape, threads: int) -> Work:
    import torch

    from inpaint_kernels import naive_torch, torch_op

    torch.set_num_threads(threads)
    x, weight, bias = _inputs(shape)
    out = np.asarray(native.directional_scan(x, weight, bias, threads=threads), np.float32)
    grad_out = np.random.default_rng(1).standard_normal(out.shape, np.float32)
    grads = (_aligned(shape), np.zeros_like(weight), np.zeros_like(bias))
    arrays = (weight, out, grad_out, *grads)
    tensors = [_tensor(array) for array in arrays]

    def kernel() -> None:
        assert arrays, "keeps the arrays alive as long as their addresses are used"
        native.call("backward", tensors, threads, openmp=True)

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
    return work | {"backward kernel": kernel}


def _groups(shape: Shape, threads: int, pool: ThreadPoolExecutor) -> Iterator[tuple[Work, bool]]:
    """Candidates that are compared with one another, and whether one of them is slow."""
    yield _forward_work(shape, threads, pool), shape == LARGE
    if shape == LARGE:
        return
    if importlib.util.find_spec("onnx"):
        yield _ort_work(shape, threads), True
    if importlib.util.find_spec("torch"):
        yield _backward_work(shape, threads), True


def measure(shapes: Sequence[Shape], threads: int, rounds: int) -> dict[str, Any]:
    """Times every candidate on every shape; the result is what the JSON file holds."""
    results = []
    started = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    machine = describe_machine()  # its load average is of before, not of this
    with ThreadPoolExecutor(threads) as pool:
        for shape in shapes:
            times: dict[str, list[float]] = {}
            for work, slow in _groups(shape, threads, pool):
                count = max(rounds // 4, 3) if slow else rounds
                times |= interleaved(work, rounds=count, warmup=max(count // 10, 1))
            results.append(
                {
                    "shape": list(shape),
                    "milliseconds": {name: asdict(summarise(t)) for name, t in times.items()},
                    "ratios": _ratios(times),
                }
            )
    return {
        "benchmark": "directional_scan_cpu",
        "format_version": 1,
        "started": started,
        "machine": machine,
        "instruction_set": native.instruction_sets()[0],
        "dtype": "float32",
        "threads": threads,
        "left_out": [name for name in ("onnx", "torch") if not importlib.util.find_spec(name)],
        "shapes": results,
    }


def _ratios(times: Mapping[str, Sequence[float]]) -> dict[str, dict[str, float]]:
    """Of medians with a 95 % interval, and of the fastest runs, which others disturb least."""
    found = {}
    for name, top, bottom in RATIOS:
        if top in times and bottom in times:
            p50, low, high = ratio_interval(times[top], times[bottom])
            fastest = min(times[top]) / min(times[bottom])
            found[name] = {"p50": p50, "p50_low": low, "p50_high": high, "fastest": fastest}
    return found


def table(result: Mapping[str, Any]) -> str:
    """The result as Markdown."""
    machine = result["machine"]
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, {result['threads']} threads, "
        f"{result['instruction_set']}, {result['dtype']}; load {machine['load_average'][0]:.1f}",
        "",
        "| shape | candidate | p50 ms | p90 ms | p99 ms | runs |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for entry in result["shapes"]:
        shape = "x".join(map(str, entry["shape"]))
        for name, t in entry["milliseconds"].items():
            times = f"{t['p50']:.3f} | {t['p90']:.3f} | {t['p99']:.3f} | {t['runs']}"
            lines.append(f"| {shape} | {name} | {times} |")
    lines += [
        "",
        "| shape | ratio | of medians | 95 % interval | of fastest |",
        "| --- | --- | ---: | ---: | ---: |",
    ]
    for entry in result["shapes"]:
        shape = "x".join(map(str, entry["shape"]))
        for name, ratio in entry["ratios"].items():
            interval = f"{ratio['p50_low']:.2f} to {ratio['p50_high']:.2f}"
            values = f"{ratio['p50']:.2f} | {interval} | {ratio['fastest']:.2f}"
            lines.append(f"| {shape} | {name} | {values} |")
    lines += [f"left out: {name} is not installed" for name in result["left_out"]]
    return "\n".join(lines) + "\n"


def _shape(text: str) -> Shape:
    try:
        n, c, h, w = (int(size) for size in text.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not like 1x32x256x256") from None
    if min(n, c, h, w) < 1:
        raise argparse.ArgumentTypeError(f"'{text}': sizes start at 1")
    return n, c, h, w


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Times the directional scan on the CPU.")
    parser.add_argument("--shape", type=_shape, action="append", help="NxCxHxW; may be repeated")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=100, help="a quarter of it for what is slow")
    parser.add_argument("--output", type=Path, help="write the result as JSON")
    options = parser.parse_args(arguments)
    if options.threads < 1 or options.rounds < 1:
        parser.error("--threads and --rounds start at 1")
    result = measure(options.shape or SHAPES, options.threads, options.rounds)
    if options.output:
        options.output.write_text(json.dumps(result, indent=2) + "\n")
    print(table(result), end="")


if __name__ == "__main__":
    main()
