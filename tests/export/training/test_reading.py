"""The network, the objective, the validation and the recipe of a reader of text lines."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from inpaint_eval.text_lines import CHARACTERS, LINE_HEIGHT
from inpaint_export.data.text_lines import TextLinesDataConfig, encode
from inpaint_export.models.text_line import STRIDE, TextLine, TextLineConfig
from inpaint_export.onnx_export import export_checkpoint, export_model
from inpaint_export.recipes import load_recipe
from inpaint_export.training.loop import Trainer
from inpaint_export.training.reading import LineReading, ReadingValidation, ReadingValidationConfig
from inpaint_sdk import TextReader
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.runners.ctc import decode_greedy
from support.fonts import require_fonts

SMALL = TextLineConfig(widths=(8, 8, 16, 16), hidden=24, layers=1)


class Answer(nn.Module):
    """A network that answers the same whatever it sees."""

    alphabet = CHARACTERS

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.answer = nn.Parameter(logits)

    def forward(self, image: Tensor) -> Tensor:
        return torch.log_softmax(self.answer, dim=2).expand(len(image), -1, -1)


def steps(*classes: int, certainty: float = 12.0) -> Tensor:
    """Logits [1, T, 96] that say one class in each step."""
    logits = torch.zeros(1, len(classes), 1 + len(CHARACTERS))
    logits[0, range(len(classes)), list(classes)] = certainty
    return logits


def loss_of(logits: Tensor, *texts: str) -> float:
    labels = torch.stack([encode(text) for text in texts]).float() / 255.0
    batch = {"image": torch.zeros(len(texts), 1, 32, 8), "label": labels}
    ((name, loss),) = LineReading(Answer(logits)).losses(batch)
    assert name == "model"
    return float(loss.detach())


def test_the_loss_is_for_each_character() -> None:
    a, b = (1 + CHARACTERS.index(c) for c in "ab")
    assert loss_of(steps(a, 0, b), "ab") < 1e-3
    assert loss_of(steps(a, 0, b), "ba") > 5.0
    # Of two steps that know nothing, three of 96 * 96 paths say "a"; the others' is 1 / 96 ** 2.
    unsure = torch.zeros(1, 2, 96)
    alone, two = math.log(96**2 / 3), math.log(96**2)
    assert loss_of(unsure, "a") == pytest.approx(alone, rel=1e-4)
    assert loss_of(unsure, "a", "ab") == pytest.approx((alone + two) / 3, rel=1e-4)


def test_a_line_too_long_for_its_steps_is_no_infinity() -> None:
    assert math.isfinite(loss_of(torch.zeros(1, 2, 96), "abc", "a"))


def test_validation_is_by_characters() -> None:
    a = 1 + CHARACTERS.index("a")
    image = np.zeros((32, 8), np.uint8)
    lines = {"clean": [(image, "a")] * 3, "degraded": [(image, "ab"), (image, "aa")]}
    validation = ReadingValidation(lines)
    model = Answer(steps(a, a)).train()
    assert validation.measure(model, torch.device("cpu")) == pytest.approx(75.0)
    assert validation.details == {"clean_cer": 0.0, "degraded_cer": 50.0}
    assert model.training


def test_the_recipe() -> None:
    recipe = load_recipe("text-line")
    model = recipe.build()
    assert isinstance(model, TextLine)
    assert sum(p.numel() for p in model.parameters()) <= 1_000_000
    assert (recipe.task, recipe.family, recipe.outputs) == ("read", "ctc", ("log_probability",))
    assert recipe.data.crop == LINE_HEIGHT


def test_a_few_lines_are_learned() -> None:
    require_fonts("train")
    torch.manual_seed(0)
    config = TextLinesDataConfig(width=96, gentle=10**9)  # clean and short
    drawn = config.open(Path(), seed=5, length=4)
    items = [drawn[index] for index in range(4)]
    batch = {k: torch.stack([i[k] for i in items]).float() / 255.0 for k in ("image", "label")}
    model = TextLine(SMALL)
    objective = LineReading(model)
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(2000):
        optimizer.zero_grad()
        ((_, loss),) = objective.losses(batch)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        if loss.item() < 0.01:  # how soon differs with the processor's sums
            break
    found = model(batch["image"]).detach().numpy()
    assert [decode_greedy(row, CHARACTERS).text for row in found] == [
        drawn.draw(index)[1] for index in range(4)
    ]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[TextLine, Path]:
    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("reader") / "text-line.onnx"
    recipe = replace(load_recipe("text-line"), build=partial(TextLine, SMALL))
    model = TextLine(SMALL).eval()
    export_model(model, recipe, path)
    return model, path


def test_the_file_says_what_it_reads(exported: tuple[TextLine, Path]) -> None:
    _, path = exported
    info = read_model_file(path).info
    assert (info.task, info.alphabet) == ("read", CHARACTERS)
    assert (info.trained_size, info.size_multiple) == (LINE_HEIGHT, STRIDE)
    graph = onnx.load(path).graph
    assert "LSTM" in {node.op_type for node in graph.node}
    (image,), (output,) = graph.input, graph.output
    dims = [d.dim_param or d.dim_value for d in image.type.tensor_type.shape.dim]
    assert dims == ["batch", 3, LINE_HEIGHT, "width"]
    dims = [d.dim_param or d.dim_value for d in output.type.tensor_type.shape.dim]
    assert dims == ["batch", "steps", 96]


@pytest.mark.parametrize("width", [1, 30, 32, 333, 1200])
def test_any_width_is_read_as_pytorch_reads_it(
    exported: tuple[TextLine, Path], width: int, rng: np.random.Generator
) -> None:
    model, path = exported
    line = rng.integers(0, 256, (LINE_HEIGHT, width, 3)).astype(np.uint8)
    padded = np.pad(line, ((0, 0), (0, -width % STRIDE), (0, 0)), mode="symmetric")
    tensor = torch.from_numpy(padded).permute(2, 0, 1)[None] / 255.0
    expected = decode_greedy(model(tensor).detach().numpy()[0], CHARACTERS)
    found = TextReader.load(path, threads=1, channels="rgb").read(line)
    assert found.text == expected.text
    assert found.confidences == pytest.approx(expected.confidences, abs=1e-4)


@pytest.mark.slow
def test_it_is_trained_resumed_and_exported(tmp_path: Path) -> None:
    for split in ("train", "val"):
        require_fonts(split)  # type: ignore[arg-type]
    recipe = replace(
        load_recipe("text-line"),
        build=partial(TextLine, SMALL),
        validation=ReadingValidationConfig(count=4, every=2),
        batch=2,
    )
    for count in (2, 4):
        trainer = Trainer(recipe, tmp_path, tmp_path / "run", steps=count, workers=0)
        trainer.run()
    assert trainer.step == 4
    checks = export_checkpoint(trainer.checkpoint, tmp_path / "text-line.onnx")
    assert {check.height for check in checks} == {LINE_HEIGHT}
