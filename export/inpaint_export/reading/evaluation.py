"""Measures a reader of text lines, other readers beside it, and what restorers give back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from inpaint_eval.drawing import compress
from inpaint_eval.legibility import (
    DAMAGES,
    LINE,
    Restore,
    character_error_rate,
    damaged_lines,
    line_on,
    measure_legibility,
)
from inpaint_eval.pictures import Pixels
from inpaint_export.data.photos import read_rgb
from inpaint_export.data.text_lines import CLEAN, DEGRADED, LineStyle, TextLinesDataConfig
from inpaint_export.evaluation_file import begin_document, end_document
from inpaint_export.reading.peers import ReadLines, as_rgb, rapidocr, tesseract, with_model
from inpaint_export.training.validation import spread
from inpaint_sdk import Options, Restorer, TextReader
from inpaint_sdk.files import is_picture

SEED = 20_260
"""Of all lines: none of them is among those of training or validation."""

PHOTOGRAPHS = "photos/val"
"""Below the data root: what lines are printed on."""

BEAM = 10

MARGIN = 4
"""Pixels after a line's last letter."""

Lines = Sequence[tuple[Pixels, str]]
"""RGB, uint8 [H, W, 3], and what each says."""


@dataclass(frozen=True)
class ReadingSizes:
    """lines: of each set for readers. damaged: lines under each damage."""

    lines: int = 500
    damaged: int = 60


def evaluate_reading(
    model_file: Path,
    data: Path,
    *,
    threads: int,
    sizes: ReadingSizes | None = None,
    peers: bool = True,
) -> dict[str, Any]:
    """Measures a reader, and what restorers give back to it.

    data: root of the data folders; lines are printed on photographs of :data:`PHOTOGRAPHS`.
    peers: whether Tesseract and RapidOCR read beside it; they have one thread each.

    Raises:
        ModelError: the file is no reader.
        ExportError: a peer is not installed.
        FileNotFoundError: a font, the list of words or the photographs are not there.
    """
    sizes = sizes or ReadingSizes()
    begun = begin_document("reading", model_file, threads)
    reader = TextReader.load(model_file, threads=threads, channels="rgb")
    readers: dict[str, ReadLines] = {
        reader.model.name: with_model(reader),
        f"{reader.model.name}, beam {BEAM}": with_model(reader, BEAM),
    }
    if peers:
        readers |= dict((tesseract(), rapidocr()))
    photographs = large_photographs(data / PHOTOGRAPHS, max(sizes.lines, sizes.damaged))
    sets: Mapping[str, Lines] = {
        "clean": rendered(CLEAN, sizes.lines),
        "degraded": rendered(DEGRADED, sizes.lines),
        "composited": composited(photographs[: sizes.lines]),
    }
    found_by = [
        {"reader": name, "lines": of, "count": len(drawn), **_measure(read, drawn)}
        for name, read in readers.items()
        for of, drawn in sets.items()
    ]
    legibility = [
        {"damage": damage, "restorer": name, **asdict(found)}
        for damage, name, restore in _restorers(threads)
        for found in [
            measure_legibility(
                lambda picture: reader.read(picture).text,
                restore,
                damaged_lines(photographs[: sizes.damaged], damage, seed=SEED),
            )
        ]
    ]
    return end_document(begun, readers=found_by, legibility=legibility)


def rendered(style: LineStyle, count: int) -> Lines:
    """Lines of English words in fonts that are held out, cut where they end."""
    config = TextLinesDataConfig(fonts="test", style=style, gentle=0, prose=1.0)
    drawn = config.open(Path(), seed=SEED, length=count)
    lines = map(drawn.draw, range(count))
    return [(as_rgb(line[:, : end + MARGIN]), text) for line, text, end in lines]


def composited(photographs: Sequence[Pixels]) -> Lines:
    """Lines on photographs as a camera sees them: at an angle, in uneven light, noisy, compressed.

    In place of photographed lines, of which there are none whose text is known.
    """
    made = []
    for index, photograph in enumerate(photographs):
        rng = np.random.default_rng((SEED, 1, index))
        picture, text = line_on(rng, photograph)
        made.append((_seen(rng, picture), text))
    return made


def _seen(rng: np.random.Generator, picture: Pixels) -> Pixels:
    height, width = picture.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    reach = np.array([0.008 * width, 0.08 * height])
    moved = corners + rng.uniform(-reach, reach, (4, 2)).astype(np.float32)
    warp = cv2.getPerspectiveTransform(corners, moved)
    seen = cv2.warpPerspective(picture, warp, (width, height), borderMode=cv2.BORDER_REPLICATE)
    left, right = rng.uniform(0.6, 1.15, 2).tolist()
    light = np.linspace(left, right, width)[None, :, None]
    lit = cv2.GaussianBlur(seen * light, (0, 0), float(rng.uniform(0.4, 1.4)))
    noisy = lit + rng.normal(0.0, rng.uniform(1.0, 10.0), lit.shape)
    pixels = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return compress(pixels, ".jpg", int(rng.integers(40, 95)))


def large_photographs(folder: Path, count: int) -> list[Pixels]:
    """So many photographs, RGB, enlarged to a line's size where they are smaller, over and over.

    Raises:
        FileNotFoundError: there is none.
    """
    paths = sorted(path for path in folder.rglob("*") if is_picture(path))
    if not paths:
        raise FileNotFoundError(f"there is no photograph in {folder}; give another --data")
    chosen = [_at_least(read_rgb(path)) for path in spread(paths, min(count, len(paths)))]
    return [chosen[index % len(chosen)] for index in range(count)]


def _at_least(photograph: Pixels) -> Pixels:
    factor = max(1.0, *(side / has for side, has in zip(LINE, photograph.shape, strict=False)))
    size = tuple(int(np.ceil(side * factor)) for side in photograph.shape[1::-1])
    return np.asarray(cv2.resize(photograph, size), np.uint8)


def _measure(read: ReadLines, drawn: Lines) -> dict[str, float]:
    found = read([line for line, _ in drawn])
    rate = character_error_rate(found.texts, [text for _, text in drawn])
    return {"character_error_rate": rate, "seconds_per_line": found.seconds}


def _restorers(threads: int) -> list[tuple[str, str, Restore]]:
    """What each damage is restored by: photo in the mask that is known, or clean."""
    photo = Restorer.load("photo", threads=threads, channels="rgb")
    clean = Restorer.load("clean", threads=threads, channels="rgb")

    def fill(picture: Pixels, mask: Pixels | None) -> Pixels:
        return np.asarray(photo.restore(picture, mask), np.uint8)

    def remove_noise(picture: Pixels, mask: Pixels | None) -> Pixels:
        return np.asarray(clean.restore(picture, options=Options(strength=1.0)), np.uint8)

    return [
        (damage, *(("clean", remove_noise) if kind is None else ("photo", fill)))
        for damage, kind in DAMAGES.items()
    ]
