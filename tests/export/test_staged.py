from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from inpaint_eval.sessions import open_session
from inpaint_export.data.masks import random_mask
from inpaint_export.data.photos import PhotoDataConfig
from inpaint_export.models.cnn import PHOTO, CnnConfig
from inpaint_export.models.staged import StagedConfig, StagedInpainter, shrink
from inpaint_export.recipes import load_recipe
from inpaint_export.training.adversarial import AdversarialWeights, StagedAdversarial
from inpaint_export.training.critics import HoleRegion
from inpaint_export.training.loop import Trainer
from inpaint_export.training.start import FromModel
from inpaint_export.training.validation import HoleValidationConfig
from inpaint_sdk.models.zoo import open_model

SMALL = StagedConfig(
    CnnConfig(widths=(8, 8, 8), encoder_blocks=(0, 1), dilations=(1,), decoder_blocks=(1, 1)),
    depths=(3, 8),
    state=8,
)


def hole(size: int = 64) -> torch.Tensor:
    mask = torch.zeros(1, 1, size, size)
    mask[..., 10:-10, 10:-10] = 1.0
    return mask


def shaken(config: StagedConfig) -> StagedInpainter:
    torch.manual_seed(0)
    model = StagedInpainter(config).eval()
    for parameter in model.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return model


def test_shrinking_takes_pixels_off_the_border() -> None:
    mask = hole()
    expected = torch.zeros_like(mask)
    expected[..., 15:-15, 15:-15] = 1.0
    assert torch.equal(shrink(mask, 5), expected)
    assert shrink(mask, 22).sum() == 0.0
    # The picture's edge tells nothing, so a hole does not shrink from it.
    corner = torch.zeros(1, 1, 32, 32)
    corner[..., :16, :16] = 1.0
    assert torch.equal(shrink(corner, 4)[..., :12, :12], torch.ones(1, 1, 12, 12))
    assert shrink(corner, 4).sum() == 12 * 12


@pytest.mark.parametrize("recurrent", [True, False])
def test_each_stage_keeps_what_the_ones_before_it_did(recurrent: bool) -> None:
    model = shaken(replace(SMALL, recurrent=recurrent))
    image, mask = torch.rand(1, 3, 64, 64), hole()
    with torch.inference_mode():
        output, stages = model(image, mask)
    pictures = stages.chunk(3, dim=1)
    known = (mask == 0).expand(-1, 3, -1, -1)
    for picture in (output, *pictures):
        assert torch.equal(picture[known], image[known])
    torch.testing.assert_close(pictures[-1], output)
    ring = ((mask - shrink(mask, 3)) > 0).expand(-1, 3, -1, -1)
    for picture in pictures[1:]:
        torch.testing.assert_close(picture[ring], pictures[0][ring])
    inner = (shrink(shrink(mask, 3), 8) > 0).expand(-1, 3, -1, -1)
    assert (pictures[1][inner] - pictures[2][inner]).abs().max() > 1e-4


def test_what_is_under_the_mask_is_ignored() -> None:
    model, mask = shaken(SMALL), hole()
    image = torch.rand(1, 3, 64, 64)
    other = image * (1 - mask) + torch.rand_like(image) * mask
    with torch.inference_mode():
        torch.testing.assert_close(model(image, mask)[0], model(other, mask)[0])


def test_an_lstm_tells_a_stage_what_the_ones_before_did() -> None:
    """Its state reaches the second stage; without it only the picture does."""
    image, mask = torch.rand(1, 3, 64, 64), hole()
    for recurrent in (True, False):
        model = shaken(replace(SMALL, recurrent=recurrent))
        with torch.inference_mode():
            first = model._stage(image * (1 - mask), mask, mask, None)
            other = tuple(torch.randn_like(t) for t in first[1])
            fresh, used = (model._stage(image, mask, mask, s)[0] for s in (first[1], other))
        assert torch.equal(fresh, used) != recurrent


def test_it_starts_as_photo(tmp_path: Path) -> None:
    """A single stage with photo's weights, before training, gives what the model file gives."""
    model = StagedInpainter(StagedConfig(generator=PHOTO, depths=()))
    FromModel("photo", part="generator").apply(model, tmp_path)
    image, mask = torch.rand(1, 3, 64, 64), hole()
    with torch.inference_mode():
        found = model(image, mask)[0].numpy()
    session = open_session(open_model("photo").path)
    (expected,) = session.run(["output"], {"image": image.numpy(), "mask": mask.numpy()})
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_first_weights_must_fit(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"photo\.onnx is of another network"):
        FromModel("photo").apply(torch.nn.Linear(2, 2), tmp_path)


