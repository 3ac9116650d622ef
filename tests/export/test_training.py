from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from inpaint_export import losses
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.training import loop
from inpaint_export.training.checkpoint import KEYS, load_checkpoint, save_checkpoint
from inpaint_export.training.loop import Trainer
from inpaint_export.training.optim import MuonAdamW, OptimConfig, rate_factor
from inpaint_sdk import OutputError


def test_losses_look_only_into_the_hole() -> None:
    target, mask = torch.rand(2, 3, 8, 8), torch.zeros(2, 1, 8, 8)
    mask[:, :, 2:5, 2:5] = 1.0
    wrong_outside = torch.where(mask > 0, target, target + 1.0)
    assert losses.hole_l1(wrong_outside, target, mask) == 0.0
    assert losses.hole_rmse(wrong_outside, target, mask) < 1e-3
    wrong_inside = torch.where(mask > 0, target + 0.5, target)
    assert losses.hole_l1(wrong_inside, target, mask) == pytest.approx(0.5, abs=1e-6)
    assert losses.hole_rmse(wrong_inside, target, mask) == pytest.approx(0.5, abs=1e-6)


def test_gradient_loss_sees_edges_and_not_offsets() -> None:
    target, mask = torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8)
    assert losses.hole_gradient_l1(target + 0.25, target, mask) == pytest.approx(0.0, abs=1e-6)
    assert losses.hole_gradient_l1(torch.zeros_like(target), target, mask) > 0.1


def test_ssim_is_that_of_scikit_image() -> None:
    generator = torch.Generator().manual_seed(0)
    target = torch.rand(2, 3, 40, 32, generator=generator)
    output = (target + 0.2 * torch.rand(target.shape, generator=generator)).clamp(0.0, 1.0)
    expected = [
        structural_similarity(a.numpy(), b.numpy(), channel_axis=0, data_range=1.0)
        for a, b in zip(output, target, strict=True)
    ]
    found = losses.hole_ssim(output, target, torch.ones(2, 1, 40, 32))
    assert 1.0 - float(found) == pytest.approx(np.mean(expected), abs=1e-5)


def test_losses_of_an_empty_hole_are_finite() -> None:
    picture, mask = torch.rand(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    for loss in (losses.hole_l1, losses.hole_rmse, losses.hole_gradient_l1, losses.hole_ssim):
        assert torch.isfinite(loss(picture, picture, mask))


def test_rate_factor() -> None:
    config = OptimConfig(warmup=10, decay=0.5)
    factors = [rate_factor(config, step, 100) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[10:50] == [1.0] * 40
    assert all(a >= b for a, b in pairwise(factors[50:]))
    assert factors[-1] < 0.01


def test_the_moving_average_forgets_where_it_started() -> None:
    """After 100 steps a plain decay of 0.999 would still be nine tenths of the first weights."""
    averaged, current = torch.full((3,), 100.0), torch.ones(3)
    update = loop.moving_average(0.999)
    for count in range(100):
        update([averaged], [current], count)
    torch.testing.assert_close(averaged, current, atol=1e-3, rtol=0.0)
    late = torch.zeros(3)
    update([late], [current], 100_000)
    torch.testing.assert_close(late, torch.full((3,), 0.001))


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_an_objective_is_learned(tiny_recipe: Recipe) -> None:
    """One batch of stripes, which a smooth fill gets wrong, is learned by heart."""
    torch.manual_seed(0)
    stripes = (torch.arange(64) % 16 < 8).float().expand(2, 3, 64, 64).contiguous()
    mask = torch.zeros(2, 1, 64, 64)
    mask[..., 20:44, 20:44] = 1.0
    objective = tiny_recipe.objective(tiny_recipe.build())
    optimizer = MuonAdamW(objective.model, OptimConfig(lr=0.01))
    seen = []
    for _ in range(60):
        ((trained, loss),) = objective.losses({"image": stripes, "mask": mask})
        assert trained == "model"
        optimizer.step(loss.backward, 1.0)
        seen.append(loss.item())
    assert seen[-1] < 0.5 * seen[0]


def test_a_run_writes_its_log_and_checkpoint(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path
) -> None:
    score = Trainer(tiny_recipe, data_root, tmp_path, workers=0).run()
    scores = [row["val_hole_psnr"] for row in rows(tmp_path) if "val_hole_psnr" in row]
    assert len(scores) == 3  # at steps 4 and 8, and at the end
    assert scores[-1] == pytest.approx(score, abs=1e-4)
    assert load_checkpoint(tmp_path / "last.pt")["step"] == tiny_recipe.steps


def test_a_resumed_run_ends_where_an_unbroken_one_does(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Trainer(tiny_recipe, data_root, tmp_path / "whole", workers=0)
    whole.run()

    monkeypatch.setattr(loop, "SAVE_EVERY", 5)
    broken = Trainer(tiny_recipe, data_root, tmp_path / "broken", workers=0)
    save, calls = broken._save, []

    def save_and_die() -> None:
        save()
        calls.append(broken.step)
        raise KeyboardInterrupt

    monkeypatch.setattr(broken, "_save", save_and_die)
    with pytest.raises(KeyboardInterrupt):
        broken.run()
    assert calls == [5]
    resumed = Trainer(tiny_recipe, data_root, tmp_path / "broken", workers=0)
    assert resumed.step == 5
    resumed.run()

    expected = load_checkpoint(tmp_path / "whole" / "last.pt")["ema"]
    found = load_checkpoint(tmp_path / "broken" / "last.pt")["ema"]
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6)


def test_a_folder_of_another_recipe_is_refused(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path
) -> None:
    Trainer(tiny_recipe, data_root, tmp_path, steps=1, workers=0).run()
    with pytest.raises(ValueError, match=r"another recipe \(name: photo, not other\)"):
        Trainer(replace(tiny_recipe, name="other"), data_root, tmp_path)


def test_a_loss_that_is_not_finite_stops_the_run(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path
) -> None:
    trainer = Trainer(tiny_recipe, data_root, tmp_path, workers=0)
    trainer.objective.model.head.weight.data.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="loss is nan at step 0"):
        trainer.run()
    assert not trainer.checkpoint.exists()


def test_a_failed_save_leaves_the_old_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {**dict.fromkeys(KEYS), "step": 1})

    def fail(_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=f"cannot write {path}: No space"):
        save_checkpoint(path, {**dict.fromkeys(KEYS), "step": 2})
    assert load_checkpoint(path)["step"] == 1
    assert list(tmp_path.iterdir()) == [path]


def test_checkpoints_of_others_are_refused(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="not written by inpaint-export"):
        load_checkpoint(tmp_path / "other.pt")
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "none.pt")


def test_recipes_are_found_by_name() -> None:
    assert load_recipe("photo").name == "photo"
    with pytest.raises(ValueError, match=r"no recipe 'phto'; there are: clean, .*photo, "):
        load_recipe("phto")


def test_bf16_trains_like_fp32(tiny_recipe: Recipe, data_root: Path, tmp_path: Path) -> None:
    scores = [
        Trainer(tiny_recipe, data_root, tmp_path / precision, workers=0, precision=precision).run()
        for precision in ("fp32", "bf16")
    ]
    assert np.isfinite(scores).all()
    assert scores[0] == pytest.approx(scores[1], abs=0.3)
