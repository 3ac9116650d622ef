"""The pool: each model once, whichever thread or process asks."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inpaint_sdk import BackendError, ModelError
from inpaint_sdk.backends import ParallelSession
from inpaint_sdk.backends import pool as module
from inpaint_sdk.backends.pool import LoadedModel, ModelPool
from inpaint_sdk.engines.file import write_engine_file
from inpaint_sdk.errors import OptionError
from inpaint_sdk.models.zoo import MODELS
from support import engines

FEED = {
    "image": np.zeros((1, 3, 32, 32), np.float32),
    "mask": np.ones((1, 1, 32, 32), np.float32),
}


@pytest.fixture
def pool() -> ModelPool:
    return ModelPool(threads=1, precision="fp32")


class TestNames:
    def test_a_name_and_a_path(self, pool: ModelPool, tmp_path: Path) -> None:
        by_name = pool.get("photo")
        assert by_name.info.name == "photo"
        assert pool.get(MODELS / "photo.onnx") is by_name
        copy = tmp_path / "mine.onnx"
        shutil.copy(MODELS / "photo.onnx", copy)
        assert pool.get(str(copy)).info == by_name.info

    def test_a_path_without_suffix(
        self, pool: ModelPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copy(MODELS / "photo.onnx", tmp_path / "mine")
        monkeypatch.chdir(tmp_path)
        for form in ("mine", Path("mine"), "./mine", str(tmp_path / "mine")):
            assert pool.get(form).info.name == "photo"

    @pytest.mark.parametrize("name", ["photo", "camera", "camera.engine"])
    def test_an_engine_whatever_its_name(
        self, pool: ModelPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        """No library is here to run it; that it is asked for shows that the engine was seen."""
        write_engine_file(engines.engine(), tmp_path / name)
        monkeypatch.chdir(tmp_path)
        with pytest.raises(BackendError, match="tensorrt cannot run here"):
            pool.get(Path(name))
        if name != "photo":  # where a name means the model
            with pytest.raises(BackendError, match="tensorrt cannot run here"):
                pool.get(name)

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("phto", r"no model 'phto', nor a file of that name; the models are: .*photo"),
            ("phto.onnx", "no model file phto.onnx"),
            (Path("phto"), "no model file phto"),
            ("a/b", "no model file a/b"),
            ("a\0b", "no model"),
            ("", "no model"),
            (".", "no model"),
            (["photo"], "by name or path, not by an object of list"),
            (None, "by name or path"),
            (b"photo", "by name or path"),
        ],
    )
    def test_what_is_no_model(self, pool: ModelPool, name: Any, message: str) -> None:
        with pytest.raises(ModelError, match=message):
            pool.get(name)


class Loads:
    """Replaces loading; says who loads what, and takes as long as it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.loaded: list[str] = []
        self.closed = 0
        self.gates: dict[str, threading.Event] = {}
        monkeypatch.setattr(ModelPool, "_load", lambda pool, path: self.load(path))

    def load(self, path: Path) -> LoadedModel:
        self.loaded.append(path.stem)
        gate = self.gates.get(path.stem)
        assert gate is None or gate.wait(30)
        return LoadedModel(engines.PHOTO.info, self)  # type: ignore[arg-type]

    def close(self) -> None:
        self.closed += 1


