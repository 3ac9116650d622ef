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
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import psutil
from ray.cluster_utils import Cluster

from inpaint_bench.schema import write_result
from inpaint_bench.schema.results import SdkResult, SdkRow
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
        with cluster() as (address, kill):
            options = ("--ray", address, "--workers", "2")
            rows["ray"] = measure(folder, "ray", options)
            rows["ray-killed"] = measure(folder, "ray-killed", options, kill)
    rows = {name: row | {"size": [given.size] * 2} for name, row in rows.items()}
    done = {name: SdkRow(bar=BAR, figures=figures) for name, figures in rows.items()}
    write_result(result.with_more(rows=done), given.output)


def draw(folder: Path, pictures: int, size: int) -> None:
    """Pictures and masks by the same names, and a file that is no picture."""
    for name in ("pictures", "masks"):
        (folder / name).mkdir(parents=True)
    for index in range(pictures):
        name = f"{index:04}.png"
        cv2.imwrite(str(folder / "pictures" / name), draw_picture(size, size, index))
        mask = draw_mask("strokes", size, size, Ratio(5, 15), index)
        cv2.imwrite(str(folder / "masks" / name), mask)
    (folder / "pictures" / DAMAGED).write_bytes(b"\x89PNG, cut short")
    cv2.imwrite(str(folder / "masks" / DAMAGED), mask)


@contextmanager
def cluster() -> Iterator[tuple[str, Callable[[], bool]]]:
    """The address of a cluster with two nodes that restore, and what kills one of them.

    The latter returns whether it did: it does not as long as nothing restores on that node.
    """
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})

    def kill() -> bool:
        raylet = nodes[0].all_processes["raylet"][0].process.pid
        restores = any(actor.ppid() == raylet for actor in actors())
        if restores:
            made.remove_node(nodes[0], allow_graceful=False)
        return restores

    try:
        nodes = [made.add_node(num_cpus=1) for _ in range(2)]
        yield made.address, kill
    finally:
        made.shutdown()  # type: ignore[no-untyped-call]


def measure(
    folder: Path, name: str, options: tuple[str, ...], kill: Callable[[], bool] | None = None
) -> dict[str, Any]:
    """Restores the folder, and looks on. kill: is called when a third is done."""
    output = folder / name
    expected = {path.name for path in (folder / "masks").iterdir()} - {DAMAGED}
    versions: dict[str, set[int]] = {}
    killed_after, megabytes, first = None, 0.0, None
    started = time.perf_counter()
    command = [*COMMAND, "-o", name, *options]
    process = subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE)
    for look in count():
        ended = process.poll() is not None
        for path in output.glob("*.png"):
            with suppress(FileNotFoundError):
                versions.setdefault(path.name, set()).add(path.stat().st_ino)
        if versions and first is None:
            first = time.perf_counter()
        if ended:
            break
        if kill is not None and killed_after is None and 3 * len(versions) >= len(expected):
            killed_after = len(versions) if kill() else None
        if look % 10 == 0:
            megabytes = max(megabytes, worker_megabytes(process.pid))
        time.sleep(0.05)
    stopped = time.perf_counter()
    said = process.stdout.read() if process.stdout else ""
    names = {path.name for path in output.iterdir()}
    first = stopped if first is None else first
    return {
        "pictures": len(expected),
        "damaged_pictures": 1,
        "workers": 2 if "--ray" in options else 1,
        "threads": 1,
        "seconds": round(stopped - started, 2),
        "seconds_to_the_first": round(first - started, 2),
        "pictures_per_second": round((len(expected) - 1) / (stopped - first), 3),
        "worker_megabytes": round(megabytes),
        "killed_after": killed_after,
        "restored": len(names & expected),
        "lost": len(expected - names),
        "written_again": sum(len(seen) > 1 for seen in versions.values()),
        "left_behind": len(names - expected),
        "exit_code": process.returncode,
        "said": said.splitlines()[-1:],
    }


def actors() -> Iterator[psutil.Process]:
    """Processes that restore for Ray."""
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [""])[0].startswith(ACTOR):
            yield process


def worker_megabytes(command: int) -> float:
    """The largest resident memory of a process that restores: an actor, or else the command."""
    sizes = [0.0]
    for process in (*actors(), psutil.Process(command)):
        with suppress(psutil.Error):
            sizes.append(process.memory_info().rss / 1e6)
    return max(sizes)


if __name__ == "__main__":
    main()
