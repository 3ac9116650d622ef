"""``inpaint-bench run``: cases, rows that fail, and what an interruption leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from inpaint_bench.energy import Gauge
from inpaint_bench.errors import CannotRunError
from inpaint_bench.executors import Order
from inpaint_bench.isolated import run_isolated
from inpaint_bench.peers import PEERS, Peer
from inpaint_bench.run import load_alone, make_frames, measure_case, measure_overhead
from inpaint_bench.schema import read_result
from inpaint_bench.schema.common import CandidateKey
from inpaint_bench.schema.results import CaseKey, Protocol, RunResult
from inpaint_eval.drawn import MASK_KINDS, draw_mask, draw_picture
from inpaint_eval.pictures import Ratio, hole_ratio
from inpaint_eval.scores import Pixels
from support.bench import QUICK, Bench, Measured


def test_every_candidate_is_a_row(run_result: RunResult) -> None:
    (case,) = run_result.cases
    assert run_result.complete
    assert [row.candidate for row in case.rows] == [
        "photo/onnxruntime-cpu/fp32",
        "photo-9/onnxruntime-cpu/fp32",
        "opencv-telea",
        "opencv-ns",
    ]
    ours = case.rows[0]
    assert ours.times is not None
    assert ours.times.blocks == [0, 1, 2, 3]
    assert ours.load_ms and ours.first_call_ms
    assert ours.host_peak_mb is None or ours.host_peak_mb > 10
    assert ours.pictures_per_second == pytest.approx(1e3 / ours.times.p50, rel=1e-3)
    assert ours.energy is None
    assert ours.energy_reason == "not asked for (--energy-seconds 0)"
    assert run_result.files["photo/onnxruntime-cpu/fp32"].name == "photo.onnx"
    assert run_result.overhead.share_of_5_ms < 0.01
    assert len(case.states) >= 2


def test_one_that_cannot_run_is_a_row_with_its_reason(run_result: RunResult) -> None:
    row = run_result.cases[0].rows[1]
    assert row.status == "failed"
    assert row.reason is not None
    assert "there is no model 'photo-9'" in row.reason
    assert row.times is None


def test_ratios_are_of_those_that_ran(run_result: RunResult) -> None:
    pairs = {(r.of, r.to): r for r in run_result.cases[0].ratios}
    assert set(pairs) == {
        ("photo/onnxruntime-cpu/fp32", "opencv-telea"),
        ("photo/onnxruntime-cpu/fp32", "opencv-ns"),
        ("opencv-telea", "opencv-ns"),
    }
    ratio = pairs["opencv-telea", "opencv-ns"]
    assert ratio.blocks == 4
    assert ratio.ratio.low <= ratio.ratio.value <= ratio.ratio.high


def test_a_detector_s_times_are_measured(bench: Bench, tmp_path: Path) -> None:
    arguments = ["--models", "damage", "--peers", "", "--scopes", "call,network", "--sizes", "64"]
    found = bench("run", *arguments, *QUICK, "-o", tmp_path / "run.json")
    assert found.exit_code == 0, found.output
    result = read_result(tmp_path / "run.json", RunResult)
    assert [case.key.scope for case in result.cases] == ["call", "network"]
    rows = [row for case in result.cases for row in case.rows]
    assert [row.candidate for row in rows] == ["damage/onnxruntime-cpu/fp32"] * 2
    assert all(row.times is not None for row in rows), [row.reason for row in rows]


def test_the_table_is_printed(measured: Measured) -> None:
    printed = measured.printed["run"]
    assert "\ncall, own size, holes 30-40 %, batch 1, 1 thread (3 pictures" in printed
    assert "\nopencv-ns  " in printed
    assert "the loop adds" in printed
    result = read_result(measured.folder / "run.json")
    assert isinstance(result, RunResult)
    assert [case.key.holes for case in result.cases] == ["10-20", "30-40"]


def test_the_loop_adds_less_than_a_percent_to_a_call_of_5_ms() -> None:
    overhead = measure_overhead()
    assert 0 < overhead.share_of_5_ms < 0.01
    assert overhead.share_of_5_ms == pytest.approx(overhead.p50_microseconds / 5000, abs=1e-6)
    assert overhead.p50_microseconds <= overhead.p99_microseconds


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peers", "photoshop"], "'photoshop' is not one of 'opencv-telea'"),
        (["--sizes", "big"], "a size is like 256"),
        (["--sizes", ""], "'--sizes': give at least one"),
        (["--sizes", "own"], "give --pictures and --masks"),
        (["--sizes", "own,64"], "a size is like 256, or 480x640 for height and width, not 'own'"),
        (["--holes", "ten"], "a hole ratio is like 10-20"),
        (["--scopes", "all"], "'all' is not one of 'call', 'network'"),
        (["--threads", "0"], "'--threads': 0 is not in the range x>=1"),
        (["--models", "", "--peers", ""], "there is nothing to measure"),
        (["--models", "photo,photo"], "photo/onnxruntime-cpu/fp32 is named twice"),
        (["--onnx", "lama"], "'--onnx': it is like lama="),
        (["--pictures", "."], "belong together"),
    ],
)
def test_what_is_refused(bench: Bench, tmp_path: Path, arguments: list[str], message: str) -> None:
    output = tmp_path / "run.json"
    found = bench("run", *arguments, "-o", output)
    assert found.exit_code == 2
    assert message in found.output
    assert not output.exists()


def test_an_output_that_holds_something_else_is_kept(bench: Bench, run_file: Path) -> None:
    before = run_file.read_bytes()
    same = ["--models", "photo,photo-9", "--sizes", "64", *QUICK, "-o", run_file]
    found = bench("run", *same, "--peers", "opencv-telea,opencv-ns")
    assert (found.exit_code, "is complete" in found.output) == (2, True)
    found = bench("run", *same, "--peers", "opencv-ns")
    assert (found.exit_code, "holds something else" in found.output) == (2, True)
    assert run_file.read_bytes() == before


def test_what_was_begun_on_another_machine_is_not_resumed(
    bench: Bench, run_file: Path, tmp_path: Path
) -> None:
    document = json.loads(run_file.read_text())
    document["complete"] = False
    document["cases"] = []
    document["machine"]["cpu"]["name"] = "Another"
    path = tmp_path / "run.json"
    path.write_text(json.dumps(document))
    arguments = ["--models", "photo,photo-9", "--sizes", "64", *QUICK, "-o", path]
    found = bench("run", *arguments, "--peers", "opencv-telea,opencv-ns")
    assert found.exit_code == 2
    assert "was begun with other cpu" in found.output


def _interruptible() -> None:
    """Shells start background jobs, tests among them, with Ctrl-C ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_leaves_what_was_finished_and_the_same_command_goes_on(tmp_path: Path) -> None:
    output = tmp_path / "run.json"
    command = [sys.executable, "-m", "inpaint_bench", "run", "--models", "", "--threads", "1"]
    command += ["--peers", "opencv-telea", "--sizes", "32,64", "--blocks", "6"]
    command += ["--turn-seconds", "0.05", "--warmup-seconds", "0.3", "--energy-seconds", "0"]
    command += ["-o", str(output)]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_interruptible,
    )
    deadline = time.monotonic() + 60
    while not output.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "The same command goes on with it" in said
    before = read_result(output)
    assert isinstance(before, RunResult)
    assert not before.complete
    assert len(before.cases) == 1

    again = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "resumed: 1 of 2 cases" in again.stdout
    after = read_result(output)
    assert isinstance(after, RunResult)
    assert after.complete
    assert after.cases[:1] == before.cases
    assert [case.key.size for case in after.cases] == [(32, 32), (64, 64)]


