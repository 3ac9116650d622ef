from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

from inpaint_eval.scores import score
from inpaint_export.noise.denoisers import PEERS, Peer, at_its_best


def test_peers_are_at_their_best(rng: np.random.Generator) -> None:
    """A strong filter is chosen for strong noise, a weak one for none."""
    flat = cv2.resize(rng.integers(0, 256, (4, 4, 3)).astype(np.uint8), (64, 64))
    noisy = np.clip(flat + rng.normal(0, 25, flat.shape), 0, 255).astype(np.uint8)
    tried: list[float] = []

    def make(strength: float) -> Callable[[Any], Any]:
        return lambda picture: (
            tried.append(strength),
            cv2.GaussianBlur(picture, (0, 0), strength),
        )[1]

    peer = Peer("blur", make, ((0.1,), (2.0,)))
    for picture, best in ((noisy, 2.0), (flat, 0.1)):
        at_its_best(peer, [(picture, flat)])(picture)
        assert tried[-1] == best


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_every_peer_removes_noise(peer: Peer, rng: np.random.Generator) -> None:
    flat = cv2.resize(rng.integers(0, 256, (5, 5, 3)).astype(np.uint8), (96, 96))
    noisy = np.clip(flat + rng.normal(0, 20, flat.shape), 0, 255).astype(np.uint8)
    restored = at_its_best(peer, [(noisy, flat)])(noisy)
    assert (restored.shape, restored.dtype) == (noisy.shape, np.uint8)
    assert score(restored, flat, None).psnr > score(noisy, flat, None).psnr + 2.0
