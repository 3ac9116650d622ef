"""Mutated masks in every form that they are given in: a mask, or a ``MaskError``.

``python -m hardening.test_masks COUNT SEED FOLDER`` in ``tests`` tries so many; the last one is in
the folder, as ``mask``.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from hardening.fuzzing import attempts, main, mutated
from hardening.processes import run_alone
from inpaint_sdk import MaskError
from inpaint_sdk.images.masks import open_mask

COUNT = 600
SIZE = 24, 32
DTYPES = ("bool", "uint8", "uint16", "int64", "float32", "complex64", "U3", "O", "M8[s]")


def marked() -> np.ndarray[Any, np.dtype[np.uint8]]:
    pixels = np.zeros(SIZE, np.uint8)
    pixels[4:8, 10:14] = 255
    return pixels


def seeds() -> dict[str, bytes]:
    """A mask's file in each form that tools write."""
    grey = Image.fromarray(marked())
    found = {}

    def save(name: str, image: Image.Image, kind: str, **options: Any) -> None:
        image.save(file := BytesIO(), format=kind, **options)
        found[name] = file.getvalue()

    def tiff(name: str, pixels: Any, **options: Any) -> None:
        tifffile.imwrite(file := BytesIO(), pixels, metadata=None, **options)
        found[name] = file.getvalue()

    save("png", grey, "PNG")
    save("png-1", grey.convert("1"), "PNG")
    save("png-16", Image.fromarray(marked().astype(np.uint16) * 257), "PNG")
    save("png-palette", grey.convert("P"), "PNG")
    save("png-transparent", grey.convert("P"), "PNG", transparency=0)
    save("png-alpha", grey.convert("LA"), "PNG")
    save("png-colours", grey.convert("RGB"), "PNG", dpi=(300, 300))
    save("jpeg", grey, "JPEG")
    save("webp", grey.convert("RGB"), "WEBP", lossless=True)
    save("gif", grey, "GIF")
    save("bmp", grey, "BMP")
    save("bmp-1", grey.convert("1"), "BMP")
    save("pgm", grey, "PPM")
    save("pbm", grey.convert("1"), "PPM")
    save("tga", grey, "TGA", compression="tga_rle")
    save("pcx", grey, "PCX")
    save("ico", grey.convert("RGB"), "ICO", sizes=[(32, 24)])
    save("avif", grey.convert("RGB"), "AVIF")
    save("tiff-fax", grey.convert("1"), "TIFF", compression="group4")
    save("tiff-lzw", grey, "TIFF", compression="tiff_lzw")
    tiff("tiff-16", marked().astype(np.uint16), photometric="minisblack", compression="zlib")
    tiff("tiff-float", marked().astype(np.float32) / 255, photometric="minisblack")
    tiff("tiff-white", marked(), photometric="miniswhite")
    return found


SEEDS = seeds()


def odd_array(rng: np.random.Generator) -> Any:
    """Of few dimensions, of odd sizes and types, and perhaps not in order in memory."""
    dimensions = int(rng.choice([0, 1, 2, 2, 2, 3, 4]))
    shape = [int(size) for size in rng.choice([0, 1, 3, *SIZE], dimensions)]
    dtype = np.dtype(DTYPES[int(rng.integers(2 if rng.random() < 0.5 else len(DTYPES)))])
    whole = np.zeros(shape, dtype) if dtype.kind in "OUM" else rng.integers(0, 2, shape) > 0
    made = np.asarray(whole).astype(dtype)
    reversed_rows = made[::-1] if made.ndim else made
    return (made, made.T, reversed_rows, made.view(np.ma.MaskedArray))[int(rng.integers(4))]


def attempt(index: int, rng: np.random.Generator, path: Path) -> str:
    names = sorted(SEEDS)
    name = names[index % len(names)]
    data = mutated(SEEDS[name], rng)
    door = ("bytes", "path", "PIL", "array")[int(rng.integers(4))]
    sizes = SIZE if rng.random() < 0.3 else (None, None)
    path.write_bytes(data)
    mask: Any = data
    if door == "path":
        mask = path
    elif door == "PIL":
        try:
            mask = Image.open(BytesIO(data))
        except Exception:  # PIL's own, which the caller sees
            return "no PIL image"
    elif door == "array":
        mask = odd_array(rng)
    try:
        found = open_mask(mask, *sizes)
    except MaskError:
        return "MaskError"
    assert found.dtype == np.uint8
    assert found.ndim == 2
    assert sizes[0] is None or found.shape == SIZE
    assert not np.any((found != 0) & (found != 255)), "it is neither 0 nor 255"
    return f"a mask, of {'an array' if door == 'array' else 'a file'}"


def fuzz(count: int, seed: int, folder: Path) -> Counter[str]:
    """Tries so many masks; counts what became of them."""
    warnings.simplefilter("ignore")
    return attempts(count, seed, lambda index, rng: attempt(index, rng, folder / "tried"))


def test_mutated_masks(tmp_path: Path) -> None:
    """In a process of its own: a crash in a decoder would end this one."""
    told = run_alone([sys.executable, __file__, str(COUNT), "0", str(tmp_path)])
    for became in ("MaskError", "a mask, of an array", "a mask, of a file"):
        assert became in told


@pytest.mark.parametrize("name", sorted(set(SEEDS) - {"png-alpha", "png-transparent"}))
def test_the_files_are_masks(name: str) -> None:
    """Before they are mutated, or most would be refused at once."""
    assert open_mask(SEEDS[name], *SIZE).any()


if __name__ == "__main__":
    main(fuzz)
