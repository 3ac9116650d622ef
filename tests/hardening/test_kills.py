"""Killed at any moment: each file is the old one or the new one, whole, and the next run goes on.

INPAINT_KILLS=200 kills each kind of work as often, INPAINT_KILLS_SEED=N at other moments.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import pytest

from hardening.processes import run_alone

KILLS = int(os.environ.get("INPAINT_KILLS", "3"))
SEED = int(os.environ.get("INPAINT_KILLS_SEED", "0"))
PATIENCE = 100.0
"""Seconds for a kill and the work before it, on a machine that others use too."""


def test_engines(tmp_path: Path) -> None:
    check(tmp_path, "engines")


def test_folders(tmp_path: Path) -> None:
    check(tmp_path, "folders")


def test_videos(tmp_path: Path) -> None:
    pytest.importorskip("av")
    check(tmp_path, "videos")


@pytest.mark.slow
def test_models(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    check(tmp_path, "models")


@pytest.mark.slow
def test_trainings(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    check(tmp_path, "trainings")


def test_what_a_killed_export_leaves_is_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    from inpaint_export.export import export_precisions
    from inpaint_sdk.models import zoo

    (tmp_path / ".photo.0123456789ab.onnx").write_bytes(b"half of it")
    monkeypatch.setattr(zoo, "MODELS", tmp_path)
    assert zoo.model_names() == []
    assert list(export_precisions(tmp_path, tmp_path)) == []


def check(folder: Path, what: str) -> None:
    command = [sys.executable, __file__, what, str(folder), str(KILLS), str(SEED)]
    print(run_alone(command, timeout=PATIENCE * (KILLS + 2)))


class Work(Protocol):
    """Something that writes files, and goes on where it was interrupted."""

    def run(self) -> object:
        """Does it, in a process of its own."""

    def check(self) -> None:
        """Checks what is there after a kill."""

    def finish(self) -> None:
        """Checks what is there after a run that ended well, and has the next begin anew."""


def kill_often(work: Work, count: int, seed: int) -> str:
    """Kills as many runs, each after some part of the time that a whole one takes."""
    rng = np.random.default_rng(seed)
    began = time.monotonic()
    _wait(_begin(work.run), killed=False)
    longest = time.monotonic() - began
    work.finish()
    print(f"a whole run takes {longest:.1f} s", flush=True)
    killed = whole = 0
    while killed < count:
        process = _begin(work.run)
        time.sleep(float(rng.uniform(0.0, longest)))
        os.kill(process, signal.SIGKILL)
        if _wait(process, killed=True):
            killed += 1
            work.check()
        else:
            whole += 1
            work.finish()
    _wait(_begin(work.run), killed=False)
    work.finish()
    return f"{killed} killed, {whole} that ended before"


def _begin(run: Callable[[], object]) -> int:
    """A process forked from this one, which has loaded no model and begun no work."""
    process = os.fork()
    if process:
        return process
    try:
        run()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _wait(process: int, *, killed: bool) -> bool:
    """Whether it was killed; else it must have ended well."""
    _, status = os.waitpid(process, 0)
    if killed and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    assert status == 0, f"a run ended with {status}"
    return False


class Engines:
    """The cache: engines that are built, used, pushed out by others and kept again."""

    def __init__(self, folder: Path) -> None:
        from inpaint_sdk.engines.cache import EngineCache
        from support import engines

        self.engines = [engines.engine(bytes([index]) * 100_000, version=f"10.{index}.0")
                        for index in range(4)]  # fmt: skip
        self.cache = EngineCache(folder / "cache", limit=350_000)

    def run(self) -> None:
        for index in range(12):
            engine = self.engines[index % 4]
            found = self.cache.get(engine.info.key, "photo", lambda: engine)  # noqa: B023
            assert found.data == engine.data
            self.cache.write_kernels(engine.info.digest, engine.data)

    def check(self) -> None:
        assert all(entry.info is not None for entry in self.cache.entries()), "a damaged entry"
        for engine in self.engines:
            path = self.cache.path(engine.info.key, "photo")
            if path.exists():
                # Builds nothing where it is kept: a damaged entry would be built again.
                assert self.cache.get(engine.info.key, "photo", _not_needed).data == engine.data
            assert self.cache.read_kernels(engine.info.digest) in (None, engine.data)

    def finish(self) -> None:
        self.check()
        assert not list(self.cache.folder.glob("*.partial")), "left by a build that was killed"
        self.cache.clear()
        left = {path.suffix for path in self.cache.folder.iterdir()}
        assert left <= {".lock"}, left


def _not_needed() -> object:
    raise AssertionError("an engine that is kept is built again")


class Folders:
    """A folder's pictures, of which the finished ones are not restored again."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime  # noqa: F401  # here, or a run would begin with it

        import inpaint_sdk.cli.main  # noqa: F401

        self.source, self.target = folder / "in", folder / "out"
        self.source.mkdir()
        rng = np.random.default_rng(0)
        for index in range(8):
            picture = rng.integers(0, 256, (120, 160, 3)).astype(np.uint8)
            cv2.imwrite(str(self.source / f"{index}.png"), picture)
        mask = np.zeros((120, 160), np.uint8)
        mask[20:30, 40:60] = 255
        self.mask = folder / "mask.png"
        cv2.imwrite(str(self.mask), mask)
        self.expected: dict[str, bytes] = {}
        self.seen: dict[str, int] = {}

    def run(self) -> None:
        from inpaint_sdk.cli.main import main

        command = ["restore", self.source, "--mask", self.mask, "-o", self.target]
        main([*map(str, command), "--threads", "1"], standalone_mode=False)

    def check(self) -> None:
        there = {path.name: path for path in self.target.glob("[!.]*")}
        for name, path in there.items():
            assert path.read_bytes() == self.expected[name], f"{name} is not whole"
        written = {name: path.stat().st_ino for name, path in there.items()}
        assert written.items() >= self.seen.items(), "a finished picture was restored again"
        self.seen = written

    def finish(self) -> None:
        if not self.expected:
            self.expected = {path.name: path.read_bytes() for path in self.target.iterdir()}
            assert len(self.expected) == 8
        self.check()
        assert self.seen.keys() == self.expected.keys()
        left = [path for path in self.target.iterdir() if path.name not in self.expected]
        assert all(path.name.startswith(".") for path in left), f"not passed over: {left}"
        self.seen = {}
        shutil.rmtree(self.target)