CRASHES = """
import os
import sys
from inpaint_bench import peers

class Crashing(peers.Peer):
    def restore(self, picture, mask):
        {work}

peers.PEERS["opencv-telea"] = Crashing("Telea", 0)
"""


@pytest.mark.parametrize(
    ("work", "timeout", "message"),
    [
        ("os.abort()", 300, "its process ended with signal 6"),
        ("os.kill(os.getpid(), 9)", 300, "its process was killed, as happens when memory runs out"),
        ("sys.exit('it was too much')", 300, "exit code 1; last words: it was too much"),
        ("__import__('time').sleep(300)", 2, r"took longer than 2 s \(--timeout\)"),
    ],
)
def test_a_candidate_that_takes_its_process_along_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str, timeout: float, message: str
) -> None:
    (tmp_path / "sitecustomize.py").write_text(CRASHES.format(work=work))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    key = CandidateKey(kind="peer", name="opencv-telea", source="", backend="cpu", precision="u8")
    case = CaseKey(scope="call", size=(32, 32), holes="10-20", batch=1, threads=1)
    (frame,) = make_frames(case, None, None, None)
    with pytest.raises(CannotRunError, match=message):
        run_isolated(load_alone, Order(key, "call", threads=1, batch=1), frame, timeout=timeout)


