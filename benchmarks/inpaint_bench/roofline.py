"""The least time that networks can take on devices, from their layers and the devices' rates."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

from inpaint_bench.executors import GPU_BACKENDS
from inpaint_bench.schema.common import Size
from inpaint_bench.schema.results import Bound, Device, RooflineResult, RunResult
from inpaint_eval.cost import Layer, Network, read_network
from inpaint_eval.machine import Machine
from inpaint_sdk.models.file import ModelFile

TENSOR_CORES = {"fp32": 512, "fp16": 1024, "int8": 2048}
"""Multiply-adds a clock of one Orin multiprocessor, dense. fp32 is TF32, which TensorRT uses."""


def _orin(name: str, tops: int, multiprocessors: int, mhz: int, gigabytes: float) -> Device:
    """tops: sparse INT8, of the GPU; dense is half of it. gigabytes: a second."""
    return Device(
        name=name,
        source="published",
        reference=f"NVIDIA's data sheet: {tops} sparse INT8 TOPS of the GPU at {mhz} MHz, "
        f"{gigabytes:g} GB/s; dense is half of sparse",
        multiply_adds={p: n * multiprocessors * mhz * 1e6 for p, n in TENSOR_CORES.items()},
        bytes_per_second=gigabytes * 1e9,
        cache_bytes=8e6,  # the second-level and the system's cache of the largest Orin
    )


PUBLISHED: Mapping[str, Device] = {
    "orin-nano": _orin("Jetson Orin Nano 8GB, 15 W", 40, 8, 625, 68),
    "orin-nano-super": _orin("Jetson Orin Nano 8GB, MAXN SUPER", 67, 8, 1020, 102),
    "orin-nx": _orin("Jetson Orin NX 16GB", 60, 8, 918, 102.4),
    "agx-orin": _orin("Jetson AGX Orin 64GB", 170, 16, 1300, 204.8),
    "thor": Device(
        name="Jetson T5000 (Thor)",
        source="published",
        reference="NVIDIA's data sheet: 2070 sparse FP4 TFLOPS, 273 GB/s; FP16 dense an eighth of "
        "it, TF32 a sixteenth; no INT8 rate is published",
        multiply_adds={"fp16": 129.4e12, "fp32": 64.7e12},
        bytes_per_second=273e9,
        cache_bytes=32e6,
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


def find_bounds(
    models: Sequence[ModelFile],
    sizes: Sequence[Size],
    devices: Sequence[str],
    runs: Sequence[RunResult],
    remarks: str = "",
) -> RooflineResult:
    """Bounds of every model at every size on every device.

    devices: keys of :data:`PUBLISHED`. runs: what was measured, to stand beside the bounds.

    Raises:
        ValueError: a network's sizes do not follow from the picture's.
    """
    networks = [read_network(model, *size) for model in models for size in sizes]
    bounds = [
        bound_of(network, PUBLISHED[key], find_measured(network, key, runs))
        for network, key in itertools.product(networks, devices)
    ]
    return RooflineResult.begin(
        remarks,
        kind="roofline",
        networks=networks,
        devices=[PUBLISHED[key] for key in devices],
        bounds=[bound for bound in bounds if bound is not None],
    )


def bound_of(network: Network, device: Device, measured_ms: float | None = None) -> Bound | None:
    """The least time on a device; None where it has no rate for a layer's precision."""
    needed = {layer.precision for layer in network.layers if layer.multiply_adds}
    if not needed <= device.multiply_adds.keys():
        return None
    arithmetic = sum(_arithmetic(layer, device) for layer in network.layers)
    memory = network.bytes_least / device.bytes_per_second
    layered = sum(_layer(layer, device) for layer in network.layers if not layer.fused)
    # Whatever a program does, it does not beat the first of the two.
    layered = max(layered, arithmetic, memory)
    return Bound(
        device=device.name,
        model=network.model,
        precision=network.precision,
        size=network.size,
        least_ms=1e3 * max(arithmetic, memory),
        layered_ms=1e3 * layered,
        bound_by="arithmetic" if arithmetic >= memory else "memory",
        measured_ms=measured_ms,
        efficiency=None if measured_ms is None else 1e3 * layered / measured_ms,
    )


def find_measured(network: Network, device: str, runs: Iterable[RunResult]) -> float | None:
    """The least median of the network alone on that device's GPU that these results hold.

    device: key of :data:`PUBLISHED`.
    """
    wanted = {f"{network.model}/{backend}/{network.precision}" for backend in GPU_BACKENDS}
    found = [
        row.times.p50
        for run in runs
        if matches(device, run.machine)
        for label in wanted & {candidate.label for candidate in run.plan.candidates}
        for case in run.cases
        if (case.key.scope, case.key.size, case.key.batch) == ("network", network.size, 1)
        for row in case.rows
        if row.candidate == label and row.times is not None
    ]
    return min(found, default=None)


def _arithmetic(layer: Layer, device: Device) -> float:
    if not layer.multiply_adds:
        return 0.0
    return layer.multiply_adds / device.multiply_adds[layer.precision]


def _layer(layer: Layer, device: Device) -> float:
    """The longer of arithmetic and traffic: weights always, tensors that no cache holds."""
    tensors = sum(size for size in (*layer.read, *layer.written) if size > device.cache_bytes)
    traffic = (layer.weights + tensors) / device.bytes_per_second
    return max(_arithmetic(layer, device), traffic)
