"""What tables are made of, and that the documentation's are what their results say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from inpaint_export.survey import NAMES, base, load_table
from inpaint_export.survey.base import Published, Row, Table, TableOptions, markdown, render

DOCS = Path(__file__).parents[3] / "docs" / "tables"

SURVEY = {
    "table1": {"RFR", "GAN", "LGNet", "CNN + Transformer"},
    "table2": {"cGAN", "CycleGAN", "SpA-GAN", "SARNN"},
    "table3": {"cGAN", "CycleGAN", "SpA-GAN", "SC-FEGAN", "GMCNN", "SARNN"},
    "table4": {"CE", "GLI", "staged GAN with LSTM"},
    "table5": {"deep RL + GAN", "CNN + GAN", "CRNN"},
}
"""The methods that the survey's tables compare."""


def document(rows: list[Row], **others: Any) -> Mapping[str, Any]:
    rest = {"table": "name", "steps": 5, "threads": 2, "pictures": False, **others}
    return {**rest, "rows": [asdict(row) for row in rows]}


@pytest.mark.parametrize("name", NAMES)
def test_the_documentation_has_every_table_as_its_result_says(name: str) -> None:
    result = json.loads((DOCS / f"{name}.json").read_text())
    assert render(load_table(name), result) == (DOCS / f"{name}.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_row_of_a_result_has_figures_or_a_reason(name: str) -> None:
    rows = [Row.read(row) for row in json.loads((DOCS / f"{name}.json").read_text())["rows"]]
    assert all(bool(row.figures) != bool(row.reason) for row in rows)


@pytest.mark.parametrize("name", SURVEY)
def test_every_method_of_the_survey_stands_beside_a_row(name: str) -> None:
    published = load_table(name).published
    assert {found.method for found in published.values()} == SURVEY[name]
    result = json.loads((DOCS / f"{name}.json").read_text())
    rows = [Row.read(row) for row in result["rows"]]
    assert {row.method: row.published for row in rows if row.published} == published


def test_markdown_leaves_out_what_is_not_known() -> None:
    rows = [
        Row("a", {"PSNR": 30.0, "SSIM": 0.9}, published=Published("A", 31.0, 0.95)),
        Row("b", {"x": 1.0}, 10**6, spread={"x": 0.25}),
        Row("c", reason="not run"),
    ]
    lines = markdown("T", rows).splitlines()
    assert lines[2:] == [
        "| method | PSNR | SSIM | x | published | parameters | multiply-adds | time |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| a | 30.00 dB | 0.900 |  | A: 31.00 dB, 0.950 |  |  |  |",
        "| b |  |  | 1.00 ± 0.25 dB |  | 1.00 M |  |  |",
        "| c | not run |  |  |  |  |  |  |",
    ]


def test_every_setting_has_a_table_with_all_rows() -> None:
    rows = [
        Row("a", {"paris, box: PSNR": 30.0, "kodak24, box: PSNR": 20.0}, seeds=3),
        Row("b", {"paris, box: PSNR": 31.0, "kodak24, box: PSNR": 21.0}),
    ]
    table = Table("T", lambda options: rows, lambda s, t: f"{s}, {t}")
    lines = render(table, document(rows, pictures=True)).splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# T: paris, box",
        "# T: kodak24, box",
    ]
    assert [line for line in lines if line.startswith("| b ")] == [
        "| b | 31.00 dB |  |  |  |",
        "| b | 21.00 dB |  |  |  |",
    ]
    (notes,) = [line for line in lines if line.startswith("5, 2")]
    assert "several seeds" in notes
    assert lines[-1] == "![Three cases by each method](name.jpg)"


def test_rows_that_are_close_are_told_by_their_first_figure() -> None:
    rows = [
        Row("a", {"PSNR": 30.0, "SSIM": 0.5}),
        Row("b", {"PSNR": 30.19, "SSIM": 0.9}),
        Row("c", {"PSNR": 30.4, "SSIM": 0.9}),
        Row("d", {"PSNR": None}),
        Row("e", reason="not run"),
    ]
    assert base.close_methods(rows) == {"a", "b"}


def test_close_rows_are_means_over_seeds(tmp_path: Path) -> None:
    asked = []

    def measure(options: TableOptions) -> list[Row]:
        asked.append((options.seed, options.only, options.runs.relative_to(tmp_path)))
        psnr = {"a": 30.0 + options.seed, "b": 30.1, "far": 40.0}
        names = [n for n in psnr if options.only is None or n in options.only]
        return [Row(name, {"PSNR": psnr[name]}, parameters=7) for name in names]

    table = Table("T", measure, lambda s, t: "", {"a": Published("A", 1.0, 0.1)})
    base.run_table("name", table, TableOptions(tmp_path, None, tmp_path, 1, 1, seeds=3))
    close = frozenset("ab")
    assert asked == [
        (0, None, Path("name")),
        (1, close, Path("name/seed-1")),
        (2, close, Path("name/seed-2")),
    ]
    result = json.loads((tmp_path / "name/name.json").read_text())
    a, b, far = (Row.read(row) for row in result["rows"])
    assert a == Row(
        "a", {"PSNR": 31.0}, 7, published=table.published["a"], seeds=3, spread={"PSNR": 1.0}
    )
    assert (b.figures, b.spread) == ({"PSNR": pytest.approx(30.1)}, {"PSNR": 0.0})
    assert (far.seeds, far.spread) == (1, {})
    asked.clear()
    base.run_table("name", table, replace(TableOptions(tmp_path, None, tmp_path, 1, 1), seeds=1))
    assert len(asked) == 1
