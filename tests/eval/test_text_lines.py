from __future__ import annotations

import numpy as np
import pytest

from inpaint_eval.text_lines import CHARACTERS, draw_line, made_up, prose, vertical_extent
from support.fonts import require_fonts


def test_the_characters() -> None:
    assert len(CHARACTERS) == len(set(CHARACTERS)) == 95
    assert CHARACTERS.isascii()
    assert CHARACTERS.isprintable()


def test_made_up_text_has_every_character(rng: np.random.Generator) -> None:
    texts = [made_up(rng, 40) for _ in range(400)]
    assert min(map(len, texts)) >= 40
    assert set("".join(texts)) == set(CHARACTERS)


def test_prose_is_of_the_alphabet(rng: np.random.Generator) -> None:
    require_fonts("val")
    for _ in range(50):
        text = prose(rng, 30)
        assert len(text) >= 30
        assert set(text) <= set(CHARACTERS)


def test_a_line_is_as_high_as_its_font_and_as_wide_as_its_letters() -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(40)
    assert isinstance(font, ImageFont.FreeTypeFont)
    top, foot = vertical_extent(font)
    line = draw_line("Agl", font)
    assert line.shape[0] == foot - top
    assert line[:, 0].any()
    assert line[:, -1].any()
    assert draw_line("AglAgl", font).shape[1] > 1.8 * line.shape[1]
    assert draw_line("Agl", font, spacing=10.0).shape[1] == pytest.approx(line.shape[1] + 20, abs=3)
    assert not draw_line("x", font)[: line.shape[0] // 4].any()
    with pytest.raises(ValueError, match="no letter"):
        draw_line("  ", font)
