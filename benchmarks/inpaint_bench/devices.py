"""Peak rates that makers publish, and those of this machine, measured."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from inpaint_bench.schema.roofline import Device
from inpaint_eval.machine import Machine
from inpaint_eval.machine.base import read_text
from inpaint_eval.machine.describe import usable_cores
from inpaint_eval.sessions import open_session
from inpaint_eval.timing import time_in_turns

HERE = "here"

TENSOR_CORES = {"fp32": 512, "fp16": 1024, "int8": 2048}
"""Multiply-adds a clock of one Orin multiprocessor, dense. fp32 is TF32, which TensorRT uses."""

ORIN_CACHE = 8e6
"""Bytes: the second-level and the system's cache of the largest Orin, 4 MB each."""


def _orin(multiprocessors: int, mhz: float) -> dict[str, float]:
    return {p: n * multiprocessors * mhz * 1e6 for p, n in TENSOR_CORES.items()}


def _published(
    name: str, reference: str, rates: dict[str, float], gigabytes: float, cache: float
) -> Device:
    return Device(
        name=name,
        source="published",
        reference=reference,
        multiply_adds=rates,
        bytes_per_second=gigabytes * 1e9,
        cache_bytes=cache,
    )


PUBLISHED: Mapping[str, Device] = {
    "orin-nano": _published(
        "Jetson Orin Nano 8GB, 15 W",
        "NVIDIA's data sheet: 40 sparse INT8 TOPS at 625 MHz, 68 GB/s; dense is half of sparse",
        _orin(8, 625),
        68,
        ORIN_CACHE,
    ),
    "orin-nano-super": _published(
        "Jetson Orin Nano 8GB, MAXN SUPER",
        "NVIDIA's data sheet: 67 sparse INT8 TOPS at 1020 MHz, 102 GB/s; dense is half of sparse",
        _orin(8, 1020),
        102,
        ORIN_CACHE,
    ),
    "orin-nx": _published(
        "Jetson Orin NX 16GB",
        "NVIDIA's data sheet: 60 sparse INT8 TOPS of the GPU at 918 MHz, 102 GB/s; dense is half",
        _orin(8, 918),
        102.4,
        ORIN_CACHE,
    ),
    "agx-orin": _published(
        "Jetson AGX Orin 64GB",
        "NVIDIA's data sheet: 170 sparse INT8 TOPS of the GPU at 1300 MHz, 205 GB/s; dense is half",
        _orin(16, 1300),
        204.8,
        ORIN_CACHE,
    ),
    "thor": _published(
        "Jetson T5000 (Thor)",
        "NVIDIA's data sheet: 2070 sparse FP4 TFLOPS, 273 GB/s; FP16 dense an eighth of it, TF32 a "
        "sixteenth; no INT8 rate is published",
        {"fp16": 129.4e12, "fp32": 64.7e12},
        273,
        32e6,
    ),
}


def matches(key: str, machine: Machine) -> bool:
    """Whether a machine is one of that published device. The Super modes share their module."""
    if machine.jetson is None:
        return False
    module, mode = machine.jetson.module, machine.jetson.power_mode or ""
    fast = "MAXN" in mode or "25W" in mode
    return {
        "orin-nano": "Orin Nano 8GB" in module and not fast,
        "orin-nano-super": "Orin Nano 8GB" in module and fast,
        "orin-nx": "Orin NX 16GB" in module,
        "agx-orin": "AGX Orin" in module and "32GB" not in module,
        "thor": "Thor" in module,
    }[key]


def measure_here(machine: Machine, threads: int | None = None) -> Device:
    """The processor here: the best of several large products, in ONNX Runtime, and copies."""
    threads = threads or usable_cores()
    return Device(
        name=f"{machine.cpu.name}, {threads} threads",
        source="measured",
        reference="best of several products of 1024x1024 matrices in ONNX Runtime, and of copies",
        multiply_adds={
            "fp32": _product_rate("MatMul", np.float32, np.float32, threads),
            "int8": _product_rate("MatMulInteger", np.uint8, np.int8, threads),
        },
        bytes_per_second=_copy_rate(threads),
        cache_bytes=_largest_cache(Path("/")),
    )


def _best_seconds(call: Callable[[], object]) -> float:
    turns = time_in_turns({"": call}, blocks=3, turn_seconds=0.3, warmup_seconds=1.0)
    return min(turns[""].calls) / 1e3


def _product_rate(operator: str, left: Any, right: Any, threads: int, side: int = 1024) -> float:
    from onnx import helper

    types: dict[Any, int] = {np.float32: 1, np.uint8: 2, np.int8: 3}  # onnx.TensorProto's
    out = 1 if operator == "MatMul" else 6  # FLOAT, INT32
    rng = np.random.default_rng(0)
    weight: Any = rng.integers(-9, 9, (side, side)).astype(right)
    graph = helper.make_graph(
        [helper.make_node(operator, ["a", "b"], ["c"])],
        "product",
        [helper.make_tensor_value_info("a", types[left], (side, side))],
        [helper.make_tensor_value_info("c", out, (side, side))],
        [helper.make_tensor("b", types[right], (side, side), weight.tobytes(), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    session = open_session(model.SerializeToString(), threads=threads)
    fed: Any = {"a": rng.integers(0, 9, (side, side)).astype(left)}
    return side**3 / _best_seconds(lambda: session.run(None, fed))


def _copy_rate(threads: int, megabytes: int = 256) -> float:
    """Bytes read and written a second."""
    source, target = (np.ones(megabytes << 20, np.uint8) for _ in range(2))
    part = len(source) // threads
    with ThreadPoolExecutor(threads) as pool:

        def copy(index: int) -> None:
            start = index * part
            ctypes.memmove(target.ctypes.data + start, source.ctypes.data + start, part)

        return 2 * part * threads / _best_seconds(lambda: list(pool.map(copy, range(threads))))


def _largest_cache(root: Path) -> float:
    """Bytes of all first-core caches together; 0 where the system does not tell."""
    total = 0.0
    for folder in (root / "sys/devices/system/cpu/cpu0/cache").glob("index*"):
        text = read_text(folder / "size") or ""
        if text.endswith("K") and read_text(folder / "type") != "Instruction":
            total += float(text[:-1]) * 1024
    return total
