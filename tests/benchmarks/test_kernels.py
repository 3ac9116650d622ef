"""The scan's benchmark, on a picture so small that only its form can be tested."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from support.bench import Bench

pytest.importorskip("torch")
pytest.importorskip("onnx")

from inpaint_bench.errors import BenchError
from inpaint_bench.kernels import RATIOS, run_cuda_program
from inpaint_bench.schema import read_result
from inpaint_bench.schema.results import KernelsResult

X = 4 * 1 * 2 * 5 * 7  # bytes


def test_measures_every_candidate_and_writes_what_it_prints(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "kernels.json"
    found = bench("kernels", "--shapes", "1x2x5x7", "--blocks", 3, "--threads", 2, "-o", file)
    assert found.exit_code == 0, found.output
    result = read_result(file)
    assert isinstance(result, KernelsResult)
    (entry,) = result.shapes
    assert entry.shape == (1, 2, 5, 7)
    assert result.left_out == []
    rows = {row.candidate: row for row in entry.rows}
    assert {name for pair in RATIOS for name in pair} <= set(rows)
    assert {(r.of, r.to) for r in entry.ratios} == set(RATIOS)
    assert (rows["scan"].bytes, rows["copy"].bytes) == (5 * X, 5 * X)
    assert rows["backward"].bytes is None
    assert rows["scan"].launches == 1
    assert rows["scan"].bandwidth_share is not None
    assert rows["copy"].bandwidth_share is None
    assert re.search(rf"1x2x5x7  scan +{rows['scan'].times.p50:.3f} ", found.output)
    assert result.cuda is None
    assert "CUDA kernels: not measured: no --cuda-program" in found.output


@pytest.mark.parametrize("shape", ["1x2x3", "1x2x3x0", "axbxcxd"])
def test_a_shape_that_is_none(bench: Bench, tmp_path: Path, shape: str) -> None:
    found = bench("kernels", "--shapes", shape, "-o", tmp_path / "kernels.json")
    assert found.exit_code == 2
    assert shape in found.output


def program(folder: Path, body: str) -> Path:
    path = folder / "bench_scan"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_what_the_cuda_program_writes_is_read(tmp_path: Path) -> None:
    """The form is that of kernels/cuda/bench_scan.cu."""
    times = {"p50": 12.5, "p90": 13.0}
    line = {
        "pass": "forward",
        "shape": [1, 32, 128, 128],
        "dtype": "fp16",
        "bytes": 5242880,
        "launches": 1,
        "copy_us": times,
        "streaming_us": times,
        "chunked_us": times,
        "auto_us": times,
        "auto_share_of_copy": 0.81,
    }
    (tmp_path / "answer.json").write_text(json.dumps({"device": {}, "passes": [line]}))
    (row,) = run_cuda_program(program(tmp_path, f"cp {tmp_path}/answer.json $2"))
    assert (row.direction, row.launches, row.auto_share_of_copy) == ("forward", 1, 0.81)
    assert set(row.strategies_us) == {"streaming", "chunked", "auto"}


def test_a_cuda_program_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no CUDA-capable device"):
        run_cuda_program(program(tmp_path, "echo no CUDA-capable device >&2; exit 1"))
    with pytest.raises(BenchError, match="cannot run"):
        run_cuda_program(tmp_path / "missing")
