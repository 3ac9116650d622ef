"""A family is one file and one recipe: families made up here work, and nothing else knows of them.

Each is trained, exported, converted to fp16 and int8, loaded by the SDK and run. Their layers and
the way they are put together are unlike those of the families that the package has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from onnx import TensorProto
from torch import Tensor, nn
from torch.utils.data import Dataset

from inpaint_export.export import export_model_file
from inpaint_export.precision.convert import convert
from inpaint_export.precision.trunk import full_precision
from inpaint_export.recipes.base import CardConfig, Recipe
from inpaint_export.training.loop import Trainer
from inpaint_export.training.objective import Batch, Objective
from inpaint_export.training.optim import OptimConfig
from inpaint_sdk import Detector, Memory, Restorer
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.info import Precision, Task

# The families' one file.

CELL = 4
WIDTH = 16


class ToyInpainter(nn.Module):
    """Attention between cells of a picture, unfolded by a transposed convolution."""

    size_multiple = CELL
    memory = Memory(bytes_per_pixel=150, bytes_per_pixel_squared=0.05)
    full_precision = ("tone",)

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.Conv2d(4, WIDTH, CELL, stride=CELL)
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.tone = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.Tanh())
        self.grow = nn.ConvTranspose2d(WIDTH, 3, CELL, stride=CELL)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        known = image * (1.0 - mask)
        x = F.relu(self.cells(torch.cat([known, mask], dim=1)))
        height, width = x.shape[2:]
        tokens = x.flatten(2).transpose(1, 2)  # [N, T, C]
        query, key, value = self.query_key_value(tokens).chunk(3, dim=2)
        attention = torch.softmax(query @ key.transpose(1, 2), dim=2)  # [N, T, T]
        tokens = tokens + attention @ value
        tokens = tokens + self.tone(tokens)
        x = self.grow(tokens.transpose(1, 2).unflatten(2, (height, width)))
        return known + mask * torch.sigmoid(x)


class ToyEnhancer(nn.Module):
    """A recurrent network reads rows of cells; a second output that the SDK has no name for."""

    size_multiple = CELL
    memory = Memory(bytes_per_pixel=150)

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleDict(
            {
                "enter": nn.Conv2d(3, WIDTH, CELL, stride=CELL),
                "read": nn.LSTM(WIDTH, WIDTH, batch_first=True),
                "leave": nn.Conv2d(WIDTH, 3 * CELL * CELL, 1),
            }
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = F.relu(self.layers["enter"](image))  # [N, C, h, w]
        n, c, h, w = x.shape
        rows = x.permute(0, 2, 3, 1).reshape(n * h, w, c)
        read = self.layers["read"](rows)[0].reshape(n, h, w, c).permute(0, 3, 1, 2)
        change = F.pixel_shuffle(self.layers["leave"](x + read), CELL)
        return image + torch.tanh(change), change.abs().mean(dim=(2, 3))


class ToyDetector(nn.Module):
    """Finds two kinds; what is summed over the picture is declared within a submodule."""

    size_multiple = CELL
    memory = Memory(bytes_per_pixel=100)
    kinds = ("blot", "ink-2")

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Conv2d(3, WIDTH, 3, padding=1)
        self.gate = Gate()
        self.head = nn.Conv2d(WIDTH, len(self.kinds), 1)

    def forward(self, image: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.near(image)), 3, stride=1, padding=1)
        return torch.sigmoid(self.head(self.gate(x)))


class Gate(nn.Module):
    full_precision = ("weigh",)

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.weigh(x.mean(dim=(2, 3))))[..., None, None]


# The families' recipes.


@dataclass(frozen=True)
class Drawn:
    """Smooth pictures with a black box in them, drawn and not read."""

    crop: int = 32

    def open(self, root: Path, *, seed: int, length: int) -> Dataset[dict[str, Tensor]]:
        return Boxes(self.crop, seed, length)


class Boxes(Dataset[dict[str, Tensor]]):
    def __init__(self, side: int, seed: int, length: int) -> None:
        self.side, self.seed, self.length = side, seed, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self.seed, index))
        clear, mask = draw(rng, self.side, self.side)
        image = np.where(mask[..., None] > 0, 0, clear)
        return {
            "image": torch.from_numpy(image.transpose(2, 0, 1).copy()),
            "clear": torch.from_numpy(clear.transpose(2, 0, 1).copy()),
            "mask": torch.from_numpy(mask[None]),
        }


def draw(
    rng: np.random.Generator, height: int, width: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    coarse = rng.integers(64, 256, (3, 3, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    mask = np.zeros((height, width), np.uint8)
    top, left = int(rng.integers(height - 12)), int(rng.integers(width - 12))
    mask[top : top + 12, left : left + 12] = 255
    return picture.astype(np.uint8), mask


class ToyObjective(Objective):
    """The mean squared error of the network's first output."""

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        output, target = run(self.model, batch)
        yield "model", (output - target).square().mean()


@dataclass(frozen=True)
class ToyValidation:
    every: int = 1000

    def open(self, root: Path) -> Measure:
        return Measure()


class Measure:
    """-10 lg of the mean squared error, whatever the output is."""

    figure = "psnr"

    @torch.inference_mode()
    def measure(self, model: nn.Module, device: torch.device) -> float:
        errors = []
        for item in (Boxes(32, 99, 8)[index] for index in range(8)):
            batch = {name: value[None].float() / 255.0 for name, value in item.items()}
            output, target = run(model, batch)
            errors.append(float((output - target).square().mean()))
        return float(-10.0 * np.log10(np.mean(errors)))


