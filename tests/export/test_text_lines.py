"""Lines that a reader is trained on."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from inpaint_eval.fonts import font_files
from inpaint_eval.text_lines import CHARACTERS, LINE_HEIGHT
from inpaint_export.data.text_lines import (
    CLEAN,
    DEGRADED,
    LONGEST,
    TextLinesDataConfig,
    encode,
)
from inpaint_export.recipes import load_recipe
from support.fonts import require_fonts


@pytest.fixture(autouse=True)
def fonts() -> None:
    require_fonts("train")


def test_items_are_determined_by_seed_and_index() -> None:
    config = TextLinesDataConfig(gentle=0)
    first, again = (config.open(Path(), seed=1, length=10) for _ in range(2))
    other = config.open(Path(), seed=2, length=10)
    again[3]
    for index in (7, 3):
        one, two = first[index], again[index]
        assert one["image"].shape == (1, LINE_HEIGHT, config.width)
        assert one["image"].dtype == one["label"].dtype == torch.uint8
        assert torch.equal(one["image"], two["image"])
        assert torch.equal(one["label"], two["label"])
        assert not torch.equal(one["image"], other[index]["image"])


@pytest.mark.parametrize("style", [CLEAN, DEGRADED])
def test_labels_say_what_is_drawn(style: object) -> None:
    lines = TextLinesDataConfig(gentle=0, style=style).open(Path(), seed=0, length=60)  # type: ignore[arg-type]
    for index in range(60):
        line, text, end = lines.draw(index)
        assert line.shape == (LINE_HEIGHT, 320)
        assert np.ptp(line[:, :end]) > 0
        assert 0 < end <= 320
        assert text == text.strip() != ""
        numbers = encode(text).tolist()
        assert len(numbers) == LONGEST
        assert "".join(CHARACTERS[n - 1] for n in numbers if n) == text
        # CTC needs a step for each character, and one more between two that are the same.
        repeats = sum(one == other for one, other in pairwise(text))
        assert len(text) + repeats <= 320 // 4


def test_the_first_lines_are_short() -> None:
    lines = TextLinesDataConfig(gentle=1000).open(Path(), seed=0, length=2000)
    early = [len(lines.draw(index)[1]) for index in range(60)]
    late = [len(lines.draw(1500 + index)[1]) for index in range(60)]
    assert np.mean(early) < 0.65 * np.mean(late)


def test_the_recipe_trains_on_no_font_that_is_held_out() -> None:
    recipe = load_recipe("text-line")
    assert isinstance(recipe.data, TextLinesDataConfig)
    trained = recipe.data.open(Path(), seed=0, length=1).fonts
    for split in ("val", "test"):
        require_fonts(split)
        held_out = {path for family in font_files(split) for path in family}
        assert not held_out & {path for family in trained for path in family}
