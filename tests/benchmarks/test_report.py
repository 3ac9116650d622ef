"""The page, in a real browser and without one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from support.bench import Bench, Measured

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

PHONE = 360
"""Width in CSS pixels."""


@pytest.fixture(scope="module")
def page(
    bench: Bench, measured: Measured, run_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Of every kind of result: two runs, quality of one's pictures, kernels, bounds, the SDK's."""
    results = [run_file, *(measured.folder / f"{name}.json" for name in ("run", "quality"))]
    committed = Path(__file__).parents[2] / "benchmarks" / "results"
    results += [path for kind in ("kernels", "sdk") for path in committed.glob(f"{kind}-*.json")]
    results.append(committed / "roofline.json")
    output = tmp_path_factory.mktemp("report") / "report.html"
    found = bench("report", *results, "--gallery", measured.folder / "gallery", "-o", output)
    assert found.exit_code == 0, found.output
    return output


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("src", "href") and value:
                self.sources.append(value)
            if name == "alt" and value:
                self.texts.append(value)


def test_the_page_needs_nothing_else(page: Path) -> None:
    found = _Page(page.read_text(encoding="utf-8"))
    assert found.sources
    assert all(source.startswith("data:image/") for source in found.sources)
    assert not {"script", "link", "iframe"} & set(found.tags)


def test_every_plot_is_there_and_says_what_it_shows(page: Path) -> None:
    texts = _Page(page.read_text(encoding="utf-8")).texts
    latency = [t for t in texts if t.startswith("share of calls within a time")]
    assert len(latency) == 3
    tradeoffs = [t for t in texts if t.startswith("quality against time")]
    assert len(tradeoffs) == 2
    assert re.search(r"photo/onnxruntime-cpu/fp32 \d+\.\d\d dB in \d+\.\d ms", tradeoffs[0])
    assert "opencv-telea" in tradeoffs[0]
    assert [t for t in texts if t.startswith("masks 10 20")] == [
        "masks 10 20 median",
        "masks 10 20 worst",
    ]


def test_the_same_results_give_the_same_page(bench: Bench, page: Path, run_file: Path) -> None:
    paths = [page.parent / f"{name}.html" for name in "ab"]
    for path in paths:
        assert bench("report", run_file, "-o", path).exit_code == 0
    assert paths[0].read_bytes() == paths[1].read_bytes()


CHECK = """
<body><iframe id="phone" style="width: {width}px; height: 800px; border: 0"></iframe><script>
const frame = document.getElementById("phone");
frame.onload = async () => {{
  const inside = frame.contentDocument;
  await Promise.all([...inside.images].map(i => i.decode().catch(() => null)));
  const found = {{
    width: inside.documentElement.clientWidth,
    content: inside.documentElement.scrollWidth,
    images: [...inside.images].map(i => [i.naturalWidth, i.getBoundingClientRect().width]),
    tables: [...inside.querySelectorAll(".wide")].map(t => t.getBoundingClientRect().right),
    letters: parseFloat(frame.contentWindow.getComputedStyle(inside.body).fontSize),
    headings: inside.querySelectorAll("h2").length,
  }};
  document.body.innerHTML = "";
  document.body.append("FOUND" + JSON.stringify(found) + "END");
}};
frame.srcdoc = {page};
</script></body>
"""


def test_a_phone_can_read_it(page: Path, tmp_path: Path) -> None:
    """The browser lays it out at a phone's width: nothing sticks out, every picture is drawn."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip(f"there is no browser here ({', '.join(BROWSERS)}): apt-get install chromium")
    text = json.dumps(page.read_text(encoding="utf-8")).replace("</", "<\\/")
    check = tmp_path / "check.html"
    check.write_text(CHECK.format(width=PHONE, page=text), encoding="utf-8")
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=20000"]
    command += ["--dump-dom", check.as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    match = re.search("FOUND(.*?)END", run.stdout, re.DOTALL)
    assert match, run.stderr[-2000:]
    found = json.loads(match[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    assert found["width"] <= PHONE
    assert found["content"] <= found["width"]
    assert all(right <= PHONE for right in found["tables"])
    assert found["letters"] >= 16
    assert len(found["images"]) == 3 + 2 + 8  # latencies, trade-offs, worst and median cases
    assert all(natural > 0 and width > 0 for natural, width in found["images"])
    assert found["headings"] >= 7