class TestThreads:
    def test_threads_load_a_model_once(
        self, pool: ModelPool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loads = Loads(monkeypatch)
        gate = loads.gates["photo"] = threading.Event()
        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(pool.get, "photo") for _ in range(4)]
            gate.set()
            found = {id(one.result()) for one in asked}
        assert len(found) == 1
        assert loads.loaded == ["photo"]

    def test_other_models_do_not_wait(
        self, pool: ModelPool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loads = Loads(monkeypatch)
        gate = loads.gates["photo"] = threading.Event()
        with ThreadPoolExecutor(1) as threads:
            slow = threads.submit(pool.get, "photo")
            try:
                pool.get("clean")
                assert not slow.done()
            finally:
                gate.set()

    def test_what_is_loading_while_the_pool_closes_is_closed(
        self, pool: ModelPool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loads = Loads(monkeypatch)
        gate = loads.gates["photo"] = threading.Event()
        with ThreadPoolExecutor(2) as threads:
            slow = threads.submit(pool.get, "photo")
            while not loads.loaded:
                time.sleep(0.01)
            closing = threads.submit(pool.close)
            gate.set()
            slow.result(), closing.result()
        assert loads.closed == 1

    def test_a_failed_load_is_tried_again(
        self, pool: ModelPool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*arguments: object) -> None:
            raise BackendError("injected")

        with monkeypatch.context() as patch:
            patch.setattr(module, "open_session", fail)
            with pytest.raises(BackendError, match="injected"):
                pool.get("photo")
        assert pool.get("photo").info.name == "photo"


class TestClosing:
    def test_a_closed_session_says_so(self, pool: ModelPool) -> None:
        session = pool.get("photo").session
        session.run(FEED)
        for _ in range(2):
            pool.close()
        with pytest.raises(BackendError, match="was closed"):
            session.run(FEED)
        with pytest.raises(BackendError, match="was closed"):
            pool.get("photo")

    def test_runs_of_other_threads_end_or_fail_cleanly(self, pool: ModelPool) -> None:
        session = pool.get("photo").session

        def run() -> int:
            for count in range(1000):
                try:
                    session.run(FEED)
                except BackendError as error:
                    assert "was closed" in str(error)
                    return count
            return 1000

        with ThreadPoolExecutor(3) as threads:
            counts = [threads.submit(run) for _ in range(3)]
            time.sleep(0.2)
            pool.close()
            assert all(count.result() < 1000 for count in counts)


class TestOptions:
    @pytest.mark.parametrize(
        "threads",
        [
            0,
            -1,
            2.0,
            "2",
            True,
            10**6,
            pytest.param(10**5000, id="huge"),
            pytest.param(-(10**5000), id="tiny"),
        ],
    )
    def test_threads_that_cannot_be(self, threads: Any) -> None:
        with pytest.raises(OptionError, match="whole number from 1 to 1024") as refusal:
            ModelPool(threads=threads)
        assert len(str(refusal.value)) < 200

    @pytest.mark.parametrize("device", ["", "gpu", "cuda:", "cuda:-1", "cuda:x", "CPU", 0, "cpu:1"])
    def test_devices_that_cannot_be(self, device: Any) -> None:
        with pytest.raises(OptionError, match='it must be "cpu", "cuda"'):
            ModelPool(device=device)

    @pytest.mark.parametrize(
        "providers",
        [[], "CPUExecutionProvider", [3], [("CPUExecutionProvider",)], ("CPU", {}), {}, 3],
    )
    def test_providers_that_cannot_be(self, providers: Any) -> None:
        with pytest.raises(OptionError, match="must be a list that is not empty"):
            ModelPool(providers=providers)

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (
                {"backend": "onnxruntime-cpu", "device": "cuda:1"},
                "runs on the CPU.*'onnxruntime-cuda'",
            ),
            ({"backend": "onnxruntime-cuda", "device": "cpu"}, "runs on a GPU.*'onnxruntime-cpu'"),
            ({"backend": "tensorrt", "device": "cpu"}, "runs on a GPU"),
            ({"backend": "tensorrt", "device": "cuda:1"}, "CUDA_VISIBLE_DEVICES=1"),
            ({"backend": "nothing"}, "no backend 'nothing'; choose auto"),
            ({"backend": "nothing", "device": "cuda"}, "no backend 'nothing'"),
            ({"device": "cpu", "providers": ["CPUExecutionProvider"]}, "Leave one out"),
            ({"backend": "tensorrt", "providers": ["CPUExecutionProvider"]}, "Leave the backend"),
            (
                {"providers": ["NothingExecutionProvider"]},
                "has no NothingExecutionProvider; it has",
            ),
        ],
    )
    def test_what_contradicts_itself(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(BackendError, match=message):
            ModelPool(**options).get("photo")

    @pytest.mark.parametrize(
        "options",
        [
            {"device": "cpu"},
            {"backend": "onnxruntime-cpu", "device": "cpu"},
            {"providers": ["CPUExecutionProvider"]},
            {"providers": [("CPUExecutionProvider", {"use_arena": "0"})]},
        ],
    )
    def test_the_cpu_is_asked_for(self, options: dict[str, Any]) -> None:
        assert ModelPool(**options).get("photo").session.backend == "onnxruntime-cpu"

    def test_engines_are_not_run_elsewhere(self, tmp_path: Path) -> None:
        path = tmp_path / "photo.engine"
        write_engine_file(engines.engine(), path)
        for options, message in (
            ({"device": "cpu"}, "runs on a GPU"),
            ({"backend": "onnxruntime-cpu"}, "was compiled for the backend tensorrt"),
            ({"providers": ["CPUExecutionProvider"]}, "has no execution providers"),
        ):
            with pytest.raises(BackendError, match=message):
                ModelPool(**options).get(path)  # type: ignore[arg-type]


class TestSideBySide:
    @pytest.fixture
    def session(self) -> ParallelSession:
        session = ModelPool(threads=2).get("damage").session
        assert isinstance(session, ParallelSession)
        return session

    @pytest.fixture
    def feeds(self, rng: np.random.Generator) -> list[dict[str, Any]]:
        sides = (48, 16, 64, 32, 16, 80, 16, 48)
        return [{"image": rng.random((1, 3, side, 32), np.float32)} for side in sides]

    def test_answers_are_those_of_single_runs_in_order(
        self, session: ParallelSession, feeds: list[dict[str, Any]]
    ) -> None:
        for feed, answer in zip(feeds, session.run_each(iter(feeds)), strict=True):
            expected = session.run(feed)["probability"]
            np.testing.assert_array_equal(answer["probability"], expected)

    def test_inputs_are_taken_as_answers_are(
        self, session: ParallelSession, feeds: list[dict[str, Any]]
    ) -> None:
        taken = iter(feeds * 3)
        answers = session.run_each(taken)
        next(answers)
        assert len(list(taken)) >= len(feeds)

    def test_errors_arise_where_the_answer_would(
        self, session: ParallelSession, feeds: list[dict[str, Any]]
    ) -> None:
        answers = session.run_each([feeds[0], {"image": np.zeros((1, 2, 16, 16), np.float32)}])
        next(answers)
        with pytest.raises(BackendError, match="failed while running"):
            next(answers)

    def test_after_a_fork_and_when_closed(
        self, session: ParallelSession, feeds: list[dict[str, Any]]
    ) -> None:
        expected = next(session.run_each(feeds))["probability"]
        session.after_fork()  # type: ignore[attr-defined]  # as the hook does in the child
        again = next(session.run_each(feeds))["probability"]
        np.testing.assert_array_equal(again, expected)
        session.close()
        with pytest.raises(BackendError, match="was closed"):
            list(session.run_each(feeds))


def test_a_pool_is_pickled_as_its_options(pool: ModelPool) -> None:
    expected = pool.get("photo").session.run(FEED)["output"]
    other = pickle.loads(pickle.dumps(pool))
    assert other._options == pool._options
    np.testing.assert_array_equal(other.get("photo").session.run(FEED)["output"], expected)


FORKS = """
import os, sys, threading, time
import cv2
import numpy as np
from inpaint_sdk.backends.pool import ModelPool

SETUP = sys.argv[1]
feed = {"image": np.full((1, 3, 256, 256), 0.5, np.float32)}
feed["mask"] = np.zeros((1, 1, 256, 256), np.float32)
feed["mask"][..., 100:120] = 1
large = np.zeros((2000, 2000, 3), np.uint8)
cv2.setNumThreads(4)
pool = ModelPool(threads=4)
session = pool.get("photo").session
expected = None

def busy():
    while True:
        session.run(feed)

if SETUP != "loaded":
    cv2.GaussianBlur(large, (9, 9), 3)  # starts OpenCV's threads
    expected = session.run(feed)["output"]
if SETUP == "busy":
    threading.Thread(target=busy, daemon=True).start()

def child():
    output = session.run(feed)["output"]
    assert expected is None or np.array_equal(output, expected)
    assert pool.get("photo").session is session
    small = cv2.resize(large, (1500, 1500))
    cv2.GaussianBlur(small, (9, 9), 3)

for number in range(int(sys.argv[2])):
    if SETUP == "loaded":  # a session whose threads are just starting
        pool.close()
        pool = ModelPool(threads=4)
        session = pool.get("photo").session
    process = os.fork()
    if process == 0:
        try:
            child()
        except BaseException as error:
            print("child:", repr(error), flush=True)
            os._exit(1)
        if number % 2:
            os._exit(7)
        sys.exit(7)  # with everything that ends with an interpreter
    end = time.monotonic() + 60
    while True:
        done, status = os.waitpid(process, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 7, f"child {number} failed: {status}"
            break
        if time.monotonic() > end:
            os.kill(process, 9)
            os.waitpid(process, 0)
            sys.exit(f"child {number} hangs")
        time.sleep(0.005)
print("all ended", flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("setup", "children"),
    [
        ("loaded", 4),
        ("busy", 8),
        pytest.param("loaded", 10, marks=pytest.mark.slow),
        pytest.param("busy", 30, marks=pytest.mark.slow),
    ],
)
def test_forked_processes_run_what_their_parent_loaded(setup: str, children: int) -> None:
    """And end: what a parent's threads hold, and the threads themselves, are not there."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKS, setup, str(children)],
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert "all ended" in run.stdout, run.stdout + run.stderr


CLOSED = """
import os, signal, sys
from inpaint_sdk.backends.pool import ModelPool

pool = ModelPool(threads=4)
pool.get("photo")
pool.close()
del pool
process = os.fork()
if process == 0:
    signal.alarm(60)  # ends a process that hangs
    sys.exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_processes_end_after_their_parent_closed_its_models() -> None:
    command = [sys.executable, "-W", "ignore", "-c", CLOSED]
    run = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert run.stdout == "7\n", run.stdout + run.stderr
