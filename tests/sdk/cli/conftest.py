from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from inpaint_sdk.cli.main import main
from support.detector import scratched, write_detector

Pixels = NDArray[np.uint8]
Run = Callable[..., Result]


@pytest.fixture
def run() -> Run:
    """Runs the command line."""
    return lambda *arguments: CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture(scope="session")
def kinds_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that takes magenta for scratches and cyan for an overlay."""
    pytest.importorskip("onnx")
    path = tmp_path_factory.mktemp("detector") / "kinds.onnx"
    return write_detector(path, {"scratch": 1, "overlay": 0})


@pytest.fixture
def two_kinds(image: Pixels, mask: Pixels) -> Pixels:
    """A picture with a magenta hole and a cyan stripe at its bottom."""
    damaged = scratched(image, mask)
    damaged[84:88, 20:90] = (255, 255, 0)
    return damaged


@pytest.fixture
def folder(tmp_path: Path, image: Pixels, mask: Pixels) -> Path:
    """A damaged picture and a clean one."""
    made = tmp_path / "pictures"
    made.mkdir()
    cv2.imwrite(str(made / "damaged.png"), scratched(image, mask))
    cv2.imwrite(str(made / "clean.png"), image)
    return made
