"""The survey's table 5: distorted pictures, and what recurrence adds to a U-Net."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from inpaint_eval.scores import Pixels
from inpaint_export.data.distortions import FIXED
from inpaint_export.evaluation import Pair, distorted_pairs, score_pairs
from inpaint_export.models.crnn import Crnn, CrnnConfig
from inpaint_export.noise.denoisers import PEERS, at_its_best
from inpaint_export.recipes import load_recipe
from inpaint_export.survey.base import Published, Row, Table, TableOptions, timed_rows
from inpaint_export.survey.cases import Case, write_cases
from inpaint_export.survey.comparators.deblur_gan import DeblurAdversarial, DeblurGan
from inpaint_export.survey.comparators.toolchain import ReinforcedAdversarial, Toolchain
from inpaint_export.survey.networks import (
    Comparator,
    Variant,
    bundled_models,
    network_rows,
    timing_note,
    train_variants,
)
from inpaint_export.training.cleaning import Cleaning

SIDE = 512
"""Of the square picture that costs and times are for, in pixels."""

TUNED_ON = 4
"""Every so many of the pictures choose the settings of the peers."""

VARIANTS = (
    Comparator("reinforcement learning and GAN", "toolchain", Toolchain, ReinforcedAdversarial),
    Comparator("CNN and GAN", "deblur-gan", DeblurGan, DeblurAdversarial),
    Variant("U-Net alone", "unet", partial(Crnn, CrnnConfig(shallow="none", deep="none"))),
    Variant("recurrence on deep features", "deep", partial(Crnn, CrnnConfig(shallow="none"))),
    Variant("recurrence on both, scans", "scan", Crnn),
    Variant("recurrence on both, GRU", "gru", partial(Crnn, CrnnConfig(shallow="gru", deep="gru"))),
)

Pairs = dict[str, list[Pair]]
"""By the kind of distortion."""

Restore = Callable[[Pixels], Pixels]


def _rows(options: TableOptions) -> list[Row]:
    pairs = {kind: distorted_pairs(options.data / "photos" / "kodak24", kind) for kind in FIXED}
    shipped = load_recipe("clean")
    # From nothing, where the absolute error has to come first.
    recipe = replace(shipped, objective=Cleaning)
    files = train_variants(VARIANTS, recipe, options)
    if options.only is None:
        files |= bundled_models(shipped.name)
    rows = network_rows(files, SIDE, options, lambda restore: _figures(pairs, lambda kind: restore))
    if options.only is not None:
        return rows
    if options.pictures is not None:
        write_cases(options.pictures, _cases(pairs), files, options.threads)
    unchanged = Row("distorted input", _figures(pairs, lambda kind: lambda picture: picture))
    return [unchanged, *_peer_rows(pairs), *rows]


def _cases(pairs: Pairs) -> list[Case]:
    """One picture under each of the first three distortions, each time another one."""
    chosen = [of_kind[i % len(of_kind)] for i, of_kind in enumerate(pairs.values())][:3]
    return [Case(distorted, (distorted,), clear) for distorted, clear in chosen]


def _figures(pairs: Pairs, method: Callable[[str], Restore]) -> dict[str, float]:
    """method: what restores pictures under a kind of distortion."""
    means = {kind: score_pairs(method(kind), pairs[kind]) for kind in pairs}
    figures = {kind: mean.psnr for kind, mean in means.items()}
    return {**figures, "mixture, SSIM": means["mixture"].ssim}


def _peer_rows(pairs: Pairs) -> list[Row]:
    """Peers with settings for each distortion; timed with those for the mixture."""
    chosen = {
        peer.name: {kind: at_its_best(peer, pairs[kind][::TUNED_ON]) for kind in pairs}
        for peer in PEERS
    }
    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    runs = {name: partial(by_kind["mixture"], picture) for name, by_kind in chosen.items()}
    return timed_rows(runs, lambda name: _figures(pairs, chosen[name].__getitem__))


def _notes(steps: int, threads: int) -> str:
    return (
        "Mean PSNR over kodak24 (24 photographs of 500x500) under fixed distortions: Gaussian "
        "noise of 25 of 255; JPEG of quality 20; blur of 1 pixel, noise of 10, JPEG of quality 50; "
        "none. SSIM is scikit-image's. Peers at the best of their settings for each distortion, "
        f"chosen on a quarter of these pictures. The trained variants had {steps} steps on the "
        "same items; the two with a GAN cost about as much as `photo`, which is a quarter of the "
        f"others; `clean` is the model that is shipped. {timing_note(SIDE, threads)}"
    )


TABLE = Table(
    title="Table 5: distorted pictures, kodak24",
    measure=_rows,
    notes=_notes,
    published={
        "reinforcement learning and GAN": Published("deep RL + GAN", 27.58, 0.965),
        "CNN and GAN": Published("CNN + GAN", 27.92, 0.959),
        "recurrence on both, scans": Published("CRNN", 28.09, 0.961),
    },
    published_on="the data is not named",
)