def test_a_candidate_that_fails_on_the_way_is_a_row_and_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the second picture only: the first was restored in its process and in the warm-up."""
    case = CaseKey(scope="call", size=(32, 32), holes="10-20", batch=1, threads=1)
    frames = make_frames(case, 2, None, None)

    class Failing(Peer):
        def restore(self, picture: Pixels, mask: Pixels) -> Pixels:
            if np.array_equal(picture, frames[1].pictures[0]):
                raise RuntimeError("not this one")
            return super().restore(picture, mask)

    monkeypatch.setitem(PEERS, "opencv-telea", Failing("Telea", cv2.INPAINT_TELEA))
    keys = [
        CandidateKey(kind="peer", name=name, source="", backend="cpu", precision="uint8")
        for name in ("opencv-telea", "opencv-ns")
    ]
    protocol = Protocol(
        blocks=6,
        turn_seconds=0.005,
        candidate_seconds=1,
        warmup_seconds=0.1,
        energy_seconds=0,
        timeout=60,
    )
    measured = measure_case(case, keys, frames, protocol)
    failed, well = measured.rows
    assert (failed.status, well.status) == ("failed", "measured")
    assert failed.reason == "in block 2, RuntimeError: not this one"
    assert well.times is not None
    assert len(well.times.blocks) >= 5
    assert measured.ratios == []


class Slow(Peer):
    """Takes 50 ms and more."""

    def restore(self, picture: Pixels, mask: Pixels) -> Pixels:
        time.sleep(0.05)
        return super().restore(picture, mask)


def test_a_slow_candidate_has_fewer_turns_spread_evenly(
    tmp_path: Path, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PEERS, "opencv-telea", Slow("Telea", cv2.INPAINT_TELEA))
    output = tmp_path / "run.json"
    arguments = ["--models", "", "--peers", "opencv-ns,opencv-telea", "--sizes", "64"]
    arguments += ["--blocks", "30", "--turn-seconds", "0.001", "--candidate-seconds", "1"]
    arguments += ["--warmup-seconds", "0.3", "--energy-seconds", "0", "--threads", "1"]
    found = bench("run", *arguments, "-o", output)
    assert found.exit_code == 0, found.output
    result = read_result(output, RunResult)
    fast, slow = (row.times for row in result.cases[0].rows)
    assert fast is not None and slow is not None
    assert 3 <= len(slow.blocks) <= 10  # a turn takes 0.1 s and more: a call before the timed one
    assert len(slow.blocks) < len(fast.blocks)
    assert slow.blocks[0] == 0
    assert slow.blocks[-1] >= 20
    assert result.cases[0].ratios[0].blocks == len(set(slow.blocks) & set(fast.blocks))


@pytest.mark.parametrize("kind", MASK_KINDS)
def test_drawn_masks_have_the_ratio_that_is_asked_for(kind: str) -> None:
    for ratio in (Ratio(10, 20), Ratio(30, 40)):
        mask = draw_mask(kind, 100, 140, ratio, seed=3)
        assert mask.shape == (100, 140)
        assert set(np.unique(mask)) == {0, 255}
        assert ratio.low <= hole_ratio(mask) < ratio.high
        np.testing.assert_array_equal(mask, draw_mask(kind, 100, 140, ratio, seed=3))
        other = draw_mask(kind, 100, 140, ratio, seed=4)
        assert (mask == other).all() == (kind == "centre")
    with pytest.raises(ValueError, match="fits 10x10"):
        draw_mask(kind, 10, 10, Ratio(10.001, 10.002))


def test_drawn_pictures_are_the_same_every_time() -> None:
    np.testing.assert_array_equal(draw_picture(90, 700), draw_picture(90, 700))
    assert draw_picture(90, 700).std() > 10


def test_frames_of_folders(folders: tuple[Path, Path]) -> None:
    case = CaseKey(scope="network", size=(32, 40), holes="10-20", batch=2, threads=1)
    frames = make_frames(case, None, *folders)
    assert [len(frame.pictures) for frame in frames] == [2]
    assert all(picture.shape == (32, 40, 3) for picture in frames[0].pictures)
    own = make_frames(case.model_copy(update={"size": None, "batch": 1}), 2, *folders)
    assert [frame.pictures[0].shape for frame in own] == [(48, 64, 3)] * 2


def test_energy_of_a_picture(tmp_path: Path) -> None:
    from support.jetson_trees import THOR, write_tree

    gauge = Gauge(gpu=True, seconds=0.2, root=write_tree(tmp_path, THOR))
    energy, reason = gauge.measure(lambda: time.sleep(0.02), batch=2)
    assert reason is None
    assert energy is not None
    assert energy.meter == "rails VIN"
    assert energy.watts == pytest.approx(30, rel=0.1)
    assert energy.idle_watts == pytest.approx(30, rel=0.1)
    assert energy.pictures % 2 == 0
    spent = energy.watts * energy.seconds
    assert energy.joules_per_picture * energy.pictures == pytest.approx(spent, rel=0.01)
