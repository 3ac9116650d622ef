"""Debian's fonts, which tests of drawn lines need."""

from __future__ import annotations

import pytest

from inpaint_eval.fonts import FontSplit, font_files
from inpaint_eval.text_lines import dictionary


def require_fonts(split: FontSplit) -> None:
    """Skips a test where a font of a split, or the list of words, is not installed."""
    try:
        font_files(split)
        dictionary()
    except FileNotFoundError as error:
        pytest.skip(str(error))
