"""Tables that are generated, and that those in the repository are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from inpaint_bench.errors import BenchError
from inpaint_bench.tables import fill_tables
from inpaint_eval.machine.describe import git
from support.bench import Bench, Measured

ROOT = Path(__file__).parents[2]

RESULTS = ROOT / "benchmarks" / "results"

MARKDOWN = ["README.md", "benchmarks/README.md", "docs/*.md", "docs/models/*.md"]


def with_tables() -> list[str]:
    """Markdown files that hold a generated table."""
    paths = [path for pattern in MARKDOWN for path in sorted(ROOT.glob(pattern))]
    return [str(p.relative_to(ROOT)) for p in paths if "<!-- inpaint-bench:" in p.read_text()]


def as_of_head(path: Path, **changes: object) -> None:
    """Makes a result that was measured by a test one of the last commit, unless changes differ."""
    document = json.loads(path.read_text())
    revision = git("rev-parse", "HEAD")
    document["machine"] |= {"revision": revision, "dirty": False, **changes}
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("name", with_tables())
def test_the_tables_are_those_of_the_committed_results(name: str) -> None:
    """``make tables`` writes them."""
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    assert fill_tables(text, path.parent) == text


def test_a_readme_is_filled(bench: Bench, measured: Measured, tmp_path: Path) -> None:
    shutil.copy(measured.folder / "run.json", tmp_path / "r.json")
    shutil.copy(measured.folder / "quality.json", tmp_path / "q.json")
    assert bench("roofline", "--sizes", "64", "-o", tmp_path / "f.json").exit_code == 0
    for name in "rqf":
        as_of_head(tmp_path / f"{name}.json")
    readme = tmp_path / "README.md"
    begin = "<!-- inpaint-bench: restoration quality=q.json run=r.json -->"
    bounds = "<!-- inpaint-bench: roofline roofline=f.json -->\n<!-- inpaint-bench: end -->"
    scores = "<!-- inpaint-bench: scores a=q.json -->\n<!-- inpaint-bench: end -->"
    end = "<!-- inpaint-bench: end -->"
    readme.write_text(f"Before\n{begin}\nold\n{end}\nafter\n{bounds}\n{scores}\n")
    assert "tables made anew" in bench("tables", readme).output
    text = readme.read_text()
    assert text.startswith(f"Before\n{begin}\n| holes |  | PSNR in the hole |")
    assert "| 30-40 % | **`photo`** |" in text
    assert "| 10-20 % | OpenCV Telea |" in text
    assert "old" not in text
    assert text.count("after") == 1
    assert "| `photo`, fp32 | 64x64 |" in text
    assert "| pictures (3) | masks, 30-40 % | OpenCV Telea |" in text
    assert bench("tables", readme).output == ""
    assert readme.read_text() == text


def evaluation(folder: Path, **fields: object) -> Path:
    """A result of ``inpaint-export eval``, of the last commit."""
    machine = json.loads((RESULTS / "roofline.json").read_text())["machine"]
    document = {
        "format": "inpaint-export",
        "format_version": 1,
        "kind": "quality",
        "started": "2026-01-01T00:00:00Z",
        "finished": "2026-01-01T00:00:01Z",
        "machine": machine,
        "threads": 2,
        "model": {"name": "clean", "digest": "0123456789abcdef"},
        **fields,
    }
    path = folder / "e.json"
    path.write_text(json.dumps(document))
    as_of_head(path)
    return path


ROW = {"data": "kodak24, noise", "masks": "none", "pictures": 2, "psnr_hole": None}
SCORES = {"psnr": 30.0, "ssim": 0.9, "psnr_damaged": 20.0}


def test_an_evaluation_is_drawn_from_its_file(bench: Bench, tmp_path: Path) -> None:
    """Columns in which nothing was measured are left out; the page has the same tables."""
    path = evaluation(tmp_path, rows=[{**ROW, **SCORES}, {**ROW, "psnr": 50.0, "ssim": 1.0}])
    text = "<!-- inpaint-bench: evaluation result=e.json -->\n<!-- inpaint-bench: end -->\n"
    filled = fill_tables(text, tmp_path)
    titles = "|  | pictures | PSNR as it came | PSNR restored | gain | SSIM |"
    assert titles in filled
    assert (
        "| kodak24, noise | 2 | 20.00 dB | 30.00 dB | +10.00 dB | 0.9000 |\n"
        "| kodak24, noise | 2 |  | 50.00 dB |  | 1.0000 |\n"
    ) in filled
    assert "`clean`, digest 0123456789ab; revision " in filled
    page = tmp_path / "page.html"
    assert bench("report", path, "-o", page).exit_code == 0
    assert "PSNR as it came" in page.read_text()


def test_a_detectors_worst_scenes_are_named(tmp_path: Path) -> None:
    """The first method's, whose pictures are of one scene, worst first."""
    marked = {"scans": 0.9, "hard, drawn": 0.9, "snow": 0.0021, "cracked_wall": 0.0314}
    scenes = {"undamaged": {name: {"marked": share} for name, share in marked.items()}}
    peer = {"undamaged": {"brick": {"marked": 1.0}}}
    evaluation(tmp_path, kind="film-detection", methods={"damage": scenes, "median": peer})
    text = "<!-- inpaint-bench: scenes result=e.json -->\n<!-- inpaint-bench: end -->\n"
    sentence = "Drawn undamaged scenes of which most is marked: cracked wall 3.1 %, snow 0.2 %."
    assert f"-->\n{sentence}\n<!--" in fill_tables(text, tmp_path)
    evaluation(tmp_path, rows=[{**ROW, **SCORES}])
    with pytest.raises(BenchError, match="kind scenes takes other files: no 'methods'"):
        fill_tables(text, tmp_path)


