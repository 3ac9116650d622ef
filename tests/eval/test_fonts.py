from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from inpaint_eval import fonts
from inpaint_eval.fonts import FAMILIES, FontFamily, font_files, open_font
from support.fonts import require_fonts

ROOT = Path(__file__).parents[2]


def test_no_family_is_on_two_sides() -> None:
    patterns = {split: {family.pattern for family in FAMILIES[split]} for split in FAMILIES}
    for one, other in combinations(FAMILIES, 2):
        assert not patterns[one] & patterns[other], f"{one} and {other}"


def test_no_file_and_no_name_is_on_two_sides() -> None:
    for split in FAMILIES:
        require_fonts(split)
    files = {split: {path for family in font_files(split) for path in family} for split in FAMILIES}
    names = {s: {open_font(path, 20).getname()[0] for path in of} for s, of in files.items()}
    for one, other in combinations(FAMILIES, 2):
        assert not files[one] & files[other]
        assert not names[one] & names[other]


def test_what_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "FOLDER", tmp_path)
    for name in ("A-Bold.ttf", "A-Thin.ttf", "B.ttf"):
        (tmp_path / name).touch()
    family = FontFamily("fonts-a", "A-*.ttf", without="A-Thin*.ttf")
    assert [path.name for path in family.files()] == ["A-Bold.ttf"]
    with pytest.raises(FileNotFoundError, match="apt-get install fonts-c"):
        FontFamily("fonts-c", "C*.ttf").files()


def test_ci_installs_every_font() -> None:
    installed = set((ROOT / ".ci" / "run").read_text().split())
    wanted = {family.package for split in FAMILIES.values() for family in split}
    assert wanted | {"wamerican"} <= installed
