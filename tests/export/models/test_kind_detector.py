"""The detector of several kinds: what it answers, and what its residuals show."""

from __future__ import annotations

from collections.abc import Callable

import torch

from inpaint_export.data.film_damage import KINDS
from inpaint_export.models.kind_detector import (
    CONTRAST,
    KindDetector,
    KindDetectorConfig,
    MedianResiduals,
)

SMALL = KindDetectorConfig(fine=8, widths=(8, 8, 8, 8), scanned=4)


def shaken(config: KindDetectorConfig) -> KindDetector:
    torch.manual_seed(0)
    model = KindDetector(config)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model.eval()


def test_it_starts_as_one_that_sees_little() -> None:
    model = KindDetector()
    assert sum(p.numel() for p in model.parameters()) * 2 < 4e6  # bytes in the file
    probability = model(torch.rand(2, 3, 48, 80))
    assert probability.shape == (2, len(KINDS), 48, 80)
    torch.testing.assert_close(probability, torch.full_like(probability, 0.0474), atol=1e-3, rtol=0)


def test_it_tells_neighbouring_pixels_apart() -> None:
    """A change of one pixel may change each pixel beside it in another way."""
    model, image = shaken(SMALL), torch.rand(1, 3, 64, 64)
    changed = image.clone()
    changed[..., 30, 30] = 1.0 - changed[..., 30, 30]
    difference = (model.logits(changed) - model.logits(image))[0, 0, 29:32, 29:32]
    assert difference.unique().numel() == 9


def test_the_scan_sees_along_rows_and_columns() -> None:
    """Far beyond what convolutions reach, and not off the row and the column."""

    def reach(scanned: int) -> Callable[[int, int], float]:
        config = KindDetectorConfig(fine=8, widths=(8, 8, 8, 8), dilations=(), scanned=scanned)
        model = shaken(config)
        model.middle = torch.nn.Identity()  # its global context sees everything
        image = torch.rand(1, 3, 32, 512)
        changed = image.clone()
        changed[..., 14:18, 8:12] = 1.0 - changed[..., 14:18, 8:12]
        difference = (model.logits(changed) - model.logits(image)).abs()
        return lambda row, column: float(difference[0, :, row, column].max().detach())

    assert reach(4)(16, 400) > 0.0
    assert reach(0)(16, 400) == 0.0


def test_residuals_show_specks_over_the_noise() -> None:
    torch.manual_seed(0)
    image = 0.5 + 0.1 * torch.rand(1, 1, 64, 64).expand(1, 3, 64, 64)
    image = torch.cat((image, torch.full_like(image, 0.5)), dim=3)  # noise on the left alone
    for column in (32, 96):
        image[..., 32, column] = 0.62
    near, wide, relative_near, relative_wide, noise = MedianResiduals()(image)[0]
    assert near.shape == (64, 128)
    torch.testing.assert_close(near[32, 96], torch.tensor(0.12 * CONTRAST))
    torch.testing.assert_close(wide[32, 96], torch.tensor(0.12 * CONTRAST))
    assert near[10, 96] == relative_near[10, 96] == noise[10, 96] == 0.0
    assert relative_near[32, 96] > 2.0 * relative_near[32, 32] > 0.0
    assert relative_wide.abs().max() <= 1.0
    assert noise[32, 32] > 5.0 * noise[10, 96]


def test_brightness_is_no_residual() -> None:
    image = torch.rand(1, 3, 32, 32) * 0.5
    torch.testing.assert_close(MedianResiduals()(image + 0.4), MedianResiduals()(image))
