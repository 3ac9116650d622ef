"""SpA-GAN, whose quirks its released weights were trained with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from inpaint_eval.scores import Pixels
from inpaint_export.evaluation import read_pairs, score_pairs
from inpaint_export.survey.comparators.spagan import Neighbours, SpaGan


def test_neighbours_look_one_position_back() -> None:
    layer = Neighbours(2).eval()
    x = torch.randn(1, 2, 5, 6)
    with torch.inference_mode():
        above, right, below, left = layer(x).chunk(4, dim=1)
        for maps, name, move, first in (
            (above, "up", (1, 0), np.s_[:, :, :1]),
            (below, "down", (-1, 0), np.s_[:, :, -1:]),
            (left, "left", (0, 1), np.s_[..., :1]),
            (right, "right", (0, -1), np.s_[..., -1:]),
        ):
            previous = torch.roll(x, move, dims=(2, 3))
            expected = torch.relu(getattr(layer, f"{name}_weight")(previous) + x)
            expected[first] = x[first]
            torch.testing.assert_close(maps, expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "psnr", "ssim"), [("rice1", 28.99, 0.898), ("rice2", 26.28, 0.712)]
)
def test_released_weights_score_what_they_are_known_to(
    shared_data: Path, name: str, psnr: float, ssim: float
) -> None:
    model = SpaGan.load(shared_data.parent / "weights" / f"spagan_{name}.pth")

    def restore(picture: Pixels) -> Pixels:
        image = torch.from_numpy(picture[..., ::-1].copy()).permute(2, 0, 1)[None] / 255.0
        with torch.inference_mode():
            output = model(image)[0][0].flip(0).clamp(0.0, 1.0)
        return (output * 255.0).round().byte().permute(1, 2, 0).numpy()

    mean = score_pairs(restore, read_pairs(shared_data / name / "test"))
    assert mean.psnr == pytest.approx(psnr, abs=0.01)
    assert mean.ssim == pytest.approx(ssim, abs=0.001)
