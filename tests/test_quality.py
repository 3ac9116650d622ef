"""The bundled model against its promise, on pictures and masks that it was not trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inpaint_bench.data import Ratio, assign
from inpaint_bench.peers.classical import PEERS
from inpaint_bench.quality import mean_score, score
from inpaint_sdk import Restorer


@pytest.mark.parametrize("ratio", [Ratio(10, 20), Ratio(30, 40)], ids=str)
def test_photo_is_better_than_opencv(photo: Restorer, shared_data: Path, ratio: Ratio) -> None:
    """By 1.5 dB in the hole than the better of OpenCV's two, and in SSIM than both."""
    samples = list(assign(shared_data / "photos" / "kodak24", shared_data / "masks", ratio))
    ours = mean_score(score(photo.restore(s.picture, s.mask), s.picture, s.mask) for s in samples)
    peers = [
        mean_score(score(restore(s.picture, s.mask), s.picture, s.mask) for s in samples)
        for restore in (PEERS[name].load() for name in ("opencv-telea", "opencv-ns"))
    ]
    assert ours.psnr_hole >= max(p.psnr_hole for p in peers) + 1.5
    assert ours.ssim > max(p.ssim for p in peers)


def test_the_stored_quality_is_what_is_measured(photo: Restorer, shared_data: Path) -> None:
    (row,) = (q for q in photo.model.quality if (q.data, q.masks) == ("kodak24", "masks 10-20 %"))
    ratio = Ratio(10, 20)
    samples = list(assign(shared_data / "photos" / "kodak24", shared_data / "masks", ratio))
    ours = mean_score(score(photo.restore(s.picture, s.mask), s.picture, s.mask) for s in samples)
    assert len(samples) == row.pictures
    np.testing.assert_allclose(
        (ours.psnr_hole, ours.psnr, ours.ssim), (row.psnr_hole, row.psnr, row.ssim), atol=0.02
    )
