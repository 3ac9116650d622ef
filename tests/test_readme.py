"""The README's Python examples run, one after the other, as a reader would run them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from support.videos import write_video

README = Path(__file__).parents[1] / "README.md"

SUBSTITUTIONS = {"rtsp://camera/stream": "camera.mp4"}
"""What a test does not have, and what it has instead."""

Pixels = NDArray[np.uint8]


def python_blocks() -> Iterator[tuple[int, str]]:
    """Each block of Python, and the number of lines before it."""
    text = README.read_text()
    for found in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        code = found[1]
        for absent, present in SUBSTITUTIONS.items():
            code = code.replace(absent, present)
        yield text.count("\n", 0, found.start(1)), code


def write_files(folder: Path, image: Pixels, mask: Pixels) -> None:
    """The files that the examples name."""
    scratched = image.copy()
    cv2.line(scratched, (10, 15), (125, 70), (255, 255, 255), 2)
    noise = np.random.default_rng(0).normal(0.0, 20.0, image.shape)
    noisy = np.clip(image + noise, 0.0, 255.0).astype(np.uint8)
    for name, pixels in {
        "photo.jpg": image,
        "scratched.jpg": scratched,
        "noisy.jpg": noisy,
        "cloudy.png": image,
        "mask.png": mask,
        "logo.png": mask,
        "scan.tif": image.astype(np.uint16) * 257,
    }.items():
        cv2.imwrite(str(folder / name), pixels)
    for name in ("in.mp4", "camera.mp4"):
        write_video(folder / name, [image] * 5)


def test_substitutions_are_needed() -> None:
    text = README.read_text()
    assert all(absent in text for absent in SUBSTITUTIONS)


def test_examples_run(
    tmp_path: Path, image: Pixels, mask: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("av", reason="the examples with videos need PyAV")
    write_files(tmp_path, image, mask)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = list(python_blocks())
    assert len(blocks) > 5
    for line, code in blocks:
        # So that a traceback names the README's own lines.
        exec(compile("\n" * line + code, str(README), "exec"), names)
    for written in ("restored.png", "restored.tif", "found.png", "out.mp4"):
        assert (tmp_path / written).is_file()
    names["detector"].close()
