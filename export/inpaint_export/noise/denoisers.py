"""Classical peers of a model that removes noise, blur and compression, at their best settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from inpaint_eval.scores import Pixels
from inpaint_export.evaluation import Pair, score_pairs

Restore = Callable[[Pixels], Pixels]


@dataclass(frozen=True)
class Peer:
    """make: from settings to a method for uint8 BGR pictures. grid: settings to choose among."""

    name: str
    make: Callable[..., Restore]
    grid: tuple[tuple[float, ...], ...]


def non_local_means(strength: float, colour: float) -> Restore:
    """Buades et al., 2005, in OpenCV.

    strength: about the noise's deviation, of 255; ``colour`` times as much for colours.
    """

    def restore(picture: Pixels) -> Pixels:
        found = cv2.fastNlMeansDenoisingColored(picture, None, strength, colour * strength, 7, 21)
        return found.astype(np.uint8, copy=False)

    return restore


def _bilateral(colour: float, space: float) -> Restore:
    def restore(picture: Pixels) -> Pixels:
        return cv2.bilateralFilter(picture, -1, colour, space).astype(np.uint8, copy=False)

    return restore


def wavelet(deviation: float) -> Restore:
    """BayesShrink (Chang et al., 2000) in scikit-image. deviation: of the noise, of 255."""

    def restore(picture: Pixels) -> Pixels:
        from skimage.restoration import denoise_wavelet

        found = denoise_wavelet(
            picture / 255.0,
            sigma=deviation / 255.0,
            convert2ycbcr=True,
            channel_axis=2,
            rescale_sigma=True,
        )
        return _to_pixels(found)

    return restore


def _total_variation(weight: float) -> Restore:
    def restore(picture: Pixels) -> Pixels:
        from skimage.restoration import denoise_tv_chambolle

        found = denoise_tv_chambolle(picture / 255.0, weight=weight, channel_axis=2)
        return _to_pixels(found)

    return restore


def _to_pixels(unit: np.ndarray) -> Pixels:
    return np.clip(np.rint(unit * 255.0), 0, 255).astype(np.uint8)


PEERS = (
    Peer("OpenCV non-local means", non_local_means, tuple(product((2, 4, 7, 11, 16), (1.0, 2.0)))),
    Peer("OpenCV bilateral filter", _bilateral, tuple(product((8, 20, 45, 80), (1.5, 3.0)))),
    Peer("scikit-image wavelet", wavelet, tuple((s,) for s in (2.0, 5.0, 10.0, 17.0, 25.0))),
    Peer("scikit-image total variation", _total_variation, ((0.01,), (0.03,), (0.06,), (0.1,))),
)


def at_its_best(peer: Peer, pairs: Sequence[Pair]) -> Restore:
    """The peer with the settings of its grid that give the highest mean PSNR on these pairs.

    pairs: of damaged and true pictures. Chosen on what is then measured, which is in its favour.
    """
    methods = [peer.make(*settings) for settings in peer.grid]
    means = [score_pairs(method, pairs).psnr for method in methods]
    return methods[int(np.argmax(means))]
