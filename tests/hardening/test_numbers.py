"""Extreme values, shapes and masks: undamaged pixels come back bit for bit.

INPAINT_SIDE=20000 makes the huge picture that high and wide, which takes some 3 GB.
"""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inpaint_sdk import InpaintError, Restorer

SIDE = int(os.environ.get("INPAINT_SIDE", "6000"))
SHAPES = [(1, 2), (2, 1), (40, 1), (1, 40), (3, 30_000), (30_000, 3)]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("value", ["zero", "largest", "random"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_undamaged_pixels(
    photo: Restorer, shape: tuple[int, int], value: str, dtype: type[np.integer]
) -> None:
    most = np.iinfo(dtype).max
    rng = np.random.default_rng(0)
    pixels = {
        "zero": np.zeros((*shape, 3), dtype),
        "largest": np.full((*shape, 3), most, dtype),
        "random": rng.integers(0, most, (*shape, 3), dtype, endpoint=True),
    }[value]
    mask = np.zeros(shape, np.uint8)
    mask[0, 0] = 255
    restored = photo.restore(pixels, mask)
    assert restored.dtype == dtype
    assert np.array_equal(restored[mask == 0], pixels[mask == 0])


def test_the_only_pixel_is_masked(photo: Restorer) -> None:
    with pytest.raises(InpaintError):
        photo.restore(np.zeros((1, 1, 3), np.uint8), np.ones((1, 1), np.uint8))


def test_a_huge_picture_with_a_sparse_mask(photo: Restorer) -> None:
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    pixels[::7, ::5] = 200
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for at in (0, SIDE // 2, SIDE - 9):
        mask[at : at + 8, at : at + 8] = 255
    tracemalloc.start()
    restored = photo.restore(pixels, mask)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < restored.nbytes + mask.nbytes + (64 << 20), "memory follows the damage"
    for strip in np.array_split(
        np.arange(SIDE), 10
    ):  # which keeps the comparison's own memory small
        known = mask[strip] == 0
        assert np.array_equal(restored[strip][known], pixels[strip][known])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused(photo: Restorer, value: float) -> None:
    pixels = np.full((8, 8, 3), value, np.float32)
    mask = np.zeros((8, 8), np.uint8)
    mask[0, 0] = 1
    with pytest.raises(InpaintError):
        photo.restore(pixels, mask)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("model", ["photo", "photo-staged", "cloud-thin", "clean"])
def test_denormal_pixels(model: str, dtype: type[np.floating]) -> None:
    """They are kept as they are, and take no longer than others."""
    drawn = np.random.default_rng(0).random((128, 128, 3)).astype(dtype)
    denormal = drawn * np.finfo(dtype).smallest_normal
    denormal[0, 0], denormal[0, 1] = np.finfo(dtype).smallest_subnormal, -0.0
    mask = np.zeros((128, 128), np.uint8)
    mask[40:80, 40:80] = 255
    known = mask == 0
    with Restorer.load(model, threads=1) as restorer:
        restored = restorer.restore(denormal, mask)
        usual, slow = seconds(
            lambda: restorer.restore(drawn, mask), lambda: restorer.restore(denormal, mask)
        )
    assert restored.dtype == dtype
    assert np.isfinite(restored).all()
    assert restored[known].tobytes() == denormal[known].tobytes()
    assert slow < 10 * usual + 0.01


def test_denormal_weights(tmp_path: Path) -> None:
    """A model that adds next to nothing, in the scan and beside it, changes nothing."""
    helper = pytest.importorskip("onnx.helper")
    from onnx import numpy_helper

    from hardening.hostile_models import described, model

    def restorer(name: str, factor: float) -> Restorer:
        tensors = [
            numpy_helper.from_array(np.full(shape, factor, np.float32), name)
            for name, shape in (("weight", (4, 3)), ("bias", (4, 3)), ("kernel", (3, 3, 9, 9)))
        ]
        nodes = [
            helper.make_node("Conv", ["image", "kernel"], ["little"], pads=[4] * 4),
            helper.make_node("Add", ["image", "little"], ["more"]),
            helper.make_node(
                "DirectionalScan", ["more", "weight", "bias"], ["maps"], domain="inpaint_sdk"
            ),
            helper.make_node("Split", ["maps"], list("abcd"), axis=1, num_outputs=4),
            helper.make_node("Max", list("abcd"), ["output"]),
        ]
        path = tmp_path / name
        path.write_bytes(described(model(nodes, tensors, domains=["inpaint_sdk"])))
        return Restorer.load(path, threads=1)

    pixels = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    with restorer("denormal.onnx", 1e-40) as denormal, restorer("usual.onnx", 0.01) as usual:
        assert np.array_equal(denormal.restore(pixels), pixels)
        assert not np.array_equal(usual.restore(pixels), pixels)
        known, slow = seconds(lambda: usual.restore(pixels), lambda: denormal.restore(pixels))
    assert slow < 10 * known + 0.01


def seconds(*works: Callable[[], object]) -> list[float]:
    """Of computing that each takes, the least of 3 in turn."""
    found = np.empty((3, len(works)))
    for turn in range(3):
        for index, work in enumerate(works):
            begun = time.process_time()
            work()
            found[turn, index] = time.process_time() - begun
    return found.min(axis=0).tolist()
