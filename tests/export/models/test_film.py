"""The restorer of film: what it finds, what it leaves alone, how far it sees."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from inpaint_export.data.film_damage import KINDS
from inpaint_export.models.film import (
    MARGIN,
    Attention,
    FilmConfig,
    FilmRestorer,
    MarkedRestorer,
)
from inpaint_export.models.kind_detector import KindDetectorConfig

SMALL = FilmConfig(
    detector=KindDetectorConfig(fine=8, widths=(8, 8, 8, 8), dilations=(1,), scanned=0),
    fine=8,
    widths=(8, 8, 8, 8),
    dilations=(1,),
    scanned=8,
)


def shaken(model: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model.eval()


class Says(nn.Module):
    """A detector that answers the same whatever it sees."""

    def __init__(self, probabilities: Tensor) -> None:
        super().__init__()
        self.probabilities = probabilities

    def forward(self, image: Tensor) -> Tensor:
        return self.probabilities


def told(kind: str, probability: float) -> FilmRestorer:
    """A restorer whose detector says so of a bar of 4 by 20 pixels."""
    model = FilmRestorer(SMALL)
    shaken(model.restorer)
    probabilities = torch.full((1, len(KINDS), 64, 64), 0.01)
    probabilities[:, KINDS.index(kind), 20:24, 30:50] = probability
    model.detector = Says(probabilities)  # type: ignore[assignment]
    return model.eval()


def test_it_fits_and_starts_as_one_that_changes_nothing() -> None:
    model, image = FilmRestorer(), torch.rand(1, 3, 48, 80)
    assert sum(p.numel() for p in model.parameters()) * 2 < 5.7e6  # bytes in the file
    marks = (torch.rand(1, 1, 48, 80) < 0.1).float()
    torch.testing.assert_close(model.restore(image, marks), image, atol=1e-6, rtol=0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "overlay"])
def test_what_is_not_found_comes_back_bit_for_bit(kind: str) -> None:
    model, image = told(kind, 0.95), torch.rand(1, 3, 64, 64)
    output, attention = model(image)
    changed = (output != image).any(dim=1)[0]
    expected = torch.zeros(64, 64, dtype=torch.bool)
    expected[20 - MARGIN : 24 + MARGIN, 30 - MARGIN : 50 + MARGIN] = True
    assert torch.equal(changed, expected)
    assert torch.equal(attention[0, 0] >= 0.5, told(kind, 0.95).detector(image)[0].amax(0) >= 0.5)


@pytest.mark.parametrize(
    ("kind", "probability"), [("overlay", 0.99), ("scratch", 0.45), ("scratch", 0.7)]
)
def test_overlays_and_what_is_unsure_are_left(kind: str, probability: float) -> None:
    model, image = told(kind, probability), torch.rand(1, 3, 64, 64)
    output, attention = model(image)
    assert torch.equal(output, image)
    assert float(attention.max()) < 0.5


def test_what_is_unsure_counts_beside_what_is_sure() -> None:
    probabilities = torch.full((1, len(KINDS), 32, 64), 0.01)
    probabilities[:, 0, 10:12, 8:40] = 0.98
    probabilities[:, 0, 10:12, 40:44] = 0.6  # its faint end
    probabilities[:, 0, 28:30, 56:60] = 0.6  # far from it
    marks = Attention()(probabilities)[1]
    assert torch.equal(marks[0, 0, 10:12, 8:44], torch.ones(2, 36))
    assert float(marks.sum()) == 72.0


def test_the_slopes_have_no_steps() -> None:
    """Neighbouring probabilities give neighbouring marks, whatever they are."""
    steps = torch.linspace(0.0, 1.0, 4001)
    probabilities = torch.zeros(4001, len(KINDS), 8, 8)
    probabilities[:, 0, 2:4, 2:6] = steps[:, None, None]
    attention, marks = Attention()(probabilities)
    assert float((marks[1:] - marks[:-1]).abs().max()) < 0.02
    assert float((attention[1:] - attention[:-1]).abs().max()) < 0.02
    assert float(marks.max()) == 1.0


def test_recurrences_see_along_rows() -> None:
    """Far beyond what convolutions reach."""

    def reach(rounds: int) -> Callable[[int, int], float]:
        config = FilmConfig(SMALL.detector, 8, (8, 8, 8, 8), (), 8, rounds)
        model = shaken(MarkedRestorer(config))
        model.middle = nn.Identity()  # its global context sees everything
        model.fill = Grey()
        image = torch.rand(1, 3, 32, 512)
        marked = torch.zeros(1, 1, 32, 512)
        marked[..., 14:18, :] = 1.0
        changed = image.clone()
        changed[..., 14:18, 8:12] = 1.0 - changed[..., 14:18, 8:12]
        difference = (model(changed, marked) - model(image, marked)).abs()
        return lambda row, column: float(difference[0, :, row, column].max().detach())

    assert reach(1)(16, 400) > 0.0
    assert reach(0)(16, 400) == 0.0


class Grey(nn.Module):
    """Fills with grey, so that what is far away has no part in it."""

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return image * (1.0 - mask) + 0.5 * mask