def run(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """The first output, and what it should be."""
    masked = isinstance(model, ToyInpainter) or "mask" in getattr(model, "_names", ())
    outputs = model(batch["image"], batch["mask"]) if masked else model(batch["image"])
    first = outputs if isinstance(outputs, Tensor) else outputs[0]
    return first, batch["clear"] if first.shape[1] == 3 else batch["mask"]


def toy(
    task: Task, build: Callable[[], nn.Module], outputs: tuple[str, ...] = ("output",)
) -> Recipe:
    return Recipe(
        name=f"my-{task}",
        family="toy",
        task=task,
        build=build,
        objective=ToyObjective,
        data=Drawn(),
        validation=ToyValidation(),
        card=CardConfig("Made up.", licence="none", training_data="Drawn boxes."),
        steps=80,
        batch=4,
        outputs=outputs,
        optim=OptimConfig(lr=1e-2, warmup=2, ema=0.5),
    )


RECIPES = {
    recipe.task: recipe
    for recipe in (
        toy("inpaint", ToyInpainter),
        toy("enhance", ToyEnhancer, ("output", "unrest")),
        toy("detect", ToyDetector, ("probability",)),
    )
}


@pytest.fixture(scope="module", params=RECIPES)
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return RECIPES[request.param]


@pytest.fixture(scope="module")
def checkpoint(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a short training that got better."""
    folder = tmp_path_factory.mktemp(recipe.name)
    torch.manual_seed(recipe.seed)
    before = recipe.validation.open(folder).measure(recipe.build(), torch.device("cpu"))
    trainer = Trainer(recipe, folder, folder, workers=0, precision="fp32")
    assert trainer.run() > before + 1.0
    return trainer.checkpoint


@pytest.fixture(scope="module")
def files(recipe: Recipe, checkpoint: Path) -> dict[Precision, Path]:
    """Model files of the checkpoint; fp16 straight from it, int8 by way of the fp32 file."""
    folder = checkpoint.parent
    paths: dict[Precision, Path] = {p: folder / f"{p}.onnx" for p in get_args(Precision)}
    list(export_model_file(checkpoint, paths["fp32"], "fp32", None))
    list(export_model_file(checkpoint, paths["fp16"], "fp16", folder))
    convert(paths["fp32"], "int8", recipe, folder, paths["int8"])
    return paths


def test_the_file_says_what_its_network_declares(
    recipe: Recipe, files: dict[Precision, Path]
) -> None:
    info = read_model_file(files["fp32"]).info
    network = recipe.build()
    assert (info.family, info.task, info.outputs) == ("toy", recipe.task, recipe.outputs)
    assert (info.memory, info.size_multiple) == (network.memory, CELL)
    assert info.kinds == getattr(network, "kinds", ())


def element_types(proto: onnx.ModelProto) -> dict[str, int]:
    graph = onnx.shape_inference.infer_shapes(proto).graph
    values = (*graph.value_info, *graph.output)
    return {v.name: v.type.tensor_type.elem_type for v in values} | {
        t.name: t.data_type for t in graph.initializer
    }


def test_fp16_holds_all_layers_but_what_is_declared(
    recipe: Recipe, files: dict[Precision, Path]
) -> None:
    kept = full_precision(onnx.load(files["fp32"]))
    proto = onnx.load(files["fp16"])
    kinds = element_types(proto)
    layers = {
        n.output[0] for n in proto.graph.node if n.op_type in ("Conv", "ConvTranspose", "LSTM")
    }
    assert layers
    assert {kinds[name] for name in layers} == {TensorProto.FLOAT16}
    assert {kinds[name] for name in kept} <= {TensorProto.FLOAT}
    assert bool(kept) == (recipe.task != "enhance")


def test_int8_holds_the_convolutions(files: dict[Precision, Path]) -> None:
    proto = onnx.load(files["int8"])
    made_from = {node.output[0]: node for node in proto.graph.node}
    stored = {tensor.name: tensor.data_type for tensor in proto.graph.initializer}
    layers = [node for node in proto.graph.node if node.op_type in ("Conv", "ConvTranspose")]
    assert layers
    for node in layers:
        weight = made_from[node.input[1]]
        assert weight.op_type == "DequantizeLinear", node.name
        assert stored[weight.input[0]] == TensorProto.INT8


@pytest.mark.parametrize("precision", get_args(Precision))
def test_the_sdk_runs_it(
    precision: Precision, recipe: Recipe, files: dict[Precision, Path]
) -> None:
    path = files[precision]
    clear, mask = draw(np.random.default_rng(1), 45, 70)
    image = np.where(mask[..., None] > 0, 0, clear).astype(np.uint8)
    if recipe.task == "detect":
        probability = Detector.load(path, threads=1).detect(image).probability()
        assert probability.shape == mask.shape
        assert probability[mask > 0].mean() > probability[mask == 0].mean() + 0.1
        return
    restorer = Restorer.load(path, threads=1)
    assert (restorer.model.family, restorer.model.precision) == ("toy", precision)
    if recipe.task == "inpaint":
        restored = restorer.restore(image, mask)
        np.testing.assert_array_equal(restored[mask == 0], image[mask == 0])
        assert error(restored, clear) < 0.5 * error(image, clear)
    else:
        assert error(restorer.restore(image), clear) < error(image, clear)


def error(image: NDArray[np.uint8], clear: NDArray[np.uint8]) -> float:
    return float(np.square(image.astype(float) - clear).mean())
