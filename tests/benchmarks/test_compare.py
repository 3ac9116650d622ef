"""What a comparison calls worse, and what not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inpaint_bench.compare import Verdict, compare
from inpaint_bench.errors import BenchError
from inpaint_bench.schema import read_result, write_result
from inpaint_bench.schema.common import Times
from inpaint_bench.schema.results import Group, QualityResult, QualityRow, RunResult, Sample
from inpaint_eval.scores import Score
from inpaint_eval.timing import Turns
from support.bench import Bench

OURS = "photo/onnxruntime-cpu/fp32"


def remade(
    result: RunResult, seed: int = 0, noise: float = 0.03, busy: float = 2.5, **means: float
) -> RunResult:
    """The same run with other times: 12 turns of 5 calls around a mean, or the candidate failed."""
    rng = np.random.default_rng(seed)
    case = result.cases[0]
    slow = rng.choice([1.0, busy], 12)  # blocks in which the machine did something else too
    rows = []
    for row in case.rows:
        mean = means.get(row.candidate.split("/")[0].replace("-", "_"))
        if row.times is None or mean is None:
            rows.append(row)
        elif mean == 0:
            rows.append(type(row)(candidate=row.candidate, status="failed", reason="it fell"))
        else:
            turns = [list(mean * s * rng.normal(1, noise, 5)) for s in slow]
            rows.append(row.model_copy(update={"times": Times.of(Turns(list(range(12)), turns))}))
    cases = [case.model_copy(update={"rows": rows})]
    return result.model_copy(update={"cases": cases})


BASE = {"photo": 10.0, "opencv_telea": 5.0, "opencv_ns": 4.0}


def verdicts(a: RunResult, b: RunResult, **options: float) -> dict[str, Verdict]:
    found = compare(a, b, **options)
    return {finding.candidate: finding.verdict for finding in found.findings}


def test_the_same_thing_again_is_no_regression(run_result: RunResult) -> None:
    for seed in range(20):
        a, b = (remade(run_result, seed=s, **BASE) for s in (seed, seed + 100))
        assert set(verdicts(a, b).values()) == {Verdict.SAME}


@pytest.mark.parametrize(
    ("photo", "verdict"),
    [(11.5, Verdict.WORSE), (8.5, Verdict.BETTER), (10.1, Verdict.SAME)],
)
def test_a_change_is_seen_through_a_busy_machine(
    run_result: RunResult, photo: float, verdict: Verdict
) -> None:
    a, b = remade(run_result, **BASE), remade(run_result, seed=1, **{**BASE, "photo": photo})
    assert verdicts(a, b) == {OURS: verdict, "opencv-ns": Verdict.SAME}


def without_peers(result: RunResult) -> RunResult:
    ours = [c for c in result.plan.candidates if c.kind == "model"]
    plan = result.plan.model_copy(update={"candidates": ours})
    return result.model_copy(update={"plan": plan})


def test_a_machine_that_is_slower_throughout_counts_only_without_a_peer(
    run_result: RunResult,
) -> None:
    a = remade(run_result, busy=1.0, **BASE)
    b = remade(run_result, busy=1.0, **{name: 1.5 * ms for name, ms in BASE.items()})
    assert verdicts(a, b)[OURS] is Verdict.SAME
    assert verdicts(without_peers(a), without_peers(b))[OURS] is Verdict.WORSE


def test_a_candidate_that_fails_now_is_worse(run_result: RunResult) -> None:
    a, b = remade(run_result, **BASE), remade(run_result, **{**BASE, "photo": 0.0})
    (finding,) = compare(a, b).worse
    assert (finding.candidate, finding.note) == (OURS, "failed: it fell")
    assert not compare(b, a).worse
    lost = [remade(run_result, **{**BASE, "opencv_telea": 0.0, "photo": p}) for p in (10.0, 0.0)]
    assert [finding.candidate for finding in compare(*lost).worse] == [OURS]


def test_tolerance(run_result: RunResult) -> None:
    a = remade(run_result, noise=0.001, **BASE)
    b = remade(run_result, noise=0.001, seed=1, **{**BASE, "photo": 10.5})
    assert verdicts(a, b)[OURS] is Verdict.WORSE
    assert verdicts(a, b, tolerance=0.1)[OURS] is Verdict.SAME


def test_another_machine_is_said(run_result: RunResult) -> None:
    cpu = replace(run_result.machine.cpu, name="Cortex-A78AE")
    libraries = {**run_result.machine.libraries, "onnxruntime": "1.19.0"}
    machine = replace(run_result.machine, cpu=cpu, libraries=libraries)
    other = run_result.model_copy(update={"machine": machine, "remarks": "in a cold room"})
    found = compare(run_result, other)
    assert "measured on different machines" in found.notes[0]
    assert any(note.endswith("then 1.19.0") for note in found.notes)
    assert "B: in a cold room" in found.notes


def test_exit_codes(bench: Bench, run_result: RunResult, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.json", "b.json")]
    write_result(remade(run_result, **BASE), paths[0])
    write_result(remade(run_result, seed=1, **{**BASE, "photo": 13.0}), paths[1])
    found = bench("compare", *paths)
    assert found.exit_code == 1
    row = f"WORSE +call, 64x64, holes 10-20 %, batch 1, 1 thread +{OURS} "
    assert re.search(row, found.output)
    assert "1 WORSE, 0 better, 1 same" in found.output
    assert bench("compare", *paths[::-1]).exit_code == 0
    paths[1].write_text("{}")
    assert bench("compare", *paths).exit_code == 2


def quality(run_result: RunResult, psnr: list[float], pictures: str = "abcdefgh") -> QualityResult:
    scores = [
        Score(psnr_hole=p, psnr=p + 9, ssim_hole=0.5, ssim=0.9, gmsd=0.1, gms_hole=0.8)
        for p in psnr
    ]
    samples = [
        Sample(picture=n, mask="m", hole_percent=15, size=(9, 9), sha256=n) for n in pictures
    ]
    row = QualityRow(candidate=OURS, status="measured", mean=scores[0], scores=scores)
    group = Group(mask_kind="masks", holes="10-20", samples=samples[: len(psnr)], rows=[row])
    return QualityResult(
        format="inpaint-bench",
        format_version=2,
        kind="quality",
        started="",
        finished="",
        machine=run_result.machine,
        pictures="pictures",
        candidates=[run_result.plan.candidates[0]],
        files={},
        groups=[group],
        complete=True,
    )


def test_quality_is_compared_picture_by_picture(run_result: RunResult) -> None:
    """A loss of 0.05 dB on every picture is far below how much pictures differ."""
    before = [20.0, 31.0, 25.0, 28.0, 19.0, 22.0, 30.0, 26.0]
    a = quality(run_result, before)
    b = quality(run_result, [p - 0.05 + 0.01 * (i % 3) for i, p in enumerate(before)])
    found = {f.figure: f.verdict for f in compare(a, b).findings}
    assert found["psnr_hole"] is found["psnr"] is Verdict.WORSE
    assert found["ssim"] is found["gmsd"] is Verdict.SAME
    found = {f.figure: f.verdict for f in compare(b, a).findings}
    assert found["psnr"] is Verdict.BETTER
    assert not compare(a, a).worse


def test_what_cannot_be_compared(run_result: RunResult) -> None:
    a = quality(run_result, [20.0, 21.0])
    with pytest.raises(BenchError, match="a result of quality and one of run"):
        compare(a, run_result)
    with pytest.raises(BenchError, match="nothing in common"):
        compare(a, quality(run_result, [20.0, 21.0], pictures="xy"))


def test_a_file_of_another_machine_opens(run_file: Path, tmp_path: Path) -> None:
    """Every field of a machine that this one has not: a Jetson, its GPU, clocks, temperatures."""
    document = json.loads(run_file.read_text())
    document["machine"]["jetson"] = {
        "module": "Jetson Orin Nano 8GB",
        "part": "p3767-0003",
        "l4t": "36.4.3",
        "jetpack": "6.2",
        "power_mode": "25W",
        "power_mode_id": 1,
    }
    document["cases"][0]["states"][0] |= {"gpu_mhz": 918.0, "temperatures": {"gpu-thermal": 51.5}}
    path = tmp_path / "jetson.json"
    path.write_text(json.dumps(document))
    result = read_result(path)
    assert result.machine.jetson is not None
    assert not compare(read_result(run_file), result).worse
