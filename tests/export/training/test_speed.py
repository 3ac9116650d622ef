"""Steps a second, of a recipe that trains in no time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import inpaint_export.recipes
from inpaint_export.cli import main
from inpaint_export.recipes.base import Recipe


def test_every_combination_is_a_row_and_nothing_is_kept(
    tiny_recipe: Recipe, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inpaint_export.recipes, "load_recipe", lambda name: tiny_recipe)
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    command = ["speed", "photo", "--data", str(data_root), "--threads", "1,2", "--steps", "2"]
    found = CliRunner().invoke(main, [*command, "--workers", "0"])
    assert found.exit_code == 0, found.output
    rows = [line.split() for line in found.output.splitlines() if line.lstrip()[:1].isdigit()]
    assert [row[:2] for row in rows] == [["1", "0"], ["2", "0"]]
    assert all(float(row[3]) > 0 for row in rows)
    assert torch.get_num_threads() == threads
    assert not any(tmp_path.iterdir())


def test_numbers_are_numbers(data_root: Path) -> None:
    found = CliRunner().invoke(main, ["speed", "photo", "--data", str(data_root), "--threads", "x"])
    assert found.exit_code == 1
    assert "invalid literal" in found.output
