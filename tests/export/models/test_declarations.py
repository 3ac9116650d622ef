from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from inpaint_export.errors import ExportError
from inpaint_export.memory import measure
from inpaint_export.models.declarations import declarations, in_full_precision
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes import NAMES, load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_sdk import Memory
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.zoo import MODELS


class Network(nn.Module):
    size_multiple = 1
    memory = Memory(bytes_per_pixel=100)
    full_precision: tuple[str, ...] = ("tone",)

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Conv2d(3, 3, 3, padding=1)
        self.tone = nn.Conv2d(3, 3, 1)

    def forward(self, image: Tensor) -> Tensor:
        return self.tone(self.near(image))


class Hidden(Network):
    def forward(self, image: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            toned: Tensor = self.tone(image)
        return self.near(toned)


class Shown(Network):
    def forward(self, image: Tensor) -> Tensor:
        with in_full_precision(image.device):
            toned: Tensor = self.tone(image)
        return self.near(toned)


def test_submodules_declare_for_themselves() -> None:
    network = nn.Sequential(Network(), nn.Sequential(Network()))
    network.size_multiple, network.memory = 1, Network.memory
    assert declarations(network).full_precision == ("0.tone", "1.0.tone")


@pytest.mark.parametrize("missing", ["size_multiple", "memory"])
def test_what_is_missing_is_named(missing: str) -> None:
    network = Network()
    setattr(network, missing, None)
    with pytest.raises(ExportError, match=rf"Network\.{missing} is None; set it to"):
        declarations(network)


def test_a_submodule_that_there_is_not() -> None:
    network = Network()
    network.full_precision = ("tune",)
    with pytest.raises(ExportError, match=r"Network\.full_precision names 'tune'"):
        declarations(network)


@pytest.mark.parametrize("name", NAMES)
def test_every_recipes_network_declares_itself(name: str) -> None:
    declarations(load_recipe(name).build())


def test_a_submodule_that_export_loses_is_an_error(tiny_recipe: Recipe, tmp_path: Path) -> None:
    recipe = replace(tiny_recipe, task="enhance")
    with pytest.raises(ExportError, match=r"'tone' stays in full precision.*under torch.autocast"):
        export_model(Hidden(), recipe, tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())
    export_model(Shown(), recipe, tmp_path / "x.onnx")


def test_mixed_precision_is_off_where_it_is_told_to_be() -> None:
    x = torch.ones(2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert (x @ x).dtype == torch.bfloat16
        with in_full_precision(x.device):
            assert (x @ x).dtype == torch.float32


@pytest.mark.parametrize("name", ["photo", "cloud-thin", "damage"])
def test_the_memory_that_is_stated_is_what_is_taken(name: str) -> None:
    path = MODELS / f"{name}.onnx"
    stated = read_model_file(path).info.memory.bytes_per_pixel
    assert 0.4 * stated < measure(path, 512) <= stated
