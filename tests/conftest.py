"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import Restorer
from support.detector import write_detector

Pixels = NDArray[np.uint8]
SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of research data beside the checkout."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the research data is not beside this checkout (../shared/data)")
    return SHARED / "data"


@pytest.fixture(scope="session")
def photo() -> Restorer:
    """The bundled model, loaded once."""
    return Restorer.load("photo", threads=2)


@pytest.fixture(scope="session")
def detector_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector that takes what is magenta for damage."""
    pytest.importorskip("onnx")
    return write_detector(tmp_path_factory.mktemp("detector") / "magenta.onnx")


@pytest.fixture(scope="session")
def finder(detector_file: Path) -> Restorer:
    """The bundled inpainting model with that detector."""
    return Restorer.load("photo", threads=2, detector=detector_file)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def image(rng: np.random.Generator) -> Pixels:
    """Smooth colours with some noise, uint8 [90, 130, 3]; every channel is different."""
    coarse = rng.integers(0, 256, (6, 8, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, (130, 90), interpolation=cv2.INTER_CUBIC).astype(np.int16)
    noise = rng.integers(-8, 9, smooth.shape)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def mask() -> Pixels:
    """A box and a line, uint8 [90, 130], 255 there."""
    marked = np.zeros((90, 130), np.uint8)
    marked[20:40, 30:60] = 255
    cv2.line(marked, (5, 80), (120, 50), 255, 3)
    return marked