@pytest.mark.parametrize("fields", [{"kind": "walk"}, {"rows": [ROW]}])
def test_an_evaluation_that_lacks_figures_is_refused(
    tmp_path: Path, fields: dict[str, object]
) -> None:
    evaluation(tmp_path, **fields)
    text = "<!-- inpaint-bench: evaluation result=e.json -->\n<!-- inpaint-bench: end -->\n"
    with pytest.raises(BenchError, match="a table of kind evaluation takes other files"):
        fill_tables(text, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no table", "there is no table to generate"),
        ("<!-- inpaint-bench: pie q=q.json -->\n<!-- inpaint-bench: end -->", "no kind of table"),
        ("<!-- inpaint-bench: scan q=q.json -->\n<!-- inpaint-bench: end -->", "cannot read"),
        ("<!-- inpaint-bench: scan -->\n<!-- inpaint-bench: end -->", "kind scan takes other"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        fill_tables(text, tmp_path)


def test_a_table_is_of_results_of_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_bytes((RESULTS / "roofline.json").read_bytes())
    as_of_head(path)
    text = "<!-- inpaint-bench: scores a=f.json -->\n<!-- inpaint-bench: end -->\n"
    with pytest.raises(BenchError, match=r"kind scores takes other files:\n  a: .*QualityResult"):
        fill_tables(text, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dirty": True}, r"f.json was measured with changes since .*; commit them and measure"),
        ({"revision": None, "dirty": None}, r"f.json is of no known revision"),
        ({"revision": "0123456789ab"}, r"0123456789ab, which is not in this repository's history"),
    ],
)
def test_a_table_is_of_clean_revisions_that_exist(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    path = tmp_path / "f.json"
    path.write_bytes((RESULTS / "roofline.json").read_bytes())
    text = "<!-- inpaint-bench: roofline roofline=f.json -->\n<!-- inpaint-bench: end -->\n"
    as_of_head(path)
    assert "| `photo`, fp32 | 256x256 |" in fill_tables(text, tmp_path)
    as_of_head(path, **changes)
    with pytest.raises(BenchError, match=message):
        fill_tables(text, tmp_path)


def test_a_table_is_of_whole_results(run_file: Path, tmp_path: Path) -> None:
    document = json.loads(run_file.read_text())
    path = tmp_path / "r.json"
    path.write_text(json.dumps({**document, "complete": False}))
    text = "<!-- inpaint-bench: pairs run=r.json -->\n<!-- inpaint-bench: end -->\n"
    with pytest.raises(BenchError, match=r"r.json is not complete"):
        fill_tables(text, tmp_path)
