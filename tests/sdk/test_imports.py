"""What importing the package brings with it, seen from fresh processes."""

from __future__ import annotations

import subprocess
import sys

import pytest


def modules_after(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    command = [sys.executable, "-c", program]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(run.stdout.split())


@pytest.mark.parametrize("heavy", ["torch", "onnx", "onnxruntime", "cv2", "PIL", "scipy"])
def test_import_is_light(heavy: str) -> None:
    assert heavy not in modules_after("import inpaint_sdk")


@pytest.mark.parametrize("module", ["loader", "builder", "session"])
def test_the_tensorrt_backend_is_imported_without_tensorrt(module: str) -> None:
    """So that asking what is there needs nothing that may not be there."""
    loaded = modules_after(f"import inpaint_sdk.backends.tensorrt.{module}")
    assert not {"torch", "onnx", "onnxruntime", "cuda.bindings", "filelock", "tqdm"} & loaded
    assert not [name for name in loaded if name.startswith("tensorrt")]


def test_restoring_needs_no_torch() -> None:
    restore = (
        "import numpy as np; from inpaint_sdk import Restorer;"
        "Restorer.load('photo').restore(np.zeros((9, 9, 3), np.uint8), np.eye(9, dtype=bool))"
    )
    loaded = modules_after(restore)
    assert "onnxruntime" in loaded
    assert not {"torch", "onnx", "skimage", "inpaint_export", "inpaint_bench"} & loaded


LOGGED = """
import logging
import sys
import numpy as np
from inpaint_sdk import Restorer
if sys.argv[1] == "told":
    logging.basicConfig(level=logging.INFO)
restore = Restorer.load("auto", threads=1).frames()
restore(np.zeros((9, 9, 3), np.uint8))
restore(np.zeros((9, 9, 3), np.uint8), np.ones((9, 9), bool))
"""


def test_it_says_nothing_unless_it_is_asked_to() -> None:
    def said(how: str) -> str:
        command = [sys.executable, "-c", LOGGED, how]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
        return run.stdout + run.stderr

    assert said("silent") == ""
    told = said("told")
    assert "INFO:inpaint_sdk.policies.auto:auto: " in told
    assert "WARNING:inpaint_sdk.frames.restorer:a frame is left as it is: " in told
