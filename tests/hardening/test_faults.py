"""Every call that writes goes wrong in turn: the old file or the new one, and nothing beside it."""

from __future__ import annotations

import ctypes
import errno
import itertools
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from hardening.processes import run_alone
from inpaint_sdk import OutputError, Restorer
from inpaint_sdk.files import FORMATS

MOST = 2000
"""Calls that write one file, at most."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong, as ``inpaint_fault`` in faults.c has it."""

    error: int = 0
    lasting: bool = False
    part: bool = False


ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT, errno.EINTR)
FAULTS = (
    *(Fault(error) for error in ERRORS),
    Fault(errno.ENOSPC, lasting=True),
    Fault(part=True),
    Fault(errno.ENOSPC, lasting=True, part=True),
)

PICTURES = ("png", "jpg", "tif", "webp", "bmp")
VIDEOS = ("mp4", "mkv", "avi")


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("shim") / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library


@pytest.mark.parametrize("what", ["folder", "cache", "kernels", *PICTURES])
def test_files_of_the_sdk(tmp_path: Path, shim: Path, what: str) -> None:
    check(tmp_path, shim, what)


@pytest.mark.slow
@pytest.mark.parametrize("what", VIDEOS)
def test_videos(tmp_path: Path, shim: Path, what: str) -> None:
    pytest.importorskip("av")
    check(tmp_path, shim, what)


def test_results_of_a_cluster(tmp_path: Path, shim: Path) -> None:
    pytest.importorskip("pyarrow")
    check(tmp_path, shim, "cluster")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["model", "checkpoint"])
def test_files_of_a_training(tmp_path: Path, shim: Path, what: str) -> None:
    pytest.importorskip("torch")
    check(tmp_path, shim, what)


def check(folder: Path, shim: Path, what: str) -> None:
    (folder / "out").mkdir()
    changes = {"LD_PRELOAD": str(shim), "INPAINT_FAULT_FOLDER": str(folder / "out")}
    failed = int(run_alone([sys.executable, __file__, what, str(folder)], **changes))
    assert failed >= 4 * len(FAULTS), "too few calls were counted: is the library preloaded?"


@dataclass(frozen=True)
class Case:
    """Something that writes files.

    outputs: the files. write: raises an ``OutputError``, or tells of those that could not be
    written in what it returns. read: what is compared of a file.
    """

    outputs: tuple[Path, ...]
    write: Callable[[], str | None]
    read: Callable[[Path], object] = Path.read_bytes


def attempt(case: Case) -> int:
    """Lets each call go wrong in turn, in each way; gives how many did."""
    shim = ctypes.CDLL(None)
    old = {path: path.read_bytes() for path in case.outputs}
    assert not case.write()
    new = {path: case.read(path) for path in case.outputs}
    folder = case.outputs[0].parent
    failed = 0
    for fault in FAULTS:
        for at in itertools.count(1):
            for path, data in old.items():
                path.write_bytes(data)
            shim.inpaint_fault(at, fault.error, fault.lasting, fault.part)
            try:
                told = case.write() or ""
            except OutputError as error:
                told = str(error)
            calls = shim.inpaint_calls()
            shim.inpaint_fault(0, 0, 0, 0)
            where = f"{fault}, call {at} of {calls}: {told or 'no error'}"
            for path in case.outputs:
                whole = case.read(path) == new[path] if path.read_bytes() != old[path] else None
                assert whole is not False, f"{path} is neither the old nor the new file. {where}"
                assert whole or str(path) in told, f"{path} was not written. {where}"
            left = {path for path in folder.iterdir() if path.suffix != ".lock"} - set(old)
            assert not left, f"left beside it: {left}. {where}"
            if calls < at:
                assert not told, told
                break
            assert at < MOST, "there is no end of it"
            failed += 1
    return failed


def make_case(what: str, folder: Path) -> Case:
    if what in PICTURES:
        return picture(folder, what)
    if what in VIDEOS:
        return video(folder, what)
    return {
        "folder": pictures,
        "cache": cache,
        "kernels": kernels,
        "cluster": cluster,
        "model": model,
        "checkpoint": checkpoint,
    }[what](folder)


def output_in(folder: Path, name: str) -> Path:
    """Where a result is to be, in place of an old one."""
    path = folder / "out" / name
    path.write_bytes(b"old")
    return path


PIXELS = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
MASK = np.zeros((48, 64), np.uint8)
MASK[4:8, 10:14] = 255


def ignore(_: object) -> None:
    """Of what tells nothing of failures."""


def picture(folder: Path, suffix: str) -> Case:
    source, output = folder / "in.png", output_in(folder, f"out.{suffix}")
    assert output.suffix in FORMATS
    Image.fromarray(PIXELS).save(source)
    restorer = Restorer.load("photo", threads=1)
    return Case((output,), lambda: ignore(restorer.restore_file(source, output, MASK)))


