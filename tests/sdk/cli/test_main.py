from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from click.testing import Result
from numpy.typing import NDArray

from inpaint_sdk.cli.main import main


def test_choices_are_told_when_asked_for(
    tmp_path: Path, image: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> None:
    cv2.imwrite(str(tmp_path / "image.png"), image)
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    command = ["restore", "image.png", "--mask", "mask.png", "-o", "out.png"]
    for options, told in (([], False), (["-v"], True)):
        run = subprocess.run(
            [sys.executable, "-m", "inpaint_sdk", *options, *command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert ("photo runs on onnxruntime-cpu, which auto chose" in run.stderr) == told


def test_every_command_has_help(run: Callable[..., Result]) -> None:
    listed = run("--help").output.partition("Commands:")[2].splitlines()
    commands = [line.split()[0] for line in listed if line.strip()]
    assert sorted(commands) == sorted(main.commands)
    for command in commands:
        assert run(command, "--help").exit_code == 0
