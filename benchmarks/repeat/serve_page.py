"""Times the page of ``inpaint-sdk serve`` in Chromium, and writes what people wait for.

    .venv/bin/python benchmarks/repeat/serve_page.py -o benchmarks/results/serve-page-NAME.json

First: from the command typed to the first restored picture. Then a scan of 12 megapixels with
specks, several times: from opened to damage found, and from the button to the restored picture;
each is shown before the clock stops. Server and browser share the machine. Seconds of CPU stand
beside, since those of the clock say little of a machine that does other work. Needs Chromium and
the extra ``dev``.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import psutil
from playwright.sync_api import Page, sync_playwright

from inpaint_bench.schema import write_result
from inpaint_bench.schema.common import percentiles
from inpaint_bench.schema.results import SdkResult, SdkRow
from inpaint_eval.drawn import draw_picture
from inpaint_eval.scores import Pixels
from repeat.serving import server

FIRST = (496, 624)
SCAN = (3000, 4000)
SPECKS = 300
QUALITY = 92
PATIENCE_MS = 600_000
LOOKED = """() => document.querySelector("#kinds li") && document.querySelector("#working").hidden
    || document.querySelector("#error").textContent"""
ANSWERED = """() => !document.querySelector("#done").hidden
    || document.querySelector("#error").textContent"""
SHOWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def draw_scan(picture: Pixels) -> Pixels:
    """The picture with :data:`SPECKS` pale, soft specks, 4 to 14 pixels wide."""
    rng = np.random.default_rng(1)
    height, width = picture.shape[:2]
    specks = np.zeros((height, width), np.float32)
    for _ in range(SPECKS):
        centre = float(rng.uniform(0, width)), float(rng.uniform(0, height))
        across = float(rng.uniform(4, 14))
        axes = across, across * float(rng.uniform(0.4, 1))
        cv2.ellipse(specks, (centre, axes, float(rng.uniform(0, 180))), 1.0, -1)
    opacity = cv2.GaussianBlur(specks, (0, 0), 0.8)[..., None]
    return np.rint(picture + opacity * (238.0 - picture)).astype(np.uint8)


def write_scan(path: Path, picture: Path | None) -> None:
    if picture is None:
        pixels = draw_picture(*SCAN)
    else:
        read = cv2.imread(str(picture))
        if read is None:
            raise click.ClickException(f"{picture} is not a picture that can be read")
        pixels = cv2.resize(read, SCAN[::-1], interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    cv2.imwrite(str(path), draw_scan(pixels), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def find(page: Page, path: Path) -> float:
    """Opens a picture; seconds until what was found in it is shown."""
    started = time.perf_counter()
    page.set_input_files("#file", path)
    wait_for(page, LOOKED)
    return time.perf_counter() - started


def restore(page: Page) -> float:
    """Restores what is marked; seconds until the result is shown."""
    started = time.perf_counter()
    page.click("#restore")
    wait_for(page, ANSWERED)
    return time.perf_counter() - started


def wait_for(page: Page, condition: str) -> None:
    """Asked in each of the page's frames; Playwright asks for selectors twice a second."""
    page.wait_for_function(condition)
    if said := page.inner_text("#error"):
        raise click.ClickException(said)
    page.evaluate(SHOWN)


def cpu_seconds(*processes: psutil.Process) -> float:
    """That they took so far."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def measure_scan(page: Page, scan: Path, serving: psutil.Process, runs: int) -> dict[str, Any]:
    """Figures of a server that has its models loaded, and has restored a picture."""
    browser = [p for p in psutil.Process().children(recursive=True) if "chrom" in p.name()]
    found, restored = [], []
    before = cpu_seconds(serving), cpu_seconds(*browser)
    for _ in range(runs):
        found.append(find(page, scan))
        restored.append(restore(page))
    server_cpu, browser_cpu = cpu_seconds(serving) - before[0], cpu_seconds(*browser) - before[1]
    through = [a + b for a, b in zip(found, restored, strict=True)]
    times = {"found": found, "restored": restored, "through": through}
    return {
        "size": list(SCAN),
        "specks": SPECKS,
        "file_bytes": scan.stat().st_size,
        "runs": runs,
        "milliseconds": {
            name: percentiles([1e3 * each for each in seconds]) for name, seconds in times.items()
        },
        "server_cpu_seconds": round(server_cpu / runs, 3),
        "browser_cpu_seconds": round(browser_cpu / runs, 3),
    }


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True, help="Of the scan.")
@click.option("--threads", type=click.IntRange(1), help="Of the server.  [default: all cores]")
@click.option(
    "--picture",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="To be enlarged and specked in place of a drawn one.",
)
@click.option("--remarks", default="", help="What else there is to know of the machine.")
def main(output: Path, runs: int, threads: int | None, picture: Path | None, remarks: str) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise click.ClickException("Chromium is not installed (Debian: chromium)")
    result = SdkResult.begin(remarks, kind="sdk", rows={})
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        small, scan = Path(folder) / "small.jpg", Path(folder) / "scan.jpg"
        cv2.imwrite(str(small), draw_scan(draw_picture(*FIRST)))
        write_scan(scan, picture)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        options = () if threads is None else ("--threads", str(threads))
        started = time.perf_counter()
        with server(*options) as (serving, address):
            page.goto(address)
            find(page, small)
            restore(page)
            first = {"size": list(FIRST), "seconds": round(time.perf_counter() - started, 2)}
            figures = measure_scan(page, scan, serving, runs)
        browser.close()
    rows = {
        "page-first": SdkRow(bar="seconds from the command typed < 5", figures=first),
        "page-scan": SdkRow(bar="milliseconds.through.p50 < 3000 on two cores", figures=figures),
    }
    write_result(result.with_more(rows=rows), output)
    for row in rows.values():
        click.echo(row.model_dump_json(indent=1))


if __name__ == "__main__":
    main()