def pictures(folder: Path) -> Case:
    """Of several, those that can be written are; the command tells of the others."""
    from click.testing import CliRunner

    from inpaint_sdk.cli.main import main

    (folder / "in").mkdir()
    Image.fromarray(MASK).save(folder / "mask.png")
    names = [f"{name}.png" for name in "abc"]
    for name in names:
        Image.fromarray(PIXELS).save(folder / "in" / name)
    outputs = tuple(output_in(folder, name) for name in names)
    old = outputs[0].read_bytes()
    command = ["restore", str(folder / "in"), "--mask", str(folder / "mask.png"), "--force"]
    command += ["-o", str(folder / "out")]
    restorer = Restorer.load("photo", threads=1)

    def write() -> str:
        with patch.object(Restorer, "load", return_value=restorer):
            done = CliRunner().invoke(main, command)
        failed = sum(path.read_bytes() == old for path in outputs)
        assert done.exit_code == (2 if failed == len(outputs) else min(failed, 1)), done.output
        lines = [line for line in done.output.splitlines() if line.startswith("skipped ")]
        assert len(lines) == failed, done.output
        return "\n".join(lines)

    return Case(outputs, write)


def video(folder: Path, suffix: str) -> Case:
    from inpaint_sdk import Encoding
    from inpaint_sdk.video import restore_video
    from support.videos import Painter, frames_of, write_video

    source, output = folder / f"in.{suffix}", output_in(folder, f"out.{suffix}")
    write_video(source, [np.roll(PIXELS, index, axis=1) for index in range(12)])

    def write() -> None:
        # x264's threads come to other bits now and then, of the same frames.
        restore_video(Painter(), source, output, mask=MASK, encoding=Encoding("mpeg4"))

    def read(path: Path) -> object:
        """Matroska files have a number that is drawn by lot."""
        return path.stat().st_size, [frame.tobytes() for frame in frames_of(path)]

    return Case((output,), write, read)


def cache(folder: Path) -> Case:
    """What cannot be kept is used all the same, and a warning tells."""
    from inpaint_sdk.engines.cache import EngineCache
    from support import engines

    engine = engines.engine(PIXELS.tobytes() * 10)
    kept = EngineCache(folder / "out")
    path = kept.path(engine.info.key, "photo")
    path.write_bytes(b"old")

    def write() -> str:
        with warnings_of("inpaint_sdk.engines.cache") as told:
            assert kept.get(engine.info.key, "photo", lambda: engine).data == engine.data
        failed = [message for message in told if "kept" in message]
        return "".join(f"{path}: {message}" for message in failed if str(path.parent) in message)

    return Case((path,), write)


@contextmanager
def warnings_of(name: str) -> Iterator[list[str]]:
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    with ExitStack() as stack:
        stack.enter_context(
            patch.object(handler, "emit", lambda record: told.append(record.getMessage()))
        )
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        stack.callback(logger.removeHandler, handler)
        yield told


def kernels(folder: Path) -> Case:
    from inpaint_sdk.engines.cache import EngineCache

    output = output_in(folder, f"{'a' * 32}.kernels")
    kept = EngineCache(folder / "out")
    return Case((output,), lambda: kept.write_kernels("a" * 64, PIXELS.tobytes()))


def cluster(folder: Path) -> Case:
    """What an actor does with a result, where the folder is on a disk."""
    from inpaint_sdk.cluster.storage import open_storage

    output, passing = output_in(folder, "out.png"), open_storage(str(folder / "out" / ".passing"))

    def write() -> None:
        passing.make_folder()
        try:
            open_storage(str(output)).write(PIXELS.tobytes(), passing)
            assert not passing.list_files()
        finally:
            passing.remove_folder()

    return Case((output,), write)


def model(folder: Path) -> Case:
    from inpaint_export.onnx_export import write_quality
    from inpaint_sdk.models.zoo import MODELS

    output = folder / "out" / "model.onnx"
    output.write_bytes((MODELS / "photo.onnx").read_bytes())
    return Case((output,), lambda: ignore(write_quality(output, ())))


def checkpoint(folder: Path) -> Case:
    import torch

    from inpaint_export.training.checkpoint import KEYS, load_checkpoint, save_checkpoint

    output = output_in(folder, "last.pt")
    state: dict[str, Any] = dict.fromkeys(KEYS, 0)
    weights = torch.arange(100_000)

    def read(path: Path) -> object:
        return bool((load_checkpoint(path)["ema"] == weights).all())

    return Case((output,), lambda: save_checkpoint(output, state | {"ema": weights}), read)


if __name__ == "__main__":
    print(attempt(make_case(sys.argv[1], Path(sys.argv[2]))))
