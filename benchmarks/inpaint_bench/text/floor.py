"""Floors, for people."""

from __future__ import annotations

from collections.abc import Iterator

from inpaint_bench.schema.floor import Floor, FloorResult
from inpaint_bench.text.tables import Block, Heading, Table, markdown, number
from inpaint_eval.cost import Network


def describe_floors(result: FloorResult, fps: float, *, layers: bool = False) -> str:
    """Costs, rates and least times; fps: pictures a second that are asked about.

    layers: every layer of each network too.
    """
    found = list(blocks(result, fps))
    for network in result.networks if layers else ():
        found += [
            Heading(f"{network.model}, {network.size[0]}x{network.size[1]}"),
            _layers(network),
        ]
    return markdown(found)


def _layers(network: Network) -> Table:
    return Table(
        ("layer", "operator", "output", "multiply-adds", "read kB", "written kB", "weights kB"),
        [
            [
                layer.name,
                layer.operator + (" (fused)" if layer.fused else ""),
                "x".join(map(str, layer.output)),
                f"{layer.multiply_adds / 1e6:.2f} M",
                number(sum(layer.read) / 1e3),
                number(sum(layer.written) / 1e3),
                number(layer.weights / 1e3),
            ]
            for layer in network.layers
        ],
        left=3,
    )


def blocks(result: FloorResult, fps: float) -> Iterator[Block]:
    yield Table(
        ("model", "precision", "size", "parameters", "multiply-adds", "least MB", "layered MB"),
        [
            [
                n.model,
                n.precision,
                f"{n.size[0]}x{n.size[1]}",
                f"{n.parameters / 1e6:.2f} M",
                f"{n.multiply_adds / 1e9:.2f} G",
                number(n.bytes_least / 1e6),
                number(n.bytes_layered / 1e6),
            ]
            for n in result.networks
        ],
        left=3,
    )
    yield Table(
        ("device", "rates", "multiply-adds/s", "GB/s"),
        [
            [
                d.name,
                d.source,
                ", ".join(f"{p} {v / 1e12:.2f} T" for p, v in d.multiply_adds.items()),
                number(d.bytes_per_second / 1e9),
            ]
            for d in result.devices
        ],
        left=2,
    )
    yield from (f"- {d.name}: {d.reference}" for d in result.devices)
    yield Heading("Least times: not measurements")
    yield (
        "Of programs that do all of the network's multiply-adds. Beside them, what a run took, "
        "where there is one.\n"
    )
    yield Table(
        (
            "model",
            "size",
            "device",
            "least ms",
            "bound by",
            "layer by layer ms",
            f"{fps:g}/s",
            "measured ms",
            "of the floor",
        ),
        [_cells(floor, fps) for floor in result.floors],
        left=3,
    )
    given = {(f.device, f.model, f.precision) for f in result.floors}
    for network in result.networks:
        for device in result.devices:
            if (device.name, network.model, network.precision) not in given:
                yield f"{device.name} has no known rate for {network.model} in {network.precision}"


def _cells(floor: Floor, fps: float) -> list[str]:
    return [
        f"{floor.model} {floor.precision}",
        f"{floor.size[0]}x{floor.size[1]}",
        floor.device,
        number(floor.least_ms, 3),
        floor.bound_by,
        number(floor.layered_ms, 3),
        "impossible" if floor.least_ms > 1e3 / fps else "not excluded",
        "not measured" if floor.measured_ms is None else number(floor.measured_ms, 2),
        "" if floor.efficiency is None else f"{100 * floor.efficiency:.0f} %",
    ]
