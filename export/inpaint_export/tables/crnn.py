"""The survey's table 5: distorted pictures, and what recurrence adds to a U-Net."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from inpaint_eval.cost import read_network
from inpaint_eval.scores import Pixels, mean_score, score
from inpaint_eval.timing import time_in_turns
from inpaint_export.data.distortions import FIXED
from inpaint_export.evaluation import distorted_pairs
from inpaint_export.models.crnn import Crnn, CrnnConfig
from inpaint_export.onnx_export import export_model
from inpaint_export.recipes import load_recipe
from inpaint_export.runtime import random_run
from inpaint_export.tables.base import (
    Row,
    TableOptions,
    Variant,
    finish_table,
    markdown,
    open_table,
    published_rows,
    train_variant,
)
from inpaint_export.tables.denoisers import PEERS, at_its_best
from inpaint_sdk import Restorer
from inpaint_sdk.models.zoo import MODELS, open_model

SIDE = 512
"""Of the square picture that costs and times are for, in pixels."""

TUNED_ON = 4
"""Every so many of the pictures choose the settings of the peers."""

BLOCKS = 20

VARIANTS = (
    Variant("U-Net alone", "unet", lambda: Crnn(CrnnConfig(shallow="none", deep="none"))),
    Variant("recurrence on deep features", "deep", lambda: Crnn(CrnnConfig(shallow="none"))),
    Variant("recurrence on both, scans", "scan", Crnn),
    Variant("recurrence on both, GRU", "gru", lambda: Crnn(CrnnConfig(shallow="gru", deep="gru"))),
)

PUBLISHED = (
    ("deep reinforcement learning and GAN", 27.58, 0.965),
    ("CNN + GAN", 27.92, 0.959),
    ("CRNN", 28.09, 0.961),
)

Pairs = dict[str, list[tuple[Pixels, Pixels]]]


def make_table(name: str, options: TableOptions) -> str:
    """See :func:`inpaint_export.tables.make_table`."""
    options = open_table(name, options)
    pairs = {kind: distorted_pairs(options.data / "photos" / "kodak24", kind) for kind in FIXED}
    rows = [
        Row(
            "distorted input",
            _figures({kind: [b for b, _ in pairs[kind]] for kind in pairs}, pairs),
        )
    ]
    rows += _peers(pairs)
    with tempfile.TemporaryDirectory() as folder:
        rows += _networks(pairs, options, Path(folder))
    published = published_rows(PUBLISHED, "data not named")
    return finish_table(
        name,
        options,
        markdown("Table 5: distorted pictures, kodak24", rows),
        rows,
        _notes(options),
        published,
    )


def _notes(options: TableOptions) -> str:
    return (
        "Mean PSNR over kodak24 (24 photographs of 500x500) under fixed distortions: Gaussian "
        "noise of 25 of 255; JPEG of quality 20; blur of 1 pixel, noise of 10, JPEG of quality 50; "
        "none. SSIM is scikit-image's. Peers at the best of their settings for each distortion, "
        "chosen on a quarter of these pictures. The trained variants had "
        f"{options.steps} steps on the same items; `clean` is the model that is shipped. Costs and "
        f"times: of one picture of {SIDE}x{SIDE}; of networks, median of one run in ONNX Runtime "
        f"with {options.threads} threads.\n"
    )


def _figures(restored: dict[str, list[Pixels]], pairs: Pairs) -> dict[str, float]:
    figures, ssim = {}, 0.0
    for kind, pictures in restored.items():
        mean = mean_score(
            score(picture, clear, None)
            for picture, (_, clear) in zip(pictures, pairs[kind], strict=True)
        )
        figures[kind] = mean.psnr
        ssim = mean.ssim if kind == "mixture" else ssim
    return {**figures, "mixture, SSIM": ssim}


def _peers(pairs: Pairs) -> Iterator[Row]:
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    for peer in tqdm(PEERS, desc="peers", unit="method"):
        chosen = {kind: at_its_best(peer, pairs[kind][::TUNED_ON]) for kind in pairs}
        restored = {kind: [chosen[kind](bad) for bad, _ in pairs[kind]] for kind in pairs}
        run = partial(chosen["mixture"], picture)
        times = time_in_turns({peer.name: run}, blocks=3)[peer.name]
        yield Row(peer.name, _figures(restored, pairs), milliseconds=times.p50)


def _networks(pairs: Pairs, options: TableOptions, folder: Path) -> Iterator[Row]:
    shipped = load_recipe("clean")
    # From nothing, on crops as long as those that the shipped model ends with, and with as short a
    # warm-up: the first training's takes a third of 600 steps.
    recipe = replace(shipped, objective=load_recipe("clean-crops").objective, start=None)
    files = {}
    for variant in VARIANTS:
        model = train_variant(variant, recipe, options)
        files[variant.method] = folder / f"{variant.folder}.onnx"
        export_model(model, recipe, files[variant.method])
    ours = f"ours: `{shipped.name}`"
    files[ours] = MODELS / f"{shipped.name}.onnx"
    runs = {method: random_run(path, SIDE, SIDE, options.threads) for method, path in files.items()}
    times = time_in_turns(runs, blocks=BLOCKS)
    for method, path in tqdm(files.items(), desc="networks", unit="method"):
        restorer = Restorer.load(path, threads=options.threads)
        restored = {kind: [restorer.restore(bad) for bad, _ in pairs[kind]] for kind in pairs}
        cost = read_network(open_model(path), SIDE, SIDE)
        yield Row(
            method,
            _figures(restored, pairs),
            cost.parameters,
            cost.multiply_adds,
            times[method].p50,
        )
