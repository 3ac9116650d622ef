"""The least time that networks can take on devices, from their layers and the devices' rates."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from inpaint_bench.devices import HERE, PUBLISHED, matches, measure_here
from inpaint_bench.errors import BenchError
from inpaint_bench.schema.common import Size
from inpaint_bench.schema.roofline import Bound, Device, RooflineResult
from inpaint_bench.schema.run import RunResult
from inpaint_eval.cost import Layer, Network, read_network
from inpaint_sdk.models.file import ModelFile


def find_bounds(
    models: Sequence[ModelFile],
    sizes: Sequence[Size],
    devices: Sequence[str],
    runs: Sequence[RunResult],
    threads: int,
    remarks: str = "",
) -> RooflineResult:
    """Bounds of every model at every size on every device.

    devices: keys of :data:`PUBLISHED`, or ``here``, whose rates are measured with ``threads``.

    Raises:
        BenchError: there is no such device.
        ValueError: a network's sizes do not follow from the picture's.
    """
    for key in devices:
        if key != HERE and key not in PUBLISHED:
            raise BenchError(
                f"there is no device {key!r}; there are {HERE}, {', '.join(PUBLISHED)}"
            )
    result = RooflineResult.begin(remarks, kind="roofline", networks=[], devices=[], bounds=[])
    found = [
        measure_here(result.machine, threads) if key == HERE else PUBLISHED[key] for key in devices
    ]
    networks = [read_network(model, *size) for model in models for size in sizes]
    bounds = [
        bound_of(network, device, find_measured(network, device, runs, threads))
        for network, device in itertools.product(networks, found)
    ]
    return result.with_more(
        networks=networks, devices=found, bounds=[b for b in bounds if b is not None]
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


def find_measured(
    network: Network, device: Device, runs: Iterable[RunResult], threads: int
) -> float | None:
    """The median of the network alone on that device, the least of what these results hold."""
    found = []
    for run in runs:
        here = device.source == "measured" and device.name.startswith(f"{run.machine.cpu.name},")
        published = any(d == device and matches(key, run.machine) for key, d in PUBLISHED.items())
        if here or published:
            found += _medians(network, run, on_gpu=published, threads=threads)
    return min(found, default=None)


def _medians(network: Network, run: RunResult, *, on_gpu: bool, threads: int) -> list[float]:
    wanted = {
        c.label
        for c in run.plan.candidates
        if (c.kind, c.name, c.precision) == ("model", network.model, network.precision)
        and (c.backend != "onnxruntime-cpu") == on_gpu
    }
    return [
        row.times.p50
        for case in run.cases
        if case.key.scope == "network"
        and case.key.size == network.size
        and case.key.batch == 1
        and (on_gpu or case.key.threads == threads)
        for row in case.rows
        if row.candidate in wanted and row.times is not None
    ]


def _arithmetic(layer: Layer, device: Device) -> float:
    if not layer.multiply_adds:
        return 0.0
    return layer.multiply_adds / device.multiply_adds[layer.precision]


def _layer(layer: Layer, device: Device) -> float:
    return max(_arithmetic(layer, device), _traffic(layer, device) / device.bytes_per_second)


def _traffic(layer: Layer, device: Device) -> int:
    """Bytes that must pass the memory: weights always, tensors that no cache holds."""
    return layer.weights + _beyond(layer.read, device) + _beyond(layer.written, device)


def _beyond(tensors: Sequence[int], device: Device) -> int:
    return sum(size for size in tensors if size > device.cache_bytes)
