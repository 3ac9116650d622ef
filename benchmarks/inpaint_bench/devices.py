"""Peak rates of Jetsons, as NVIDIA publishes them."""

from __future__ import annotations

from collections.abc import Mapping

from inpaint_bench.schema.roofline import Device
from inpaint_eval.machine import Machine

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
