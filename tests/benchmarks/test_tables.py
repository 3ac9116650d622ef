"""Tables that are generated, and that those in the repository are."""

from __future__ import annotations

from pathlib import Path

import pytest

from inpaint_bench.errors import BenchError
from inpaint_bench.tables import fill_tables
from support.bench import QUICK, Bench

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["README.md", "benchmarks/README.md"])
def test_the_tables_are_those_of_the_committed_results(name: str) -> None:
    """``make tables`` writes them."""
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    assert fill_tables(text, path.parent) == text


def test_a_readme_is_filled_and_checked(
    bench: Bench, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    pictures, masks = folders
    data = ["--pictures", pictures, "--masks", masks, "--peers", "opencv-telea"]
    speed = [*data, "--sizes", "own", "--holes", "10-20,30-40", *QUICK]
    assert bench("run", *speed, "-o", tmp_path / "r.json").exit_code == 0
    assert bench("quality", *data, "-o", tmp_path / "q.json").exit_code == 0
    assert bench("floor", "--sizes", "64", "-o", tmp_path / "f.json").exit_code == 0
    readme = tmp_path / "README.md"
    begin = "<!-- inpaint-bench: restoration quality=q.json run=r.json -->"
    floors = "<!-- inpaint-bench: floors floor=f.json -->\n<!-- inpaint-bench: end -->"
    readme.write_text(f"Before\n{begin}\nold\n<!-- inpaint-bench: end -->\nafter\n{floors}\n")
    assert bench("tables", "--check", readme).exit_code == 1
    assert "old" in readme.read_text()
    assert bench("tables", readme).exit_code == 0
    text = readme.read_text()
    assert text.startswith(f"Before\n{begin}\n| holes |  | PSNR in the hole |")
    assert "| 30-40 % | **`photo`** |" in text
    assert "| 10-20 % | OpenCV Telea |" in text
    assert "old" not in text
    assert text.count("after") == 1
    assert "| `photo`, fp32 | 64x64 |" in text
    assert bench("tables", "--check", readme).exit_code == 0
    readme.write_text(text.replace("OpenCV Telea", "OpenCV"))
    found = bench("tables", "--check", readme)
    assert found.exit_code == 1
    assert "+| 10-20 % | OpenCV Telea |" in found.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no table", "there is no table to generate"),
        ("<!-- inpaint-bench: pie q=q.json -->\n<!-- inpaint-bench: end -->", "no kind of table"),
        ("<!-- inpaint-bench: scan q=q.json -->\n<!-- inpaint-bench: end -->", "cannot read"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        fill_tables(text, tmp_path)
