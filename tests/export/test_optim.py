"""What Muon trains and what AdamW does, and how matrices are orthogonalised."""

from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from torch import nn

from inpaint_export.models.codebook import CodebookInpainter
from inpaint_export.models.crnn import Crnn
from inpaint_export.models.sarnn import Sarnn
from inpaint_export.models.staged import StagedInpainter
from inpaint_export.recipes import NAMES, load_recipe
from inpaint_export.training.muon import Muon, orthogonalised
from inpaint_export.training.optim import MuonAdamW, OptimConfig, assign


@pytest.mark.parametrize("shape", [(8, 40), (40, 8), (16, 16), (3, 8, 40)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_orthogonalised_has_singular_values_near_one(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalised(torch.randn(shape), dtype=dtype).float())
    assert values.min() > 0.5
    assert values.max() < 1.3


def test_the_gram_matrix_gives_what_the_matrix_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    wide = torch.randn(24, 200)
    by_gram = orthogonalised(wide)
    monkeypatch.setattr("inpaint_export.training.muon.WIDE", float("inf"))
    torch.testing.assert_close(by_gram, orthogonalised(wide), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("rank", [1, 8])
def test_a_matrix_of_low_rank_stays_finite_under_autocast(rank: int) -> None:
    """Gradients of few pixels have few directions; what is rounded off must not grow."""
    torch.manual_seed(0)
    matrix = torch.randn(48, rank) @ torch.randn(rank, 400)
    with torch.autocast("cpu", torch.bfloat16):
        found = orthogonalised(matrix)
    assert found.dtype == torch.float32
    assert torch.linalg.svdvals(found).max() < 1.3
    torch.testing.assert_close(found, orthogonalised(matrix))


def test_stacked_matrices_are_orthogonalised_each_by_itself() -> None:
    torch.manual_seed(0)
    weight = nn.Parameter(torch.zeros(12, 10))
    weight.grad = (
        torch.randn(12, 10) * torch.tensor([1.0, 10.0, 100.0]).repeat_interleave(4)[:, None]
    )
    Muon([weight], lr=1.0, stacks={weight: 3}).step()
    for part in weight.detach().chunk(3):
        values = torch.linalg.svdvals(part) / (0.2 * 10**0.5)
        assert values.min() > 0.5
        assert values.max() < 1.3


def test_networks_declare_what_adamw_trains() -> None:
    class Inner(nn.Module):
        adamw = ("gain",)
        stacked: ClassVar = {"two.weight": 2}

        def __init__(self) -> None:
            super().__init__()
            self.gain = nn.Parameter(torch.ones(2, 2))
            self.two = nn.Linear(4, 8)

    class Net(nn.Module):
        adamw = ("first",)

        def __init__(self) -> None:
            super().__init__()
            self.first, self.body = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)
            self.depthwise = nn.Conv2d(4, 4, 3, groups=4)
            self.inner, self.gru = Inner(), nn.GRU(4, 5)

    net = Net()
    found = assign(net)
    names = {p: n for n, p in net.named_parameters()}
    assert {names[p] for p in found.matrices} == {
        "body.weight", "inner.two.weight", "gru.weight_ih_l0", "gru.weight_hh_l0",
    }  # fmt: skip
    assert {names[p]: n for p, n in found.stacks.items()} == {
        "inner.two.weight": 2, "gru.weight_ih_l0": 3, "gru.weight_hh_l0": 3,
    }  # fmt: skip
    assert len(found.matrices) + len(found.others) == len(names)


def test_a_declaration_that_is_wrong_is_an_error() -> None:
    class Gone(nn.Linear):
        adamw = ("head",)

    class Odd(nn.Linear):
        stacked: ClassVar = {"weight": 3}

    with pytest.raises(ValueError, match="Gone declares 'head', which it does not have"):
        assign(Gone(2, 2))
    with pytest.raises(ValueError, match="its 4 rows do not divide"):
        assign(Odd(2, 4))


@pytest.mark.parametrize("name", NAMES)
def test_no_first_or_last_layer_and_no_depthwise_one_goes_to_muon(name: str) -> None:
    model = load_recipe(name).build()
    matrices = {n for n, p in model.named_parameters() if p in set(assign(model).matrices)}
    assert matrices
    layers = {part for n in matrices for part in n.split(".")}
    assert not layers & {"stem", "stem2", "fine_stem", "head", "head2", "fine_head", "position"}
    assert not layers & {"smooth_head", "raw_weight", "diagnose2"}


@pytest.mark.parametrize(
    ("model", "name", "count"),
    [
        (StagedInpainter(), "join.gates.weight", 4),
        (CodebookInpainter(), "blocks.0.query_key_value.weight", 3),
        (Crnn(), "adapt4.decide.weight", 2),
        (Sarnn(), "context.leave.weight", 1),
    ],
    ids=["lstm", "attention", "film", "plain"],
)
def test_stacks_of_our_networks(model: nn.Module, name: str, count: int) -> None:
    assert assign(model).stacks.get(model.get_parameter(name), 1) == count


def test_the_optimizer_takes_every_parameter_once() -> None:
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 3, 3))
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    optimizer = MuonAdamW(net, OptimConfig())
    loss = net(torch.randn(1, 3, 16, 16)).square().mean()
    optimizer.step(loss.backward, 1.0)
    for name, parameter in net.named_parameters():
        assert not torch.equal(parameter, before[name]), f"{name} was not trained"
