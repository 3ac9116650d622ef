"""The least time that networks can take on devices, from their layers and the devices' rates."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from inpaint_bench.devices import PUBLISHED, matches
from inpaint_bench.executors import GPU_BACKENDS
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
    found = [
        row.times.p50
        for run in runs
        if matches(device, run.machine)
        for case in run.cases
        if (case.key.scope, case.key.size, case.key.batch) == ("network", network.size, 1)
        for row in case.rows
        if row.candidate in _on_gpu(network, run) and row.times is not None
    ]
    return min(found, default=None)


def _on_gpu(network: Network, run: RunResult) -> set[str]:
    """Labels of a network's candidates that a GPU runs."""
    wanted = ("model", network.model, network.precision)
    return {
        c.label
        for c in run.plan.candidates
        if (c.kind, c.name, c.precision) == wanted and c.backend in GPU_BACKENDS
    }


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
