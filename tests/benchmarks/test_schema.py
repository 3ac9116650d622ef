"""Result files: what is refused, and with which place; that the documentation is right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inpaint_bench.errors import BenchError
from inpaint_bench.schema import json_schema, read_result, write_result
from inpaint_bench.schema.common import Times
from inpaint_bench.schema.results import RunResult
from inpaint_bench.tables import require_revision
from inpaint_eval.timing import Turns

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def broken(file: Path, folder: Path, change: Any) -> Path:
    document = json.loads(file.read_text())
    change(document)
    path = folder / "broken.json"
    path.write_text(json.dumps(document))
    return path


def drop_cpu(document: dict[str, Any]) -> None:
    del document["machine"]["cpu"]


def misspell(document: dict[str, Any]) -> None:
    document["cases"][0]["rows"][0]["loadms"] = 1.0


def make_text(document: dict[str, Any]) -> None:
    document["cases"][0]["rows"][2]["times"]["turns"][1][0] = "fast"


def make_negative(document: dict[str, Any]) -> None:
    document["cases"][0]["rows"][2]["times"]["turns"][1][0] = -1.0


def falsify(document: dict[str, Any]) -> None:
    document["cases"][0]["rows"][2]["times"]["p50"] /= 2


def swap(document: dict[str, Any]) -> None:
    ratio = document["cases"][0]["ratios"][0]["ratio"]
    ratio["low"], ratio["high"] = ratio["high"] + 1, ratio["low"]


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (drop_cpu, r"machine\.cpu: Field required"),
        (misspell, r"cases\.0\.rows\.0\.loadms: Extra inputs"),
        (
            make_text,
            r"cases\.0\.rows\.2\.times\.turns\.1\.0: Input should be a valid number",
        ),
        (make_negative, r"cases\.0\.rows\.2\.times\.turns\.1\.0: .*greater than or equal"),
        (falsify, r"cases\.0\.rows\.2\.times: .*p50, p90 and p99 of these turns are"),
        (swap, r"cases\.0\.ratios\.0\.ratio: .*is not from"),
        (lambda d: d.update(kind="walk"), r"kind|'walk'"),
        (lambda d: d.pop("format"), "is not a result of inpaint-bench"),
        (lambda d: d.update(format_version=99), "of result format 99; .* Upgrade it"),
        (lambda d: d.update(format_version=1), "of result format 1; .* Measure again"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(
    run_file: Path, tmp_path: Path, change: Any, place: str
) -> None:
    with pytest.raises(BenchError, match=place):
        read_result(broken(run_file, tmp_path, change))


def test_what_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    with pytest.raises(BenchError, match="cannot read"):
        read_result(path)
    path.write_text("{")
    with pytest.raises(BenchError, match="is not JSON"):
        read_result(path)
    path.write_text("[1]")
    with pytest.raises(BenchError, match="is not a result"):
        read_result(path)


def test_what_is_written_is_read_again(run_result: RunResult, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "copy.json"
    write_result(run_result, path)
    assert read_result(path) == run_result
    assert [p.name for p in path.parent.iterdir()] == ["copy.json"]
    # Lists of numbers are one line each.
    (turns,) = (x.times.turns for x in run_result.cases[0].rows if x.candidate == "opencv-ns")
    assert f"[{', '.join(json.dumps(t) for t in turns[0])}]" in path.read_text()


def test_times_are_checked() -> None:
    times = Times.of(Turns([0, 2], [[1.0, 3.0], [2.0]]))
    assert times.p50 == 2.0
    with pytest.raises(ValueError, match="ascending"):
        Times.of(Turns([2, 0], [[1.0], [2.0]]))
    with pytest.raises(ValueError, match="a call in each"):
        Times(blocks=[0], turns=[[]], p50=1, p90=1, p99=1)


def test_the_json_schema_in_the_repository_is_this_one() -> None:
    """``inpaint-bench schema > benchmarks/result.schema.json`` writes it."""
    assert json.loads((BENCHMARKS / "result.schema.json").read_text()) == json_schema()


@pytest.mark.parametrize(
    "path", sorted((BENCHMARKS / "results").glob("*.json")), ids=lambda p: p.name
)
def test_committed_results_are_of_this_format_and_of_revisions_that_exist(path: Path) -> None:
    require_revision(read_result(path), path.name)
