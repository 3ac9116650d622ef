"""What the tables of large holes share: where methods are measured, and how that is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from inpaint_bench.data import Ratio
from inpaint_bench.quality import Pixels
from inpaint_bench.timing import interleaved, summarise
from inpaint_export.cost import Cost
from inpaint_export.large_holes import Holes, Sample, measure_holes, read_samples
from inpaint_export.runtime import random_run
from inpaint_export.tables.base import Row, TableOptions
from inpaint_sdk import Restorer

SIDE = 256
"""Of the square picture that costs and times are for, in pixels."""

ROUNDS = 40
WARMUP = 3

SETS: tuple[tuple[str, str, Holes], ...] = (
    ("paris", "paris", Ratio(40, 60)),
    ("paris", "paris", "box"),
    ("kodak24", "photos/kodak24", Ratio(40, 60)),
    ("kodak24", "photos/kodak24", "box"),
)
"""Pictures by name, their folder below the data root, and holes."""

SHOWN = 2
"""Pictures of each set that are drawn."""


@dataclass(frozen=True)
class Method:
    """A model file, and what its network costs on a picture of the table's size."""

    name: str
    path: Path
    cost: Cost


def measure_methods(
    methods: Sequence[Method], options: TableOptions, drawing: Path
) -> dict[str, list[Row]]:
    """Measures every method on every set, through the SDK; rows by the set's title.

    drawing: where :data:`SHOWN` pictures of each set are drawn: damaged, by each method, and true.
    """
    cv2.setNumThreads(options.threads)
    shape = (1, 3, SIDE, SIDE)
    runs = {m.name: random_run(m.path, shape, options.threads) for m in methods}
    times = interleaved(runs, rounds=ROUNDS, warmup=WARMUP)
    restorers = {m.name: Restorer.load(m.path, threads=options.threads).restore for m in methods}
    rows: dict[str, list[Row]] = {}
    drawn = []
    for name, folder, holes in SETS:
        samples = read_samples(options.data / folder, options.data / "masks", holes)
        title = f"{name}, " + ("centred box" if holes == "box" else f"holes of {holes}")
        rows[title] = []
        for method in tqdm(methods, desc=title, unit="method"):
            found = measure_holes(restorers[method.name], samples)
            figures = {
                "PSNR in the hole": found.psnr_hole,
                "SSIM": found.ssim,
                "gradients": found.gradients,
            }
            time = summarise(times[method.name]).p50
            cost = method.cost
            rows[title].append(Row(method.name, figures, cost.parameters, cost.multiply_adds, time))
        drawn += [_strip(s, list(restorers.values())) for s in samples[:: len(samples) // SHOWN]]
    _draw(drawn, drawing)
    return rows


def _strip(sample: Sample, restore: Sequence[Callable[[Pixels, Pixels], Pixels]]) -> Pixels:
    picture, mask = sample
    damaged = np.where(mask[..., None] > 0, np.uint8(255), picture)
    shown = [damaged, *(method(picture, mask) for method in restore), picture]
    size = (SIDE, SIDE)
    small = [cv2.resize(s, size, interpolation=cv2.INTER_AREA) for s in shown]
    return np.hstack(small).astype(np.uint8, copy=False)


def _draw(strips: Sequence[Pixels], path: Path) -> None:
    if not cv2.imwrite(str(path), np.vstack(strips), [cv2.IMWRITE_JPEG_QUALITY, 90]):
        raise OSError(f"cannot write {path}")
