"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from inpaint_sdk import ImageError, OutputError
from inpaint_sdk.files import atomic_write, writing


@pytest.fixture
def private() -> Iterator[None]:
    """A umask under which nobody else may read."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_appears_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    with atomic_write(path) as partial:
        partial.write_bytes(b"new")
        assert (partial.parent, partial.suffix) == (tmp_path, ".png")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("private")
def test_the_umask_is_never_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: int) -> int:
        raise AssertionError("the umask is the whole process's")

    monkeypatch.setattr(os, "umask", refuse)
    with atomic_write(tmp_path / "out.png") as partial:
        assert mode(partial) == 0o600
    assert mode(tmp_path / "out.png") == 0o600
    monkeypatch.undo()


@pytest.mark.usefixtures("private")
def test_the_umask_survives_many_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # which is slow, and not what is tested

    def write(worker: int) -> None:
        for index in range(50):
            with atomic_write(tmp_path / f"{worker}-{index}"):
                pass

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.umask(0o077) == 0o077
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("bits", [0o600, 0o664, 0o444])
def test_a_replaced_file_keeps_its_permissions(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "out.png"
    path.touch()
    path.chmod(bits)
    with atomic_write(path) as partial:
        assert mode(partial) & 0o077 & ~bits == 0  # at no time may more people read it
    assert mode(path) == bits


@pytest.mark.parametrize(
    "error", [ValueError("a"), OSError("b"), ImageError("c"), KeyboardInterrupt(), SystemExit(1)]
)
def test_what_the_body_raises_passes_unchanged(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, atomic_write(tmp_path / "out.png") as partial:
        partial.write_bytes(b"half")
        raise error
    assert raised.value is error
    assert not list(tmp_path.iterdir())


def test_its_own_failures_name_the_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*out\.png: No such file"):
        atomic_write(tmp_path / "none" / "out.png").__enter__()
    with pytest.raises(OutputError, match="is a folder"):
        atomic_write(tmp_path).__enter__()
    path = tmp_path / "out.png"
    with pytest.raises(OutputError, match=f"cannot write {path}: .*directory"), atomic_write(path):
        path.mkdir()
    assert list(tmp_path.iterdir()) == [path]

    def fail(_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    other = tmp_path / "other.png"
    with pytest.raises(OutputError, match=f"cannot write {other}: No space"), atomic_write(other):
        pass
    assert list(tmp_path.iterdir()) == [path]


def test_long_names(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".png")
    with atomic_write(path) as partial:
        partial.write_bytes(b"new")
    assert path.read_bytes() == b"new"


def test_errors_of_writing(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    with pytest.raises(OutputError, match=f"cannot write {path}: No such file"), writing(path):
        (tmp_path / "none" / ".partial").write_bytes(b"")
    with pytest.raises(OutputError, match=r"cannot write .*: odd"), writing(path, KeyError):
        raise ValueError("odd")
    with pytest.raises(OutputError), writing(path, KeyError):
        raise KeyError
    with pytest.raises(ImageError), writing(path):
        raise ImageError("another file's")


def test_what_a_link_points_at_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    real, link = tmp_path / "folder" / "real.png", tmp_path / "link.png"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link.symlink_to(Path("folder") / "real.png")
    with atomic_write(link) as partial:
        partial.write_bytes(b"new")
    assert link.is_symlink()
    assert (real.read_bytes(), mode(real)) == (b"new", 0o600)
    dangling = tmp_path / "dangling.png"
    dangling.symlink_to("made.png")
    with atomic_write(dangling) as partial:
        partial.write_bytes(b"new")
    assert (tmp_path / "made.png").read_bytes() == b"new"
    circle = tmp_path / "circle.png"
    circle.symlink_to(circle)
    with pytest.raises(OutputError), atomic_write(circle):
        pass


@pytest.mark.parametrize("name", ["写" * 82 + ".jpg", "v" * 251 + ".png", "a." + "b" * 250])
def test_any_name_that_the_file_system_takes(tmp_path: Path, name: str) -> None:
    with atomic_write(tmp_path / name) as partial:
        partial.write_bytes(b"new")
    assert [path.name for path in tmp_path.iterdir()] == [name]
