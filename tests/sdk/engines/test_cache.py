"""The cache, and what a disk, a crash or another process can do to it."""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from inpaint_sdk import BackendError, OutputError
from inpaint_sdk.cli.main import main
from inpaint_sdk.doctor import diagnose
from inpaint_sdk.engines import cache as engine_cache
from inpaint_sdk.engines.cache import EngineCache
from inpaint_sdk.engines.file import EngineFile, write_engine_file
from support import engines

pytest.importorskip("filelock")

TESTS = str(Path(__file__).parents[2])


class Builder:
    """Makes an engine and counts how often."""

    def __init__(self, data: bytes = b"an engine" * 100, **changes: object) -> None:
        self.engine = engines.engine(data, **changes)
        self.count = 0

    def __call__(self) -> EngineFile:
        self.count += 1
        return self.engine


@pytest.fixture
def cache(tmp_path: Path) -> EngineCache:
    return EngineCache(tmp_path / "cache", limit=10**6)


def get(cache: EngineCache, builder: Builder) -> EngineFile:
    engine = cache.get(builder.engine.info.key, "photo", builder)
    assert engine.data == builder.engine.data
    return engine


def kept(cache: EngineCache, builder: Builder) -> Path:
    return cache.path(builder.engine.info.key, "photo")


@contextmanager
def warned(match: str) -> Iterator[None]:
    """Something that is logged as a warning."""
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: told.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger(engine_cache.__name__)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
    assert any(re.search(match, message) for message in told), told


def test_an_engine_is_built_once(cache: EngineCache, caplog: pytest.LogCaptureFixture) -> None:
    builder = Builder()
    for _ in range(3):
        get(cache, builder)
    assert builder.count == 1
    get(cache, Builder(b"another", version="10.4.0"))
    assert len(cache.entries()) == 2
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_failed_build_leaves_nothing(cache: EngineCache) -> None:
    def fail() -> EngineFile:
        raise BackendError("cannot")

    with pytest.raises(BackendError, match="cannot"):
        cache.get(engines.key(), "photo", fail)
    assert not cache.entries()
    builder = Builder()
    get(cache, builder)  # the lock was given back
    assert builder.count == 1


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "longer"])
def test_damaged_entries_are_rebuilt(
    cache: EngineCache, damage: str, rng: np.random.Generator
) -> None:
    builder = Builder()
    get(cache, builder)
    path = kept(cache, builder)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[int(rng.integers(len(whole)))] ^= 4
    changed = {
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "flipped": bytes(flipped),
        "text": b"hello",
        "longer": whole + b"x",
    }
    path.write_bytes(changed[damage])
    with warned("built again"):
        get(cache, builder)
    assert builder.count == 2
    assert path.read_bytes() == whole
    get(cache, builder)
    assert builder.count == 2


