"""Bounds against rates that are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from inpaint_bench.roofline import PUBLISHED, bound_of, find_measured, matches
from inpaint_bench.schema import read_result
from inpaint_bench.schema.results import Device, RooflineResult, RunResult
from inpaint_eval.cost import Layer, Network, read_network
from inpaint_eval.machine import read_machine
from inpaint_sdk.models.zoo import open_model
from support.bench import Bench
from support.jetson_trees import AGX_ORIN, ORIN_NANO, THOR, write_tree


def layer(**changes: object) -> Layer:
    values = {
        "name": "conv",
        "operator": "Conv",
        "output": [1, 8, 8, 8],
        "precision": "fp32",
        "multiply_adds": 0,
        "operations": 0,
        "read": [],
        "written": [],
        "weights": 0,
        "fused": False,
    }
    return Layer(**{**values, **changes})


DEVICE = Device(
    name="made up",
    source="published",
    reference="",
    multiply_adds={"fp32": 1e9},
    bytes_per_second=1e9,
    cache_bytes=1e6,
)


def network(*layers: Layer, least: int = 0) -> Network:
    return Network(
        model="it",
        precision="fp32",
        sha256="",
        file_bytes=1,
        size=(8, 8),
        parameters=1,
        multiply_adds=sum(x.multiply_adds for x in layers),
        operations=0,
        bytes_least=least,
        bytes_layered=1,
        layers=list(layers),
    )


def test_each_layer_takes_the_longer_of_the_two() -> None:
    """10 ms of arithmetic, then 20 ms of traffic; what fits the cache or is fused costs nothing."""
    arithmetic = layer(multiply_adds=10_000_000, read=[5_000_000], weights=1_000_000)
    traffic = layer(multiply_adds=1_000_000, read=[12_000_000, 900_000], written=[8_000_000])
    fused = layer(operator="Add", read=[90_000_000], written=[90_000_000], fused=True)
    bound = bound_of(network(arithmetic, traffic, fused, least=3_000_000), DEVICE, 60.0)
    assert bound is not None
    assert bound.layered_ms == pytest.approx(10 + 20)
    assert bound.least_ms == pytest.approx(11)
    assert bound.bound_by == "arithmetic"
    assert bound.efficiency == pytest.approx(0.5)


def test_the_least_is_what_weights_and_pictures_take_where_there_is_little_to_compute() -> None:
    bound = bound_of(network(layer(multiply_adds=1_000_000), least=7_000_000), DEVICE)
    assert bound is not None
    assert (bound.least_ms, bound.bound_by) == (pytest.approx(7), "memory")
    assert bound.layered_ms >= bound.least_ms
    assert bound.measured_ms is bound.efficiency is None


def test_no_rate_no_bound() -> None:
    assert bound_of(network(layer(multiply_adds=1, precision="int8")), DEVICE) is None


@pytest.mark.parametrize(
    ("key", "tree"),
    [("orin-nano-super", ORIN_NANO), ("agx-orin", AGX_ORIN), ("thor", THOR)],
)
def test_a_jetson_is_one_published_device(tmp_path: Path, key: str, tree: dict[str, str]) -> None:
    machine = read_machine(write_tree(tmp_path, tree))
    assert [name for name in PUBLISHED if matches(name, machine)] == [key]


def test_published_rates_are_those_of_the_data_sheets() -> None:
    """Twice a multiply-add is two operations; sparse INT8 is twice dense."""
    sparse = {"orin-nano": 40, "orin-nano-super": 67, "orin-nx": 60, "agx-orin": 170}
    for key, tops in sparse.items():
        assert 4 * PUBLISHED[key].multiply_adds["int8"] / 1e12 == pytest.approx(tops, rel=0.03)
    assert 16 * PUBLISHED["thor"].multiply_adds["fp16"] / 1e12 == pytest.approx(2070, rel=0.01)
    assert all(device.source == "published" for device in PUBLISHED.values())


def test_the_command(bench: Bench, tmp_path: Path) -> None:
    output = tmp_path / "roofline.json"
    arguments = ["--models", "photo", "--sizes", "64,1088x1920", "--devices", "orin-nano,thor"]
    found = bench("roofline", *arguments, "-o", output)
    assert found.exit_code == 0, found.output
    assert "not measured" in found.output
    result = read_result(output)
    assert isinstance(result, RooflineResult)
    assert [(b.device, b.size) for b in result.bounds] == [
        (PUBLISHED[key].name, size)
        for size in ((64, 64), (1088, 1920))
        for key in ("orin-nano", "thor")
    ]
    assert all(b.measured_ms is None for b in result.bounds)
    convolutions = [x.output[:2] for x in result.networks[0].layers if x.operator == "Conv"]
    assert [1, 48] in convolutions  # photo's stem
    found = bench("roofline", "--devices", "abacus", "-o", output)
    assert (found.exit_code, "'abacus' is not one of" in found.output) == (2, True)


def test_a_run_on_a_jetson_stands_beside_its_bound(run_result: RunResult, tmp_path: Path) -> None:
    photo = read_network(open_model("photo"), 64, 64)
    candidate = run_result.plan.candidates[0].model_copy(update={"backend": "tensorrt"})
    case = run_result.cases[0]
    key = case.key.model_copy(update={"scope": "network"})
    row = case.rows[0].model_copy(update={"candidate": candidate.label})
    plan = run_result.plan.model_copy(update={"candidates": [candidate]})
    jetson = {
        "plan": plan,
        "machine": read_machine(write_tree(tmp_path, AGX_ORIN)),
        "cases": [case.model_copy(update={"key": key, "rows": [row]})],
    }
    run = run_result.model_copy(update=jetson)
    assert row.times is not None
    assert find_measured(photo, "agx-orin", [run]) == row.times.p50
    assert find_measured(photo, "thor", [run]) is None
    # Of the processor, of scope call and of another size it is not the GPU's network alone.
    assert find_measured(photo, "agx-orin", [run_result]) is None
    call = run.model_copy(update={"cases": [case.model_copy(update={"rows": [row]})]})
    assert find_measured(photo, "agx-orin", [call]) is None
    on_processor = run.model_copy(update={"plan": run_result.plan})
    assert find_measured(photo, "agx-orin", [on_processor]) is None
    assert find_measured(read_network(open_model("photo"), 96, 96), "agx-orin", [run]) is None
