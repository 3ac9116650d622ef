"""Denoisers that stand beside a model: each at the level that is best for a picture, by its truth.

That is in their favour: the model is not told anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from inpaint_eval.scores import Pixels, psnr_of
from inpaint_export.errors import ExportError
from inpaint_export.noise.denoisers import Restore, non_local_means, wavelet
from inpaint_export.noise.ffdnet import WEIGHTS, FfdNet, FfdNetRunner, write_onnx

LEVELS = (
    0.7,
    1.0,
    1.5,
    2.0,
    3.0,
    4.0,
    5.0,
    6.5,
    8.0,
    10.0,
    12.5,
    15.0,
    20.0,
    25.0,
    35.0,
    50.0,
    70.0,
)
"""Standard deviations of noise, of 255, that peers are tried with."""

Denoise = Callable[[Pixels, float], Pixels]
"""From a uint8 BGR picture and a level of :data:`LEVELS`."""


@dataclass(frozen=True)
class Peer:
    """runs: the method, or its variants, of which the best counts too.

    every: how many levels are gone at a time; more where the method is slow.
    """

    name: str
    runs: tuple[Denoise, ...]
    every: int = 1

    def at_its_best(self, noisy: Pixels, truth: Pixels) -> Pixels:
        """The result with the highest PSNR; the picture itself if none gains."""
        results = [noisy, *(self._best(run, noisy, truth) for run in self.runs)]
        return max(results, key=lambda result: _psnr(result, truth))

    def _best(self, run: Denoise, noisy: Pixels, truth: Pixels) -> Pixels:
        """Walks from the level of what differs, as long as it helps."""
        levels = LEVELS[:: self.every]
        found: dict[int, tuple[Pixels, float]] = {}

        def tried(index: int) -> float:
            if index not in found:
                result = run(noisy, levels[index])
                found[index] = result, _psnr(result, truth)
            return found[index][1]

        level = float(cv2.norm(noisy, truth, cv2.NORM_L2)) / noisy.size**0.5
        index = int(np.argmin(np.abs(np.array(levels) - level)))
        for step in (1, -1):
            while 0 <= index + step < len(levels) and tried(index + step) > tried(index):
                index += step
        return found[index][0]


def ffdnet(weights: Path, threads: int) -> FfdNetRunner:
    """FFDNet in ONNX Runtime, on its released weights in a folder.

    Raises:
        ExportError: they are not there.
    """
    path = weights / WEIGHTS
    if not path.is_file():
        raise ExportError(f"no {WEIGHTS} in {weights}; give the folder that holds it (--weights)")
    with TemporaryDirectory() as folder:
        model = Path(folder) / "ffdnet.onnx"
        write_onnx(FfdNet.load(path), model)
        return FfdNetRunner(model, threads)


def classical_peers() -> list[Peer]:
    """Non-local means, with colours smoothed as strongly or twice, and wavelets."""
    return [
        Peer(
            "OpenCV non-local means",
            tuple(_by_level(partial(non_local_means, colour=colour)) for colour in (1.0, 2.0)),
        ),
        Peer("scikit-image wavelets", (_by_level(wavelet),)),
    ]


def _by_level(make: Callable[[float], Restore]) -> Denoise:
    return lambda picture, level: make(level)(picture)


def cbm3d() -> Peer:
    """CBM3D (Dabov et al., 2007) of the package ``bm3d``, in larger steps: it is slow.

    Raises:
        ExportError: it is not installed.
    """
    try:
        bm3d = import_module("bm3d")  # of an extra of its own
    except ModuleNotFoundError as error:
        raise ExportError(
            "CBM3D is not installed; pip install 'inpaint-sdk[peers]', or leave out --cbm3d"
        ) from error

    def run(picture: Pixels, level: float) -> Pixels:
        cleaned = bm3d.bm3d_rgb(picture / 255.0, level / 255.0)
        return np.clip(np.rint(cleaned * 255.0), 0, 255).astype(np.uint8)

    return Peer("CBM3D", (run,), every=2)


def _psnr(picture: Pixels, truth: Pixels) -> float:
    return psnr_of(float(cv2.norm(picture, truth, cv2.NORM_L2SQR)) / truth.size)
