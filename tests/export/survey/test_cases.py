"""Pictures of cases side by side."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from inpaint_export.survey.cases import HEADER, HEIGHT, Case, sheet, write_cases
from inpaint_export.survey.networks import bundled_models


def grey(
    value: int, height: int = 64, width: int = 96
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((height, width, 3), value, np.uint8)


def test_each_case_has_a_row_and_each_method_a_column() -> None:
    cases = [Case(grey(10), (grey(20),), grey(30)), Case(grey(40, 96), (grey(50),), grey(60, 96))]
    drawn = sheet(cases, {"one": lambda x: x + 1, "two": lambda x: x + 2})
    width = round(HEIGHT * 96 / 64)
    assert drawn.shape == (HEADER + 2 * HEIGHT, 4 * width, 3)
    middles = [
        [HEADER + HEIGHT // 2 + row * HEIGHT for row in (0, 1)],
        [20 + c * width for c in range(4)],
    ]
    shown = drawn[np.ix_(*middles)][..., 0]
    assert shown.tolist() == [[10, 21, 22, 30], [40, 51, 52, 60]]
    assert (drawn[:HEADER] < 128).any()  # the names


def test_they_are_written_from_model_files(tmp_path: Path) -> None:
    mask = np.zeros((64, 96), np.uint8)
    mask[20:40, 20:40] = 255
    path = tmp_path / "cases.jpg"
    write_cases(path, [Case(grey(0), (grey(90), mask), grey(90))], bundled_models("photo"), 1)
    drawn = cv2.imread(str(path))
    assert drawn is not None
    assert drawn[HEADER:, 270:-270].mean() == pytest.approx(90.0, abs=2.0)
