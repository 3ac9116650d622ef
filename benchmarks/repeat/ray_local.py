"""Restores a folder on a Ray cluster of this machine while one of its two workers is killed.

    .venv/bin/python benchmarks/repeat/ray_local.py -o benchmarks/results/ray-local.json

Draws pictures and masks, and restores them three times: by ``inpaint-sdk restore`` alone, in one
thread; with ``--ray`` on a head without a CPU and two nodes with one each; and so again, where a
node is killed, with the process that restores there, when a third of the results are there. One
picture is damaged. The file says how long each took and what became of the pictures. It needs the
extras ``ray`` and ``bench``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import cv2
import psutil
from ray.cluster_utils import Cluster

from inpaint_bench.schema import write_result
from inpaint_bench.schema.sdk import SdkResult, SdkRow
from inpaint_eval.drawn import draw_mask, draw_picture
from inpaint_eval.pictures import Ratio

COMMAND = (sys.executable, "-m", "inpaint_sdk", "restore", "pictures", "--mask", "masks")
DAMAGED = "damaged.png"
BAR = "every picture restored once, none lost, nothing else left behind"
ACTOR = "ray::MapWorker"


def main() -> None:
    """Measures, and writes the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=48)
    parser.add_argument("--size", type=int, default=512, help="height and width")
    parser.add_argument("--folder", type=Path, help="for pictures and results  [default: deleted]")
    parser.add_argument("--remarks", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        draw(folder, given.pictures, given.size)
        result = SdkResult.begin(given.remarks, kind="sdk", rows={})
        rows = {"folder": measure(folder, "folder", ("--threads", "1"))}
        with cluster() as (address, _):
            rows["ray"] = measure(folder, "ray", ("--ray", address))
        with cluster() as (address, kill):
            rows["ray-killed"] = measure(folder, "ray-killed", ("--ray", address), kill)
    rows = {name: row | {"size": [given.size] * 2} for name, row in rows.items()}
    done = {name: SdkRow(bar=BAR, figures=figures) for name, figures in rows.items()}
    write_result(result.with_more(rows=done), given.output)


def draw(folder: Path, count: int, size: int) -> None:
    """Pictures and masks by the same names, and a file that is no picture."""
    for name in ("pictures", "masks"):
        (folder / name).mkdir(parents=True)
    for index in range(count):
        name = f"{index:04}.png"
        cv2.imwrite(str(folder / "pictures" / name), draw_picture(size, size, index))
        mask = draw_mask("strokes", size, size, Ratio(5, 15), index)
        cv2.imwrite(str(folder / "masks" / name), mask)
    (folder / "pictures" / DAMAGED).write_bytes(b"\x89PNG, cut short")
    cv2.imwrite(str(folder / "masks" / DAMAGED), mask)


@contextmanager
def cluster() -> Iterator[tuple[str, Callable[[], None]]]:
    """The address of a cluster with two nodes that restore, and what kills one of them."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    try:
        nodes = [made.add_node(num_cpus=1) for _ in range(2)]
        yield made.address, lambda: made.remove_node(nodes[0], allow_graceful=False)
    finally:
        made.shutdown()


def measure(
    folder: Path, name: str, options: tuple[str, ...], kill: Callable[[], None] | None = None
) -> dict[str, Any]:
    """Restores the folder, and looks on. kill: is called when a third is done."""
    output, count = folder / name, len(list((folder / "masks").iterdir())) - 1
    command = [*COMMAND, "-o", name, *options]
    versions: dict[str, set[int]] = {}
    killed_after, peak, first = None, 0.0, None
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE)
    while process.poll() is None:
        for path in output.glob("*.png"):
            with suppress(FileNotFoundError):
                versions.setdefault(path.name, set()).add(path.stat().st_ino)
        if versions and first is None:
            first = time.perf_counter()
        if kill is not None and killed_after is None and len(versions) >= count / 3:
            kill()
            killed_after = len(versions)
        peak = max(peak, worker_megabytes(process.pid))
        time.sleep(0.1)
    ended = time.perf_counter()
    said = process.stdout.read() if process.stdout else ""
    names = {path.name for path in output.iterdir()}
    expected = {path.name for path in (folder / "masks").iterdir()} - {DAMAGED}
    return {
        "pictures": count,
        "damaged_pictures": 1,
        "workers": 2 if "--ray" in options else 1,
        "seconds": round(ended - started, 2),
        "seconds_to_the_first": round((first or ended) - started, 2),
        "pictures_per_second": round((count - 1) / (ended - (first or started)), 3),
        "worker_megabytes": round(peak),
        "killed_after": killed_after,
        "restored": len(names & expected),
        "lost": len(expected - names),
        "written_again": sum(len(seen) > 1 for seen in versions.values()),
        "left_behind": len(names - expected),
        "exit_code": process.returncode,
        "said": said.splitlines()[-1:],
    }


def worker_megabytes(command: int) -> float:
    """The largest resident memory of a process that restores: an actor, or else the command."""
    sizes = [0.0]
    for process in psutil.process_iter(["pid", "name", "cmdline"]):
        with suppress(psutil.Error):
            title = (process.info["cmdline"] or [""])[0]
            if title.startswith(ACTOR) or process.info["pid"] == command:
                sizes.append(process.memory_info().rss / 1e6)
    return max(sizes)


if __name__ == "__main__":
    main()
