"""Floors of several models at several sizes on several devices."""

from __future__ import annotations

from collections.abc import Sequence

from inpaint_bench.errors import BenchError
from inpaint_bench.floor.devices import HERE, PUBLISHED, measure_here
from inpaint_bench.floor.roofline import find_measured, floor_of
from inpaint_bench.run.benchmark import now
from inpaint_bench.schema.document import FORMAT_VERSION
from inpaint_bench.schema.floor import Device, FloorResult
from inpaint_bench.schema.run import RunResult, Size
from inpaint_eval.cost import read_network
from inpaint_eval.machine import read_machine
from inpaint_sdk.models.file import ModelFile


def find_floors(
    models: Sequence[ModelFile],
    sizes: Sequence[Size],
    devices: Sequence[str],
    runs: Sequence[RunResult],
    threads: int,
    remarks: str = "",
) -> FloorResult:
    """devices: keys of :data:`PUBLISHED`, or ``here``, whose rates are measured with ``threads``.

    Raises:
        BenchError: there is no such device, or a network's sizes do not follow from the picture's.
    """
    started, machine = now(), read_machine()
    found: list[Device] = []
    for key in devices:
        if key != HERE and key not in PUBLISHED:
            raise BenchError(
                f"there is no device {key!r}; there are {HERE}, {', '.join(PUBLISHED)}"
            )
        found.append(measure_here(machine, threads) if key == HERE else PUBLISHED[key])
    networks = [read_network(model, *size) for model in models for size in sizes]
    floors = []
    for network in networks:
        for device in found:
            measured = find_measured(network, device, runs, threads)
            floor = floor_of(network, device, measured)
            if floor is not None:
                floors.append(floor)
    return FloorResult(
        format="inpaint-bench",
        format_version=FORMAT_VERSION,
        kind="floor",
        started=started,
        finished=now(),
        machine=machine,
        remarks=remarks,
        networks=networks,
        devices=found,
        floors=floors,
    )
