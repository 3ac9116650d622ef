"""What else reads lines of text: Tesseract, and RapidOCR's recogniser of PyPI."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from inpaint_eval.pictures import Pixels
from inpaint_export.errors import ExportError
from inpaint_sdk import TextReader

ENLARGED = 2
"""How often its pixels Tesseract is shown a line: it is made for scans of 300 dots an inch."""

BORDER = 16
"""Pixels around an enlarged line, since Tesseract misses letters at a picture's edge."""


@dataclass(frozen=True)
class Reading:
    """What a reader made of lines. seconds: of one thread's processor time, for each line."""

    texts: list[str]
    seconds: float


ReadLines = Callable[[Sequence[Pixels]], Reading]


def with_model(reader: TextReader, beam: int | None = None) -> ReadLines:
    """Our model, one line after another; lines are RGB."""

    def read(lines: Sequence[Pixels]) -> Reading:
        reader.read(lines[0], beam=beam)
        return _timed(reader.read(line, beam=beam).text for line in lines)

    return read


def tesseract() -> tuple[str, ReadLines]:
    """Tesseract's LSTM for English, all lines in one process, and what it calls itself.

    Raises:
        ExportError: it is not installed.
    """
    try:
        said = subprocess.run(
            ["tesseract", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except FileNotFoundError as error:
        raise ExportError("Tesseract is missing: apt-get install tesseract-ocr") from error
    return said.splitlines()[0], _tesseract


def _tesseract(lines: Sequence[Pixels]) -> Reading:
    with TemporaryDirectory() as folder:
        paths = []
        for index, line in enumerate(lines):
            size = line.shape[1] * ENLARGED, line.shape[0] * ENLARGED
            large = cv2.resize(line, size, interpolation=cv2.INTER_CUBIC)
            sides = (BORDER,) * 4
            paths.append(Path(folder) / f"{index:05}.png")
            bordered = cv2.copyMakeBorder(large, *sides, cv2.BORDER_REPLICATE)
            cv2.imwrite(str(paths[-1]), bordered[..., ::-1])
        listed = Path(folder) / "lines.txt"
        listed.write_text("\n".join(map(str, paths)))
        command = ["tesseract", str(listed), "stdout", "-l", "eng", "--psm", "7"]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        said = subprocess.run(
            command, capture_output=True, text=True, check=True, env={"OMP_THREAD_LIMIT": "1"}
        ).stdout
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    pages = [page.strip() for page in said.split("\f")][: len(lines)]
    spent = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return Reading(pages, spent / len(lines))


def rapidocr() -> tuple[str, ReadLines]:
    """RapidOCR's recogniser alone, whose weights (PP-OCRv4) its wheel carries, and its name.

    Raises:
        ExportError: it is not installed.
    """
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ImportError as error:
        raise ExportError(
            "RapidOCR is missing. It asks for another wheel of OpenCV than the SDK's, which must "
            "not be installed beside it: pip install --no-deps rapidocr-onnxruntime pyclipper "
            "shapely six pyyaml"
        ) from error
    engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)

    def read(lines: Sequence[Pixels]) -> Reading:
        def one(line: Pixels) -> str:
            found, _ = engine(line[..., ::-1], use_det=False, use_cls=False, use_rec=True)
            return str(found[0][0]) if found else ""

        one(lines[0])
        return _timed(map(one, lines))

    return f"RapidOCR {metadata.version('rapidocr-onnxruntime')}", read


def _timed(texts: Iterable[str]) -> Reading:
    began = time.process_time()
    found = list(texts)
    return Reading(found, (time.process_time() - began) / len(found))


def as_rgb(grey: Pixels) -> Pixels:
    """A grey line, uint8 [H, W], in three equal channels."""
    return np.repeat(grey[..., None], 3, axis=2)
