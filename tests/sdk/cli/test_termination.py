from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from inpaint_sdk.cli.termination import exit_on_signals
from support.videos import write_video

PATIENCE = 60.0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_an_exit(number: signal.Signals) -> None:
    before = signal.signal(number, signal.SIG_DFL)  # whatever the tests are run by
    try:
        with pytest.raises(SystemExit) as left, exit_on_signals():
            os.kill(os.getpid(), number)
            time.sleep(PATIENCE)
        assert left.value.code == 128 + number
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with exit_on_signals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_video_that_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    pytest.importorskip("av")
    noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    source, output = tmp_path / "in.mp4", tmp_path / "out" / "out.mp4"
    write_video(source, [np.roll(noise, index, axis=1) for index in range(150)])
    output.parent.mkdir()
    command = [sys.executable, "-m", "inpaint_sdk", "video", str(source), str(output)]
    process = subprocess.Popen([*command, "--threads", "1"], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + PATIENCE
        while not list(output.parent.iterdir()):
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 128 + signal.SIGTERM
    finally:
        process.kill()
        process.wait()
    assert not list(output.parent.iterdir())
