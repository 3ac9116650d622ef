"""Trainings begin from any checkpoint and from any model file of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from inpaint_eval.sessions import open_session
from inpaint_export.model_document import set_info
from inpaint_export.models.cnn import COARSE, PHOTO, CnnInpainter
from inpaint_export.models.crnn import Crnn, CrnnConfig
from inpaint_export.models.sarnn import Sarnn, SarnnConfig
from inpaint_export.models.staged import StagedConfig, StagedInpainter
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes import NAMES, load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_export.survey.base import PHOTO_CODEBOOK
from inpaint_export.training.checkpoint import KEYS
from inpaint_export.training.loop import Trainer
from inpaint_export.training.start import FromFile, FromModel, load_weights
from inpaint_sdk import ModelError
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.zoo import MODELS, open_model

ANEW = {"photo-codebook": ("inpainter.autoencoder.code_encoder",)}
"""Parts of networks that the model files do not hold, since only training needs them."""


def model_files() -> Iterator[Any]:
    packed = pytest.mark.xfail(reason="files hold an LSTM's weights in another order", strict=True)
    for path in (*sorted(MODELS.glob("*.onnx")), PHOTO_CODEBOOK):
        info = read_model_file(path).info
        if info.precision == "fp32":
            marks = [packed] if info.task == "read" else []
            yield pytest.param(path, id=info.name, marks=marks)


@pytest.mark.parametrize("path", list(model_files()))
def test_every_model_can_be_trained_on(path: Path) -> None:
    """The network that begins with a file's weights gives what the file gives."""
    recipe = load_recipe(read_model_file(path).info.name)
    torch.manual_seed(3)
    model = recipe.build()
    loaded = load_weights(path, model)
    assert loaded.anew == ANEW.get(recipe.name, ())
    generator = torch.Generator().manual_seed(0)
    height = recipe.data.crop if recipe.task == "read" else 64
    image = torch.rand(1, 3, height, 96, generator=generator)
    inputs: tuple[Tensor, ...] = (image,)
    if recipe.task == "inpaint":
        mask = torch.zeros(1, 1, 64, 96)
        mask[..., 20:40, 30:70] = 1.0
        inputs = image, mask
    with torch.inference_mode():
        found = model.eval()(*inputs)
    found = found if isinstance(found, Tensor) else found[0]
    session = open_session(path)
    names = [value.name for value in session.get_inputs()]
    feed = {n: v.numpy() for n, v in zip(names, inputs, strict=True)}
    (expected,) = session.run([recipe.outputs[0]], feed)
    np.testing.assert_allclose(found.numpy(), expected, atol=2e-4)


SMALL: dict[str, Callable[[], nn.Module]] = {
    # As many channels are scanned as in the real one: fewer would be folded into what mixes them.
    "cloud-thin": partial(Sarnn, SarnnConfig(widths=(8, 8), state=48, guided=1, refining=1)),
    "clean": partial(Crnn, CrnnConfig(widths=(8, 8, 8), state=4)),
}


@pytest.mark.parametrize("name", SMALL)
def test_folded_weights_are_unfolded(name: str, tmp_path: Path) -> None:
    """There and back: what is exported and loaded again is the network that it was."""
    torch.manual_seed(1)
    model, other = SMALL[name](), SMALL[name]()
    for parameter in model.parameters():  # the file holds tensors that are alike only once
        parameter.data += 0.01 * torch.randn_like(parameter)
    export_model(model, load_recipe(name), tmp_path / "model.onnx")
    assert load_weights(tmp_path / "model.onnx", other).anew == ()
    for key, value in model.state_dict().items():
        tolerance = 2e-3 if key.endswith("raw_weight") else 0.0
        torch.testing.assert_close(other.state_dict()[key], value, rtol=tolerance, atol=tolerance)


def test_a_network_with_more_parts_says_which_begin_anew(tmp_path: Path) -> None:
    class Before(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3))

    class After(Before):
        def __init__(self) -> None:
            super().__init__()
            self.fine = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Conv2d(2, 2, 1))

    before, after = Before(), After()
    keys = dict.fromkeys(KEYS, 0)
    torch.save({**keys, "ema": before.state_dict()}, tmp_path / "before.pt")
    loaded = load_weights(tmp_path / "before.pt", after)
    assert (loaded.taken, loaded.anew, loaded.unused) == (4, ("fine",), ())
    assert torch.equal(after.body[1].weight, before.body[1].weight)
    torch.save({**keys, "ema": after.state_dict()}, tmp_path / "after.pt")
    assert load_weights(tmp_path / "after.pt", before).unused == ("fine",)


def test_a_run_begins_from_a_checkpoint(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path
) -> None:
    first = Trainer(tiny_recipe, data_root, tmp_path / "a", steps=2, workers=0)
    first.run()
    start = FromFile(str(first.checkpoint))
    second = Trainer(tiny_recipe, data_root, tmp_path / "b", steps=2, workers=0, start=start)
    for name, value in first.ema.module.state_dict().items():
        assert torch.equal(second.objective.model.state_dict()[name], value)
    assert second.step == 0


def test_what_is_no_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no file"):
        load_weights(tmp_path / "none.onnx", nn.Linear(2, 2))
    (tmp_path / "other.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"other\.onnx"):
        load_weights(tmp_path / "other.onnx", nn.Linear(2, 2))
    (tmp_path / "other.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match=r"other\.pt is no checkpoint"):
        load_weights(tmp_path / "other.pt", nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"photo\.onnx is of another network: 0 of 2 tensors"):
        load_weights(open_model("photo").path, nn.Linear(2, 2))
    # Some layers of the detector have the names and shapes of some of photo's.
    with pytest.raises(ValueError, match=r"damage\.onnx is of another network: \d+ of 56"):
        load_weights(open_model("damage").path, load_recipe("photo").build())


def test_lower_precision_is_no_start(tmp_path: Path) -> None:
    proto = onnx.load(open_model("clean").path)
    info = read_model_file(open_model("clean").path).info
    set_info(proto, replace(info, precision="int8"))
    onnx.save(proto, tmp_path / "int8.onnx")
    with pytest.raises(ValueError, match="is in int8; start from the model's fp32 file"):
        load_weights(tmp_path / "int8.onnx", load_recipe("clean").build())


def test_a_recipes_start_has_to_fit_whole(tmp_path: Path) -> None:
    """A network that lacks a part of the model, or has one more, is another one."""
    grown = StagedInpainter(StagedConfig(generator=PHOTO))
    with pytest.raises(ValueError, match=r"the network is not that of .*stem2"):
        FromModel("photo-staged").apply(grown, tmp_path)
    loaded = FromModel("photo-staged", grown=True).apply(grown, tmp_path)
    assert "generator.stem2" in loaded.anew
    shrunk = CnnInpainter(COARSE)
    with pytest.raises(ValueError, match=r"the network is not that of .*not used: .*stem2"):
        FromModel("photo").apply(shrunk, tmp_path)
    loaded = FromModel("photo", shrunk=True).apply(shrunk, tmp_path)
    assert "stem2" in loaded.unused
    assert not loaded.anew


BEGUN = [name for name in NAMES if isinstance(load_recipe(name).start, FromModel)]
"""Recipes that begin with a bundled model."""


@pytest.mark.parametrize("name", BEGUN)
def test_a_recipe_begins_with_the_model_that_it_names(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name)
    assert isinstance(recipe.start, FromModel)
    loaded = recipe.start.apply(recipe.build(), tmp_path)
    assert bool(loaded.unused) == recipe.start.shrunk, loaded.unused
