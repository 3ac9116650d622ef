"""Every write of a picture fails once: the old file stays, alone, and the error names it."""

from __future__ import annotations

import ctypes
import errno
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardening.processes import run_alone
from inpaint_sdk import OutputError, Restorer

MOST = 40
"""Calls that a small picture's writing takes, at most."""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("shim") / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True)
    return library


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".bmp"])
def test_pictures(tmp_path: Path, shim: Path, suffix: str, error: int) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    Image.fromarray(np.full((24, 32, 3), 99, np.uint8)).save(tmp_path / "in.png")
    changes = {"LD_PRELOAD": str(shim), "INPAINT_FAULT_FOLDER": str(folder)}
    command = [sys.executable, __file__, str(tmp_path / "in.png"), str(folder / f"out{suffix}")]
    changes["INPAINT_FAULT_ERROR"] = str(error)
    failed = int(run_alone(command, **changes))
    assert 2 < failed < MOST


def attempt(source: Path, output: Path) -> int:
    """Fails each call in turn until none is left to fail; gives how many failed."""
    shim = ctypes.CDLL(None)
    restorer = Restorer.load("photo", threads=1)
    mask = np.zeros((24, 32), np.uint8)
    mask[4:8, 10:14] = 255
    for at in range(1, MOST):
        shim.inpaint_fail_at(0)
        output.write_bytes(b"old")
        shim.inpaint_fail_at(at)
        try:
            restorer.restore_file(source, output, mask)
        except OutputError as error:
            assert str(output) in str(error), error
            assert output.read_bytes() == b"old"
            assert list(output.parent.iterdir()) == [output]
            continue
        assert output.read_bytes() != b"old"
        assert list(output.parent.iterdir()) == [output]
        return at - 1
    raise AssertionError("there is no end of it")


if __name__ == "__main__":
    print(attempt(Path(sys.argv[1]), Path(sys.argv[2])))