class Videos:
    """A video in place of an older one."""

    def __init__(self, folder: Path) -> None:
        import inpaint_sdk.video  # noqa: F401  # here, or a run would begin with it
        from support.videos import write_video

        self.source, self.output = folder / "in.mp4", folder / "out.mp4"
        rng = np.random.default_rng(0)
        picture = rng.integers(0, 256, (96, 128, 3)).astype(np.uint8)
        write_video(self.source, [np.roll(picture, index, axis=1) for index in range(20)])
        self.mask = np.zeros((96, 128), np.uint8)
        self.mask[10:30, 20:50] = 255
        self.expected = b""
        self.output.write_bytes(b"old")

    def run(self) -> None:
        from inpaint_sdk import Encoding
        from inpaint_sdk.video import restore_video
        from support.videos import Painter

        # x264's threads come to other bits now and then, of the same frames.
        encoding = Encoding("mpeg4")
        restore_video(Painter(), self.source, self.output, mask=self.mask, encoding=encoding)

    def check(self) -> None:
        assert self.output.read_bytes() in (b"old", self.expected)

    def finish(self) -> None:
        self.expected = self.expected or self.output.read_bytes()
        assert self.output.read_bytes() == self.expected
        self.output.write_bytes(b"old")


class Models:
    """A model file that is written again with other figures, as after an evaluation."""

    def __init__(self, folder: Path) -> None:
        import inpaint_export.onnx_export  # noqa: F401  # here, or a run would begin with it
        from inpaint_sdk import Quality
        from inpaint_sdk.models.zoo import MODELS

        (folder / "models").mkdir()
        self.file = folder / "models" / "photo.onnx"
        shutil.copy(MODELS / "photo.onnx", self.file)
        self.figures = [(), (Quality("drawn", "none", 1, None, 30.0, 0.9),)]

    def run(self) -> None:
        from inpaint_export.onnx_export import write_quality

        for index in range(20):
            write_quality(self.file, self.figures[index % 2])

    def check(self) -> None:
        from inpaint_sdk.models.file import read_model_file

        assert read_model_file(self.file).info.quality in self.figures
        left = [path for path in self.file.parent.iterdir() if path != self.file]
        assert all(path.name.startswith(".") for path in left), f"not passed over: {left}"

    def finish(self) -> None:
        self.check()


class Trainings:
    """A training that keeps each step, and goes on from the last."""

    def __init__(self, folder: Path) -> None:
        import torch

        from inpaint_export.training import loop
        from inpaint_export.training.validation import HoleValidationConfig
        from support.training import tiny_recipe, write_pictures

        torch.set_num_threads(1)
        loop.SAVE_EVERY = 1
        write_pictures(folder, {"train": 2, "val": 2})
        self.data, self.folder = folder, folder / "run"
        validation = HoleValidationConfig(folder="val", count=1, every=100)
        self.recipe = replace(tiny_recipe(), validation=validation, steps=12, batch=1)
        self.step = 0
        self.expected: dict[str, torch.Tensor] = {}

    def run(self) -> None:
        from inpaint_export.training.loop import Trainer

        Trainer(self.recipe, self.data, self.folder, workers=0).run()

    def check(self) -> None:
        from inpaint_export.training.checkpoint import FILE_NAME, load_checkpoint

        path = self.folder / FILE_NAME
        if path.exists() or self.step:
            step = load_checkpoint(path)["step"]
            assert step >= self.step, "a run began anew"
            self.step = step
        left = {path.name for path in self.folder.glob("*")}
        assert left <= {FILE_NAME, f"{FILE_NAME}.partial", "log.jsonl"}, left

    def finish(self) -> None:
        """A broken training ends where an unbroken one does."""
        import torch

        from inpaint_export.training.checkpoint import FILE_NAME, load_checkpoint

        self.check()
        assert self.step == self.recipe.steps
        found = load_checkpoint(self.folder / FILE_NAME)["ema"]
        self.expected = self.expected or found
        for name, value in self.expected.items():
            torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6)
        assert not (self.folder / f"{FILE_NAME}.partial").exists()
        self.step = 0
        shutil.rmtree(self.folder)


KINDS: dict[str, Callable[[Path], Work]] = {
    "engines": Engines,
    "folders": Folders,
    "videos": Videos,
    "models": Models,
    "trainings": Trainings,
}

if __name__ == "__main__":
    what, folder, count, seed = sys.argv[1:]
    cv2.setNumThreads(1)  # a forked process would wait for other threads for ever
    print(kill_often(KINDS[what](Path(folder)), int(count), int(seed)))
