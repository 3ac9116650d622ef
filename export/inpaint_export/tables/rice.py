"""The survey's tables 2 and 3: clouds removed from RICE1's and RICE2's pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from inpaint_eval.cost import count_multiply_adds, read_network
from inpaint_eval.scores import Pixels, mean_score, score
from inpaint_eval.timing import time_in_turns
from inpaint_export.errors import ExportError
from inpaint_export.evaluation import read_pairs
from inpaint_export.models.sarnn import Sarnn, SarnnConfig
from inpaint_export.models.spagan import SpaGan
from inpaint_export.models.unet import UNet
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes import load_recipe
from inpaint_export.runtime import open_session, random_run
from inpaint_export.tables.base import (
    Row,
    TableOptions,
    Variant,
    markdown,
    open_table,
    published_rows,
    train_variant,
    write_table,
)
from inpaint_sdk import Restorer
from inpaint_sdk.models.zoo import MODELS, open_model

SIDE = 256
"""Of RICE's pictures, in pixels; costs and times are for one of them."""

BLOCKS = 60

VARIANTS = (
    Variant("U-Net, no recurrence", "unet", UNet),
    Variant("one round", "one-round", lambda: Sarnn(SarnnConfig(rounds=1))),
    Variant("attention off", "no-attention", lambda: Sarnn(SarnnConfig(attention=False))),
    Variant("two rounds and attention", "whole", Sarnn),
)


@dataclass(frozen=True)
class RiceTable:
    """recipe: of the model that is shipped. published: (method, PSNR, SSIM) of the survey."""

    title: str
    recipe: str
    folder: str
    weights: str
    published: tuple[tuple[str, float, float], ...]


TABLES = {
    "rice1": RiceTable(
        title="Table 2: thin clouds, RICE1",
        recipe="cloud-thin",
        folder="rice1",
        weights="spagan_rice1.pth",
        published=(
            ("cGAN", 26.54, 0.90),
            ("CycleGAN", 25.88, 0.89),
            ("SpA-GAN", 30.23, 0.95),
            ("SARNN", 30.85, 0.96),
        ),
    ),
    "rice2": RiceTable(
        title="Table 3: thick clouds, RICE2",
        recipe="cloud-thick",
        folder="rice2",
        weights="spagan_rice2.pth",
        published=(
            ("cGAN", 25.38, 0.81),
            ("CycleGAN", 23.91, 0.79),
            ("SpA-GAN", 28.36, 0.90),
            ("SC-FEGAN", 20.22, 0.73),
            ("GMCNN", 19.21, 0.74),
            ("SARNN", 28.56, 0.91),
        ),
    ),
}


@dataclass(frozen=True)
class _Method:
    """row: its cost. restore: the picture that it gives. network: one run of it, to be timed."""

    row: Row
    restore: Callable[[Pixels], Pixels]
    network: Callable[[], object] | None


def make_table(name: str, options: TableOptions) -> str:
    """See :func:`inpaint_export.tables.make_table`."""
    table = TABLES[name]
    weights = options.weights
    if weights is None:
        raise ExportError(f"the table {name} needs --weights, for SpA-GAN's {table.weights}")
    options = open_table(name, options)
    with tempfile.TemporaryDirectory() as folder:
        methods = list(_methods(table, options, weights, Path(folder)))
        rows = _measure(methods, read_pairs(options.data / table.folder / "test"))
    rows += published_rows(table.published, "full dataset")
    text = markdown(table.title, rows) + "\n" + _notes(options)
    write_table(name, text, rows, options)
    return text


def _notes(options: TableOptions) -> str:
    return (
        f"Test parts at {SIDE}x{SIDE}, 8-bit pictures, scikit-image's SSIM. The first four trained "
        f"rows had {options.steps} steps on the same items; `cloud-thin` and `cloud-thick` are the "
        "models that are shipped. Time: median of one run of the network in ONNX Runtime with "
        f"{options.threads} threads, all methods in turn in one process.\n"
    )


def _measure(methods: list[_Method], pairs: list[tuple[Pixels, Pixels]]) -> list[Row]:
    timed = {m.row.method: m.network for m in methods if m.network is not None}
    times = time_in_turns(timed, blocks=BLOCKS)
    rows = []
    for method in tqdm(methods, desc="quality", unit="method"):
        mean = mean_score(score(method.restore(cloudy), clear, None) for cloudy, clear in pairs)
        taken = times.get(method.row.method)
        rows.append(
            replace(
                method.row,
                figures={"PSNR": mean.psnr, "SSIM": mean.ssim},
                milliseconds=None if taken is None else taken.p50,
            )
        )
    return rows


def _methods(
    table: RiceTable, options: TableOptions, weights: Path, folder: Path
) -> Iterator[_Method]:
    yield _Method(Row("cloudy input"), lambda picture: picture, None)
    recipe = load_recipe(table.recipe)
    for variant in VARIANTS:
        model = train_variant(variant, recipe, options)
        path = folder / f"{variant.folder}.onnx"
        export_model(model, recipe, path)
        yield _sdk_method(variant.method, path, options.threads)
    yield _spagan(weights / table.weights, folder / "spagan.onnx", options.threads)
    path = MODELS / f"{recipe.name}.onnx"
    yield _sdk_method(f"ours: `{recipe.name}`", path, options.threads)


def _sdk_method(name: str, path: Path, threads: int) -> _Method:
    cost = read_network(open_model(path), SIDE, SIDE)
    return _Method(
        Row(name, {}, cost.parameters, cost.multiply_adds),
        Restorer.load(path, threads=threads).restore,
        random_run(path, SIDE, SIDE, threads),
    )


def _spagan(weights: Path, path: Path, threads: int) -> _Method:
    """The comparator, by the same runtime as ours."""
    model = SpaGan.load(weights)
    example = torch.zeros(1, 3, SIDE, SIDE)
    torch.onnx.export(model, (example,), path, dynamo=True, verbose=False)
    session = open_session(path, threads=threads)

    def restore(picture: Pixels) -> Pixels:
        tensor = picture.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255.0)
        output = session.run(None, {session.get_inputs()[0].name: tensor})[0][0]
        return (output.clip(0.0, 1.0) * 255.0).round().astype(np.uint8).transpose(1, 2, 0).copy()

    parameters = sum(p.numel() for p in model.parameters())
    multiply_adds = count_multiply_adds(path.read_bytes(), SIDE, SIDE)
    row = Row("SpA-GAN, released weights", {}, parameters, multiply_adds)
    return _Method(row, restore, random_run(path, SIDE, SIDE, threads))
