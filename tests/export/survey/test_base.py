"""What tables are made of, and that the documentation's are what their results say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from inpaint_export.survey import NAMES, load_table
from inpaint_export.survey.base import Row, Table, markdown, render

DOCS = Path(__file__).parents[3] / "docs" / "tables"


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_has_every_table_as_its_result_says(name: str) -> None:
    document = json.loads((DOCS / f"{name}.json").read_text())
    rows = [Row(**row) for row in document["rows"]]
    text = render(load_table(name), rows, document["steps"], document["threads"])
    assert text == (DOCS / f"{name}.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_published_rows_of_a_result_are_the_table_s(name: str) -> None:
    document = json.loads((DOCS / f"{name}.json").read_text())
    rows = [Row(**row) for row in document["rows"] if row["source"] != "measured"]
    assert rows == load_table(name).published_rows()


def test_markdown_leaves_out_what_is_not_known() -> None:
    rows = [Row("a", {"PSNR": 30.0, "SSIM": 0.9}, source="published"), Row("b", {"x": 1.0}, 10**6)]
    lines = markdown("T", rows).splitlines()
    assert lines[2] == "| method | PSNR | SSIM | x | parameters | multiply-adds | time | source |"
    assert lines[4] == "| a | 30.00 dB | 0.900 |  |  |  |  | published |"
    assert lines[5] == "| b |  |  | 1.00 dB | 1.00 M |  |  | measured |"


def test_every_setting_has_a_table_and_published_rows_their_own() -> None:
    rows = [
        Row("a", {"paris, box: PSNR": 30.0, "kodak24, box: PSNR": 20.0}),
        Row("b", {"paris, box: PSNR": 31.0, "kodak24, box: PSNR": 21.0}),
    ]
    published = (("c", 40.0, 0.9),)
    table = Table("T", lambda options: rows, lambda s, t: f"{s}, {t}", published, "other data")
    lines = render(table, [*rows, *table.published_rows()], steps=5, threads=2).splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# T: paris, box",
        "# T: kodak24, box",
        "# As published",
    ]
    assert [line for line in lines if line.startswith("| b ")] == [
        "| b | 31.00 dB |  |  |  | measured |",
        "| b | 21.00 dB |  |  |  | measured |",
    ]
    assert "5, 2" in lines
    assert lines[-1] == "| c | 40.00 dB | 0.900 |  |  |  | published, other data |"
