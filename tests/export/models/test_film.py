"""The restorer of film: what it begins with, what it leaves alone, how far it sees."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from inpaint_export.models.cnn import CnnConfig
from inpaint_export.models.film import FilmConfig, FilmRestorer

SMALL = FilmConfig(
    fine=8,
    widths=(8, 8, 8),
    inpainter=CnnConfig((8, 8, 8), (0, 0), (1,), (0, 0)),
    scanned=8,
)


def shaken(model: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model.eval()


def random_mask(height: int, width: int) -> Tensor:
    return (torch.rand(1, 1, height, width) < 0.1).float()


def test_it_fits_and_begins_as_its_inpainter() -> None:
    model, image, mask = FilmRestorer(), torch.rand(1, 3, 48, 80), random_mask(48, 80)
    assert sum(p.numel() for p in model.parameters()) * 2 < 5.9e6  # bytes in the file
    torch.testing.assert_close(model(image, mask), model.inpainter(image, mask), atol=1e-6, rtol=0)


def test_it_looks_under_the_mask_and_changes_nothing_else() -> None:
    model, image, mask = shaken(FilmRestorer(SMALL)), torch.rand(1, 3, 64, 64), random_mask(64, 64)
    under = image * (1.0 - mask) + (1.0 - image) * mask
    seen, other = model(image, mask), model(under, mask)
    torch.testing.assert_close(seen * (1.0 - mask), image * (1.0 - mask))
    assert float(((seen - other).abs() * mask).max().detach()) > 0.01


def test_recurrences_see_along_rows() -> None:
    """Far beyond what convolutions reach."""

    def reach(rounds: int) -> Callable[[int, int], float]:
        model = shaken(FilmRestorer(FilmConfig(8, (8, 8, 8), SMALL.inpainter, 8, rounds)))
        model.inpainter = Grey()
        image = torch.rand(1, 3, 32, 512)
        mask = torch.zeros(1, 1, 32, 512)
        mask[..., 14:18, :] = 1.0
        changed = image.clone()
        changed[..., 14:18, 8:12] = 1.0 - changed[..., 14:18, 8:12]
        difference = (model(changed, mask) - model(image, mask)).abs()
        return lambda row, column: float(difference[0, :, row, column].max().detach())

    assert reach(1)(16, 400) > 0.0
    assert reach(0)(16, 400) == 0.0


class Grey(nn.Module):
    """Fills with grey, so that what is far away has no part in it."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return image * (1.0 - mask) + 0.5 * mask
