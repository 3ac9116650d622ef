"""``inpaint-bench sdk``: rows in processes of their own, kept beside one another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inpaint_bench.errors import BenchError
from inpaint_bench.schema import read_result, write_result
from inpaint_bench.schema.results import SdkResult
from inpaint_bench.sdk import ROWS, measure_sdk, startup, stream
from support.bench import Bench, failing_row

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


def test_start() -> None:
    row = startup(runs=1)
    assert row.figures["imports_torch"] is False
    imported = row.figures["import_milliseconds"]["p50"]
    assert 0 < imported < row.figures["first_result_milliseconds"]["p50"]


def test_the_stream_row_accounts_for_every_frame() -> None:
    figures = stream(count=40).figures
    assert (figures["counts"]["captured"], figures["uncounted"]) == (40, 0)


def test_a_row_that_fails_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(ROWS, "video", failing_row)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))  # its process finds the row
    with pytest.raises(BenchError, match=r"the row video failed: its process ended .*on purpose"):
        measure_sdk(["video"], tmp_path / "sdk.json")
    assert not (tmp_path / "sdk.json").exists()


def test_rows_of_another_machine_are_not_mixed(bench: Bench, tmp_path: Path) -> None:
    (committed,) = RESULTS.glob("sdk-*.json")
    result = read_result(committed)
    assert isinstance(result, SdkResult)
    machine = replace(result.machine, revision="other")
    path = tmp_path / "sdk.json"
    write_result(result.model_copy(update={"machine": machine}), path)
    found = bench("sdk", "--rows", "startup", "-o", path)
    assert (found.exit_code, "revision" in found.output) == (2, True)
    found = bench("sdk", "--rows", "magic", "-o", tmp_path / "new.json")
    assert (found.exit_code, "'magic' is not one of 'startup'" in found.output) == (2, True)
