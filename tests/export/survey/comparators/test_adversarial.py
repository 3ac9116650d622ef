"""The losses of GANs, their critics, and features that losses are made of."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from inpaint_export.survey.comparators.adversarial import (
    GlobalCritic,
    PatchCritic,
    critic_loss,
    generator_loss,
    gradient_penalty,
)
from inpaint_export.survey.comparators.features import FeatureLoss, total_variation
from inpaint_export.survey.comparators.gli import Completion, CompletionNetwork
from inpaint_export.survey.comparators.pix2pix import ConditionalAdversarial, Pix2Pix
from inpaint_export.training.objective import Batch


def test_losses_of_scores_are_those_of_the_papers() -> None:
    true, made = torch.tensor([2.0]), torch.tensor([0.0])
    assert critic_loss("hinge", true, made) == pytest.approx(1.0)
    assert critic_loss("wasserstein", true, made) == pytest.approx(-2.0)
    assert critic_loss("least-squares", true, made) == pytest.approx(0.5)
    assert critic_loss("log", true, made) == pytest.approx(math.log1p(math.exp(-2)) + math.log(2))
    assert generator_loss("log", made) == pytest.approx(math.log(2))
    assert generator_loss("least-squares", made) == pytest.approx(1.0)
    assert generator_loss("hinge", true) == generator_loss("wasserstein", true) == -2.0


def test_the_gradient_penalty_is_how_far_the_slope_is_from_one() -> None:
    true, made = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4)
    for slope in (1.0, 3.0):
        penalty = gradient_penalty(lambda x, s=slope: s * x.flatten(1).sum(1) / 4.0, true, made)
        assert penalty == pytest.approx((slope - 1.0) ** 2, abs=1e-6)


def test_spectral_normalisation_bounds_every_layer_of_a_critic() -> None:
    critic = PatchCritic(3, "spectral").train()
    for layer in critic.modules():
        if isinstance(layer, nn.Conv2d):
            layer.parametrizations.weight.original.data *= 50.0
    for _ in range(40):  # the power iteration goes on with each call
        critic(torch.rand(1, 3, 64, 64))
    for layer in critic.eval().modules():
        if isinstance(layer, nn.Conv2d):
            assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2) < 1.2


def test_a_patch_critic_s_scores_see_seventy_pixels() -> None:
    critic = PatchCritic(3, "none")
    picture = torch.rand(1, 3, 128, 128, requires_grad=True)
    scores = critic(picture)
    scores[0, 0, 7, 7].backward()
    assert picture.grad is not None
    rows = picture.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == 70


def test_features_measure_what_is_seen_and_pass_gradients(batch: Batch) -> None:
    loss = FeatureLoss()
    true = batch["clear"]
    assert [float(value) for value in loss(true, true)] == [0.0, 0.0]
    made = batch["image"].clone().requires_grad_()
    perceptual, style = loss(made, true)
    assert perceptual > 0.0
    assert style > 0.0
    (perceptual + style).backward()
    assert made.grad is not None
    assert made.grad.abs().sum() > 0.0
    assert not any(p.requires_grad for p in loss.parameters())


def test_total_variation_is_of_what_the_mask_shows() -> None:
    picture = torch.zeros(1, 3, 8, 8)
    picture[..., 4:] = 1.0
    assert total_variation(picture, torch.zeros(1, 1, 8, 8)) == 0.0
    assert total_variation(picture, torch.ones(1, 1, 8, 8)) == pytest.approx(1 / 7)


def test_gli_s_phases_follow_each_other(batch: Batch) -> None:
    objective = Completion(CompletionNetwork(4, (2,)), start=0.4, side=32)
    trained = {}
    for progress in (0.0, 0.2, 0.4):
        objective.progress = progress
        trained[progress] = [name for name, _ in objective.losses(batch)]
        assert ("adversarial" in objective.report()) == (progress == 0.4)
    assert trained == {0.0: ["model"], 0.2: ["critic", "model"], 0.4: ["critic", "model"]}


def test_gli_s_critic_sees_the_region_at_full_resolution_and_the_whole(batch: Batch) -> None:
    critic = Completion(CompletionNetwork(4, (2,)), side=32).critic.eval()
    picture, mask = batch["clear"], batch["mask"]

    def moved(part: nn.Module) -> Tensor:
        for parameter in part.parameters():
            parameter.data.zero_()
        changed = picture.clone()
        changed[..., :8, :8] += 0.5  # far from the hole
        return (critic(changed, mask) - critic(picture, mask)).abs().max()

    assert moved(critic.region) > 0.0  # the whole sees it,
    assert moved(critic.whole) == 0.0  # and the region does not


def test_pix2pix_s_critic_judges_the_output_with_its_input(batch: Batch) -> None:
    objective = ConditionalAdversarial(Pix2Pix((8, 8, 8)))
    first = objective.judge(batch, batch["clear"])
    other = objective.judge({**batch, "image": 1.0 - batch["image"]}, batch["clear"])
    assert not torch.allclose(first, other)


def test_a_global_critic_has_one_score_for_any_size() -> None:
    critic = GlobalCritic(3).eval()
    assert critic(torch.rand(2, 3, 64, 96)).shape == (2, 1)
