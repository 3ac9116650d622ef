"""The examples in docstrings run, and give what they say."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from support.documents import ROOT
from support.videos import write_video

Pixels = NDArray[np.uint8]

WITH_EXAMPLES = {
    *("Detection", "DetectionOptions", "Detector", "Detector.detect", "FrameRestorer", "Options"),
    *("Plan", "Restorer", "Restorer.load", "Restorer.restore", "Restorer.run", "Result"),
    *("Stream", "get_library_path", "list_models", "open_source", "restore_video"),
}
"""Public names that a newcomer meets first."""


def modules() -> Iterator[str]:
    """Those with examples."""
    for folder in ("sdk", "kernels", "export", "benchmarks"):
        for path in (ROOT / folder).glob("inpaint_*/**/*.py"):
            if ">>> " in path.read_text("utf-8"):
                parts = path.relative_to(ROOT / folder).with_suffix("").parts
                yield ".".join(parts).removesuffix(".__init__")


def examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in sorted(modules()):
        yield from (test for test in finder.find(import_module(name)) if test.examples)


EXAMPLES = list(examples())


@pytest.fixture
def files(tmp_path: Path, image: Pixels, mask: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that the examples name, in the current folder."""
    monkeypatch.chdir(tmp_path)
    frames = [cv2.resize(image, (160, 120))] * 5
    cv2.imwrite("photo.png", image)
    cv2.imwrite("mask.png", mask)
    cv2.imwrite("logo.png", cv2.resize(mask, (160, 120), interpolation=cv2.INTER_NEAREST))
    write_video(Path("clip.mp4"), frames)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs(example: doctest.DocTest) -> None:
    said: list[str] = []
    doctest.DocTestRunner().run(example, out=said.append)
    assert not said, "".join(said)


def test_what_is_met_first_has_an_example() -> None:
    found = {example.name for example in EXAMPLES}
    lacking = {name for name in WITH_EXAMPLES if not any(f.endswith(f".{name}") for f in found)}
    assert lacking == set()
