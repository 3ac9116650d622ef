"""What a user waits for before the first result: the import, and a whole process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2

from inpaint_bench.schema.sdk import SdkRow
from inpaint_bench.schema.timing import percentiles
from inpaint_eval.drawn import draw_mask, draw_picture
from inpaint_eval.pictures import Ratio

IMPORT = """
import sys, time
started = time.perf_counter()
import inpaint_sdk
print(time.perf_counter() - started, int("torch" in sys.modules))
"""

SIDE = 500


def startup(runs: int = 10) -> SdkRow:
    """``import inpaint_sdk``, and ``inpaint-sdk restore`` up to the written picture."""
    imports = [_import() for _ in range(runs)]
    figures = {
        "import_milliseconds": percentiles([1e3 * seconds for seconds, _ in imports]),
        "imports_torch": any(torch for _, torch in imports),
        "first_result_milliseconds": percentiles([1e3 * s for s in _first_results(runs)]),
        "size": [SIDE, SIDE],
    }
    return SdkRow(bar="imports_torch is false", figures=figures)


def _import() -> tuple[float, bool]:
    command = [sys.executable, "-c", IMPORT]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(output[0]), output[1] == "1"


def _first_results(runs: int) -> list[float]:
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        image, mask, output = (Path(folder) / name for name in ("image.png", "mask.png", "o.png"))
        cv2.imwrite(str(image), draw_picture(SIDE, SIDE))
        cv2.imwrite(str(mask), draw_mask("strokes", SIDE, SIDE, Ratio(10, 20)))
        command = [sys.executable, "-m", "inpaint_sdk", "restore", str(image)]
        command += ["--mask", str(mask), "-o", str(output)]
        for _ in range(runs):
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            seconds.append(time.perf_counter() - started)
    return seconds
