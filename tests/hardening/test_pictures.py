"""Mutated picture files: whatever is in them, an ``InpaintError`` or a warning is all there is.

``INPAINT_FUZZ=10000 pytest tests/hardening/test_pictures.py`` tries so many; without it, as many
as take about a minute. ``INPAINT_FUZZ_SEED`` chooses others. The last file tried is ``failed``.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import warnings
from collections import Counter
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, features

from hardening.fuzzing import attempts, main, mutated
from hardening.processes import environment
from inpaint_sdk import InpaintError, Restorer
from inpaint_sdk.images.files import open_image
from inpaint_sdk.images.masks import open_mask
from support.heic import HEIC, HEIC_10_BITS

COUNT = int(os.environ.get("INPAINT_FUZZ", "400"))
SEED = int(os.environ.get("INPAINT_FUZZ_SEED", "0"))
Bytes = NDArray[np.uint8]


def seeds() -> dict[str, bytes]:
    """A small file of each form, with metadata."""
    y, x = np.mgrid[:24, :32]
    grey = (y * 7 + x * 5).astype(np.uint8)
    rgb = np.dstack([grey, grey[::-1], grey[:, ::-1]])
    picture = Image.fromarray(rgb)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    exif[0x8769] = {0x829A: 0.005, 0x927C: b"maker"}
    found: dict[str, bytes] = {}

    def save(name: str, image: Image.Image, kind: str, **options: object) -> None:
        file = BytesIO()
        image.save(file, format=kind, **options)
        found[name] = file.getvalue()

    def tiff(name: str, pixels: NDArray[np.generic], **options: object) -> None:
        file = BytesIO()
        tifffile.imwrite(file, pixels, metadata=None, **options)  # type: ignore[arg-type]
        found[name] = file.getvalue()

    save("jpeg", picture, "JPEG", exif=exif, comment=b"hello", dpi=(300, 300))
    save("jpeg-progressive", picture, "JPEG", progressive=True, exif=exif)
    save("jpeg-cmyk", picture.convert("CMYK"), "JPEG")
    save("png", picture, "PNG", exif=exif, dpi=(300, 300))
    save("png-palette", picture.quantize(16), "PNG", transparency=3)
    save("webp", picture, "WEBP", exif=exif, lossless=True)
    save("bmp", picture, "BMP")
    if features.check("avif"):
        save("avif", picture, "AVIF", exif=exif)
    if find_spec("pi_heif"):
        found |= {"heic": HEIC, "heic-10-bits": HEIC_10_BITS}
    save("gif", picture.quantize(16), "GIF")
    del exif[0x8769]  # which PIL cannot write into a TIFF from memory
    save("tiff", picture, "TIFF", exif=exif)
    save("tiff-lzw", picture, "TIFF", compression="tiff_lzw")
    save("tiff-fax", picture.convert("1"), "TIFF", compression="group4")
    found["png16"] = cv2.imencode(".png", rgb.astype(np.uint16) * 257)[1].tobytes()
    tiff("tiff16", rgb.astype(np.uint16) * 257, photometric="rgb", compression="zlib")
    tiff("tiff16-planes", np.moveaxis(rgb, 2, 0).astype(np.uint16), photometric="rgb")
    tiff("tiff-big", rgb, photometric="rgb", bigtiff=True, byteorder=">")
    tiff("tiff-cmyk", np.dstack([rgb, grey]), photometric="separated")
    tiff("tiff-float", (rgb / 255).astype(np.float32), photometric="rgb", tile=(16, 16))
    return found


SEEDS = seeds()


def attempt(data: bytes, restorer: Restorer, path: Path, door: int) -> None:
    """Through one of the doors that files come in by."""
    with contextlib.suppress(InpaintError):
        if door == 0:
            open_image(data, "bgr")
        elif door == 1:
            open_mask(data)
        else:
            path.write_bytes(data)
            if door == 2:
                open_image(path, "bgr")
            else:
                restorer.restore_file(path, path.with_name("out.tif"), MASK)


MASK = np.zeros((24, 32), np.uint8)
MASK[4:8, 10:14] = 255


def fuzz(count: int, seed: int, folder: Path) -> Counter[str]:
    """Tries so many files; counts them by their form. Raises what is no ``InpaintError``."""
    restorer = Restorer.load("photo", threads=1)
    names = sorted(SEEDS)
    warnings.simplefilter("ignore")

    def one(index: int, rng: np.random.Generator) -> str:
        name = names[index % len(names)]
        data = mutated(SEEDS[name], rng)
        (folder / "failed").write_bytes(data)
        attempt(data, restorer, folder / f"in.{name.partition('-')[0]}", index % 4)
        return name

    return attempts(count, seed, one)


@pytest.mark.slow
def test_mutated_files(tmp_path: Path) -> None:
    """In a process of its own: a crash in a decoder would end this one."""
    run = subprocess.run(
        [sys.executable, __file__, str(COUNT), str(SEED), str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=300 + 2 * COUNT,
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    assert not run.stderr, "something was printed"


@pytest.mark.parametrize("name", SEEDS)
def test_the_files_are_whole(name: str) -> None:
    """Before they are mutated, or most would be refused at once."""
    assert open_image(SEEDS[name], "bgr").pixels.size


if __name__ == "__main__":
    main(fuzz)
