"""What a user waits for before the first result: imports, and a whole process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2

from inpaint_bench.data import Sample
from inpaint_bench.timing import summarise

IMPORT = """
import sys, time
started = time.perf_counter()
import inpaint_sdk
print(time.perf_counter() - started, int("torch" in sys.modules))
"""


def measure_import(runs: int) -> dict[str, Any]:
    """Seconds that ``import inpaint_sdk`` takes in a fresh process, and whether it brings torch."""
    seconds, torch_seen = [], False
    for _ in range(runs):
        output = subprocess.run(
            [sys.executable, "-c", IMPORT], check=True, capture_output=True, text=True
        ).stdout.split()
        seconds.append(float(output[0]))
        torch_seen |= output[1] == "1"
    return {"milliseconds": vars(summarise(seconds)), "imports_torch": torch_seen}


def measure_first_result(sample: Sample, model: str, runs: int) -> dict[str, Any]:
    """Milliseconds from starting ``inpaint-sdk restore`` until its picture is written."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        image, mask, output = (Path(folder) / name for name in ("image.png", "mask.png", "o.png"))
        cv2.imwrite(str(image), sample.picture)
        cv2.imwrite(str(mask), sample.mask)
        command = [sys.executable, "-m", "inpaint_sdk", "restore", str(image)]
        command += ["--mask", str(mask), "-o", str(output), "--model", model]
        for _ in range(runs):
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - started)
    return {"milliseconds": vars(summarise(seconds)), "size": list(sample.picture.shape[:2])}
