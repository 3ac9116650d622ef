"""One table in its forms, and what a result's reader is told first."""

from __future__ import annotations

from dataclasses import replace

from inpaint_bench.page import make_page
from inpaint_bench.schema.results import RunResult
from inpaint_bench.tables.whole import tables_of
from inpaint_eval.render import Table, to_markdown, to_text

TABLE = Table("Speed", ("name", "ms"), [["photo <1>", "3.5"], ["it", "12.25"]], ["two runs"])


def test_a_terminal_gets_columns_of_one_width() -> None:
    assert to_text([TABLE, Table(notes=["the end"])]) == (
        "Speed\n"
        "name          ms\n"
        "---------  -----\n"
        "photo <1>    3.5\n"
        "it         12.25\n"
        "two runs\n"
        "\n"
        "the end"
    )


def test_markdown_marks_columns_of_numbers() -> None:
    assert to_markdown(TABLE) == (
        "**Speed**\n\n"
        "| name | ms |\n| --- | ---: |\n| photo <1> | 3.5 |\n| it | 12.25 |\n\n"
        "two runs"
    )
    assert to_markdown(Table(notes=["a line"])) == "a line"


def test_html_is_escaped(run_result: RunResult) -> None:
    page = make_page({"<a>": run_result.model_copy(update={"remarks": "1 < 2"})}, None)
    assert "<h2>&lt;a&gt;</h2>" in page
    assert "<p>1 &lt; 2</p>" in page
    assert '<tr><th>candidate</th><th class="number">p50 ms</th>' in page
    assert '<tr><td>opencv-telea</td><td class="number">' in page


def test_a_result_of_a_changed_tree_or_of_a_part_says_so(run_result: RunResult) -> None:
    clean = replace(run_result.machine, revision="0123456789ab", dirty=False)
    whole = run_result.model_copy(update={"machine": clean})
    assert "NOT" not in to_text(tables_of(whole)).split("\n\n")[0]
    changed = whole.model_copy(update={"machine": replace(clean, dirty=True), "complete": False})
    head = to_text(tables_of(changed)).split("\n\n")[0]
    assert "NOT OF A REVISION: measured with changes since 0123456789ab" in head
    assert "NOT COMPLETE" in head
