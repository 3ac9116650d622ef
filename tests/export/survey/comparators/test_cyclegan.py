"""CycleGAN: what went there and back again, and pictures that are no pairs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from inpaint_export.survey.comparators.cyclegan import CycleConsistency, CycleGan
from inpaint_export.training.objective import Batch


class Shift(nn.Module):
    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = nn.Parameter(torch.tensor(by))

    def forward(self, image: Tensor) -> Tensor:
        return image + self.by


def cycle_of(there: float, back: float, batch: Batch) -> float:
    objective = CycleConsistency(Shift(there), back=Shift(back))
    for _, loss in objective.losses(batch):
        loss.backward()
    return objective.report()["cycle"]


def test_generators_that_undo_each_other_are_consistent(batch: Batch) -> None:
    assert cycle_of(0.2, -0.2, batch) == pytest.approx(0.0, abs=1e-6)
    assert cycle_of(0.2, 0.1, batch) == pytest.approx(0.6)


def test_it_is_not_told_what_a_pair_is(batch: Batch) -> None:
    """Moving the clear pictures on by one more changes nothing but their order."""
    objective = CycleConsistency(CycleGan(4, 1).eval(), back=CycleGan(4, 1).eval())

    def losses(shown: Batch) -> list[float]:
        return [loss.item() for _, loss in objective.losses(shown)]

    moved = {**batch, "clear": batch["clear"].roll(1, dims=0)}
    assert losses(batch) == pytest.approx(losses(moved), rel=1e-5)


def test_both_generators_and_both_critics_are_trained(batch: Batch) -> None:
    objective = CycleConsistency(CycleGan(4, 1), back=CycleGan(4, 1))
    modules = objective.trained_modules()
    names = []
    for name, loss in objective.losses(batch):
        modules[name].zero_grad()
        loss.backward()
        assert all(p.grad is not None for p in modules[name].parameters())
        names.append(name)
    assert names == ["critics", "generators"]
