"""Sends a server twice as many requests as it can answer, and writes what came of each.

    .venv/bin/python benchmarks/repeat/serve_load.py -o benchmarks/results/serve-load-NAME.json

Requests are sent when their time has come, whether or not earlier ones are answered, as those of
people who know nothing of each other. Each restores a drawn picture under a mask.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import click
import cv2
import httpx2

from inpaint_bench.schema import write_result
from inpaint_bench.schema.common import percentiles
from inpaint_bench.schema.results import SdkResult, SdkRow
from inpaint_eval.drawn import draw_mask, draw_picture
from inpaint_eval.pictures import Ratio
from inpaint_eval.scores import Pixels
from repeat.serving import server

SIDE = 128
MODEL = "photo"
QUEUE = 8
CAPACITY_REQUESTS = 100
LOST = "no answer"
MEMORY_GROWTH_MB = 64
BAR = (
    "every request is answered, by 200 or by 429 or 503 with Retry-After; memory at the end is at "
    f"most {MEMORY_GROWTH_MB} MB above that at the start"
)


async def restore(client: httpx2.AsyncClient, files: dict[str, bytes]) -> tuple[str, float]:
    """What a request was answered, and after how many milliseconds."""
    started = time.perf_counter()
    try:
        answer = await client.post(f"/v1/restore?model={MODEL}", files=files)
        status = str(answer.status_code)
        if answer.status_code in (429, 503) and "retry-after" not in answer.headers:
            status += " without Retry-After"
    except httpx2.HTTPError as error:
        status = f"{LOST}: {type(error).__name__}"
    return status, 1e3 * (time.perf_counter() - started)


async def measure_capacity(client: httpx2.AsyncClient, files: dict[str, bytes]) -> float:
    """Requests a second, with always one waiting while another is worked on."""
    left = iter(range(CAPACITY_REQUESTS))

    async def one_by_one() -> None:
        for _ in left:
            status, _ = await restore(client, files)
            if status != "200":
                raise click.ClickException(f"a request of few was answered by {status}")

    started = time.perf_counter()
    await asyncio.gather(one_by_one(), one_by_one())
    return CAPACITY_REQUESTS / (time.perf_counter() - started)


async def memory_mb(client: httpx2.AsyncClient) -> float:
    told = (await client.get("/metrics")).text
    found = re.search(r"^process_resident_memory_bytes (\S+)$", told, re.MULTILINE)
    assert found is not None
    return round(float(found[1]) / 1e6, 1)


async def measure(address: str, requests: int, factor: float) -> dict[str, Any]:
    mask = draw_mask("strokes", SIDE, SIDE, Ratio(10, 20))
    files = {"image": _png(draw_picture(SIDE, SIDE)), "mask": _png(mask)}
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=64)
    async with httpx2.AsyncClient(base_url=address, timeout=300, limits=limits) as client:
        capacity = await measure_capacity(client, files)
        memory = [await memory_mb(client)]
        rate, started, sent = factor * capacity, time.perf_counter(), []
        for number in range(requests):
            await asyncio.sleep(started + number / rate - time.perf_counter())
            sent.append(asyncio.create_task(restore(client, files)))
            if number == requests // 2:
                memory.append(await memory_mb(client))
        answers = await asyncio.gather(*sent)
        seconds = time.perf_counter() - started
        memory.append(await memory_mb(client))
    statuses = Counter(status for status, _ in answers)
    return {
        "size": [SIDE, SIDE],
        "requests": requests,
        "queue": QUEUE,
        "capacity_per_second": round(capacity, 2),
        "sent_per_second": round(requests / seconds, 2),
        "answers": dict(sorted(statuses.items())),
        "milliseconds": {
            status: percentiles([ms for each, ms in answers if each == status])
            for status in sorted(statuses)
        },
        "memory_mb": {"start": memory[0], "half": memory[1], "end": memory[2]},
    }


def _png(pixels: Pixels) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--requests", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--factor", type=float, default=2.0, show_default=True, help="Of the capacity.")
@click.option("--remarks", default="", help="What else there is to know of the machine.")
def main(output: Path, requests: int, factor: float, remarks: str) -> None:
    result = SdkResult.begin(remarks, kind="sdk", rows={})
    with server("--model", MODEL, "--queue", str(QUEUE)) as (_, address):
        while httpx2.get(f"{address}readyz").status_code != 200:
            time.sleep(0.1)
        figures = asyncio.run(measure(address, requests, factor))
    row = SdkRow(bar=BAR, figures=figures)
    write_result(result.with_more(rows={"serve-load": row}), output)
    click.echo(row.model_dump_json(indent=1))


if __name__ == "__main__":
    main()