def test_the_two_kinds_of_bottleneck_cost_alike() -> None:
    counts = [
        sum(p.numel() for p in StagedInpainter(StagedConfig(recurrent=r)).parameters())
        for r in (True, False)
    ]
    assert counts[0] == pytest.approx(counts[1], rel=0.03)


def test_the_region_is_about_the_hole() -> None:
    mask = torch.zeros(2, 1, 128, 128)
    mask[0, :, 80:110, 10:40] = 1.0
    mask[1, :, 5:20, 70:120] = 1.0
    view = HoleRegion(mask, side=48)
    cut = view(mask)
    assert cut.shape == (2, 1, 48, 48)
    assert (cut.sum(dim=(1, 2, 3)) > 0.8 * mask.sum(dim=(1, 2, 3))).all()


def test_critics_learn_to_tell_and_the_generator_is_told() -> None:
    torch.manual_seed(0)
    objective = StagedAdversarial(
        StagedInpainter(SMALL),
        early=AdversarialWeights(rmse=1.0, whole=0.1, region=0.1),
        start=0.0,
    )
    batch = {"image": torch.rand(2, 3, 128, 128), "mask": hole(128).expand(2, -1, -1, -1)}
    optimizers = {
        name: torch.optim.Adam(module.parameters(), 1e-3)
        for name, module in objective.trained_modules().items()
    }
    reports = []
    for _ in range(8):
        for name, loss in objective.losses(batch):
            optimizers[name].zero_grad()
            loss.backward()
            if name == "critics":
                assert objective.model.generator.head.weight.grad is None or reports
            optimizers[name].step()
        reports.append(objective.report())
    assert reports[-1]["critic_whole"] < reports[0]["critic_whole"]
    assert reports[-1]["critic_region"] < reports[0]["critic_region"]
    assert objective.model.generator.head.weight.grad.abs().sum() > 0


def test_a_critic_of_no_weight_is_not_there() -> None:
    objective = StagedAdversarial(StagedInpainter(SMALL), early=AdversarialWeights(whole=0.1))
    assert set(objective.critics) == {"whole"}
    objective = StagedAdversarial(StagedInpainter(SMALL), early=AdversarialWeights())
    assert set(objective.trained_modules()) == {"model"}


def test_large_masks_are_large() -> None:
    rng = np.random.default_rng(0)
    ratios = [(random_mask(rng, 128, {"large": 1.0}) > 0).mean() for _ in range(40)]
    assert np.median(ratios) > 0.2
    assert max(ratios) <= 0.6


def test_wide_masks_are_as_wide_as_asked_for() -> None:
    rng = np.random.default_rng(0)
    shares = [
        (random_mask(rng, 128, {"wide": 0.5, "large": 0.5}, (0.3, 0.7)) > 0).mean()
        for _ in range(30)
    ]
    assert 0.3 <= min(shares) < 0.4 < 0.6 < max(shares) <= 0.7
    with pytest.raises(ValueError, match="ratios is"):
        PhotoDataConfig(("photos",), ratios=(0.7, 0.3))


def test_the_next_generation_begins_with_the_shipped_weights(tmp_path: Path) -> None:
    """And gives what they give, since what it has more begins at nothing."""
    recipe = load_recipe("photo-staged-next")
    model = recipe.build().eval()
    assert recipe.start is not None
    loaded = recipe.start.apply(model, tmp_path)
    assert all(name.startswith("generator.") for name in loaded.anew)
    image, mask = torch.rand(1, 3, 64, 64), hole()
    with torch.inference_mode():
        found = model(image, mask)[0].numpy()
    session = open_session(open_model("photo-staged").path)
    (expected,) = session.run(["output"], {"image": image.numpy(), "mask": mask.numpy()})
    np.testing.assert_allclose(found, expected, atol=1e-4)
    photo = load_recipe("photo").build()
    sizes = [sum(p.numel() for p in m.parameters()) for m in (model, photo)]
    assert sizes[0] <= 1.5 * sizes[1]


@pytest.mark.parametrize("name", ["photo-staged", "photo-staged-next"])
def test_the_recipe_trains_and_resumes(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for index in range(3):
        picture = rng.integers(0, 256, (340, 340, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "photos" / f"{index}.png"), picture)
    recipe = replace(
        load_recipe(name),
        build=partial(StagedInpainter, SMALL),
        data=PhotoDataConfig(("photos",), crop=96, masks={"large": 1.0}),
        validation=HoleValidationConfig("photos", count=2, every=100),
        batch=2,
        start=None,
    )
    Trainer(recipe, tmp_path, tmp_path / "run", steps=4, workers=0).run()
    resumed = Trainer(recipe, tmp_path, tmp_path / "run", steps=6, workers=0)
    assert resumed.step == 4
    assert np.isfinite(resumed.run())