def test_a_header_that_holds_anything_is_rebuilt(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its digests are right: whoever wrote it can compute them too."""
    builder = Builder()
    get(cache, builder)
    kept(cache, builder).write_bytes(engines.with_header(b"[]"))
    monkeypatch.setenv(engine_cache.FOLDER_VARIABLE, str(cache.folder))
    listed = CliRunner().invoke(main, ["cache", "list"])
    assert listed.exit_code == 0, listed.output
    assert "built again" in listed.output
    assert "1 of them damaged" in {f.subject: f.detail for f in diagnose()}["engine cache"]
    with warned("built again"):
        get(cache, builder)
    assert builder.count == 2


def test_a_cache_that_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(engine_cache.FOLDER_VARIABLE, str(tmp_path / "file"))
    listed = CliRunner().invoke(main, ["cache", "list"])
    assert listed.exit_code == 1
    assert "cannot read" in listed.output


def test_a_foreign_entry_is_rebuilt(cache: EngineCache) -> None:
    """Whole and of ours, but of another key: it was copied or renamed."""
    builder = Builder()
    get(cache, builder)
    write_engine_file(engines.engine(b"foreign", device="Orin"), kept(cache, builder))
    with warned("another engine than its name says"):
        get(cache, builder)
    assert builder.count == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_build_that_is_killed_leaves_no_lock_and_no_entry(cache: EngineCache) -> None:
    program = f"""
import sys, time, pathlib
sys.path.insert(0, {TESTS!r})
from support import engines
from inpaint_sdk.engines import file as engine_file
from inpaint_sdk.engines import cache as engine_cache
from inpaint_sdk.engines.cache import EngineCache
def half(handle):
    print("writing", flush=True)
    time.sleep(60)
engine_file.os.fsync = half  # hangs with the content written and not yet renamed
EngineCache(pathlib.Path({str(cache.folder)!r})).get(engines.key(), "photo", engines.engine)
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        assert list(cache.folder.glob("*.partial"))
        process.send_signal(signal.SIGKILL)
    assert not cache.entries()
    builder = Builder()
    started = time.monotonic()
    get(cache, builder)
    assert time.monotonic() - started < 10
    assert builder.count == 1
    assert not list(cache.folder.glob("*.partial")), "what the killed build wrote is still there"


def test_two_processes_build_once(cache: EngineCache, tmp_path: Path) -> None:
    program = f"""
import sys, time, pathlib
sys.path.insert(0, {TESTS!r})
from support import engines
from inpaint_sdk.engines import cache as engine_cache
from inpaint_sdk.engines.cache import EngineCache
def build():
    with open({str(tmp_path / "built")!r}, "a") as log:
        log.write("x")
    time.sleep(1.0)
    return engines.engine()
engine = EngineCache(pathlib.Path({str(cache.folder)!r})).get(engines.key(), "photo", build)
print(engine.info.digest)
"""
    command = [sys.executable, "-W", "error", "-c", program]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    results = [process.communicate(timeout=60) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], results
    assert {out.strip() for out, _ in results} == {engines.engine().info.digest}
    assert (tmp_path / "built").read_text() == "x"


def test_two_threads_build_once(cache: EngineCache) -> None:
    builder = Builder()

    def slow() -> EngineFile:
        time.sleep(0.3)
        return builder()

    def load() -> bytes:
        return cache.get(builder.engine.info.key, "photo", slow).data

    with ThreadPoolExecutor(3) as pool:
        results = [future.result() for future in [pool.submit(load) for _ in range(3)]]
    assert results == [builder.engine.data] * 3
    assert builder.count == 1


def test_a_full_disk_is_a_warning(cache: EngineCache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    builder = Builder()
    for count in (1, 2):
        with warned(r"cannot be kept.*No space left"):
            get(cache, builder)
        assert builder.count == count
    assert [path.suffix for path in cache.folder.iterdir()] == [".lock"]


def test_a_real_limit_of_the_file_size_is_a_warning(cache: EngineCache) -> None:
    program = f"""
import sys, resource, pathlib, logging
sys.path.insert(0, {TESTS!r})
from support import engines
from inpaint_sdk.engines import cache as engine_cache
from inpaint_sdk.engines.cache import EngineCache
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
told = []
handler = logging.Handler(logging.WARNING)
handler.emit = told.append
logging.getLogger("inpaint_sdk").addHandler(handler)
folder = pathlib.Path({str(cache.folder)!r})
build = lambda: engines.engine(bytes(10**6))
assert len(EngineCache(folder).get(engines.key(), "photo", build).data) == 10**6
assert ["cannot be kept" in r.getMessage() for r in told] == [True], told
"""
    pytest.importorskip("resource")
    subprocess.run([sys.executable, "-c", program], check=True)
    assert [path.suffix for path in cache.folder.iterdir()] == [".lock"]


def test_a_folder_that_cannot_be_made_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = EngineCache(tmp_path / "file" / "cache")
    with warned("cannot be kept"):
        get(cache, Builder())


def test_a_read_only_cache_is_still_read(
    cache: EngineCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests may run as root, to whom nothing is read-only, so the refusal is played."""
    builder = Builder()
    get(cache, builder)

    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "utime", refuse)
    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    get(cache, builder)
    assert builder.count == 1
    other = Builder(b"another", device="Orin")
    with warned("Read-only"):
        get(cache, other)
    assert other.count == 1


def test_the_longest_unused_entries_make_room(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path, limit=35_000)
    builders = [Builder(bytes(8000), device=str(i)) for i in range(3)]
    for age, builder in enumerate(builders):
        get(cache, builder)
        os.utime(kept(cache, builder), (age, age))
    get(cache, builders[0])  # used, so the second is now the oldest
    newest = Builder(bytes(8000), device="new")
    get(cache, newest)
    assert not kept(cache, builders[1]).exists()
    assert all(kept(cache, b).exists() for b in (builders[0], builders[2], newest))
    huge = Builder(bytes(10**6), device="huge")
    get(cache, huge)
    assert [entry.path for entry in cache.entries()] == [kept(cache, huge)], "the newest one stays"


class TestKernels:
    """What was compiled while an engine ran is kept beside it."""

    DIGEST = "0123456789abcdef" * 4

    def test_it_is_kept_and_replaced(self, cache: EngineCache) -> None:
        assert cache.read_kernels(self.DIGEST) is None
        for data in (b"first", b"second"):
            cache.write_kernels(self.DIGEST, data)
            assert cache.read_kernels(self.DIGEST) == data
        assert len(list(cache.folder.iterdir())) == 1
        assert cache.entries() == [], "it is no engine"

    def test_a_disk_that_refuses_loses_nothing(
        self, cache: EngineCache, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        cache.write_kernels(self.DIGEST, b"first")

        def full(*arguments: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", full)
            with pytest.raises(OutputError, match="No space left"):
                cache.write_kernels(self.DIGEST, b"second")
        assert cache.read_kernels(self.DIGEST) == b"first"
        assert len(list(cache.folder.iterdir())) == 1

    def test_it_goes_with_its_engine(self, tmp_path: Path) -> None:
        cache = EngineCache(tmp_path, limit=12_000)
        old, new = Builder(bytes(8000)), Builder(b"x" * 8000, device="new")
        for age, builder in enumerate((old, new)):
            get(cache, builder)
            cache.write_kernels(builder.engine.info.digest, b"kernels")
            os.utime(kept(cache, builder), (age, age))
        get(cache, Builder(b"y" * 8000, device="newest"))
        assert cache.read_kernels(old.engine.info.digest) is None
        cache.clear()
        assert cache.read_kernels(new.engine.info.digest) is None


def test_the_command_line(cache: EngineCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(engine_cache.FOLDER_VARIABLE, str(cache.folder))
    runner = CliRunner()
    assert "0 engines" in runner.invoke(main, ["cache", "list"]).output
    builder = Builder()
    get(cache, builder)
    (cache.folder / "photo-0.engine").write_bytes(b"junk")
    output = runner.invoke(main, ["cache", "list"]).output
    assert "2 engines" in output
    assert "damaged" in output
    assert "photo (fp32) for tensorrt 10.3.0 on NVIDIA Fake 3000" in output
    assert runner.invoke(main, ["cache", "clear"]).exit_code == 0
    assert not cache.entries()
    get(cache, builder)
    assert builder.count == 2


def test_the_limit_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(engine_cache.LIMIT_VARIABLE, "0.5")
    assert engine_cache.default_limit() == 500_000_000
    for text in ("much", "-1", "nan"):
        monkeypatch.setenv(engine_cache.LIMIT_VARIABLE, text)
        with pytest.raises(BackendError, match="number of gigabytes"):
            engine_cache.default_limit()
    result = CliRunner().invoke(main, ["cache", "list"])
    assert result.exit_code == 1
    assert "gigabytes" in result.output
