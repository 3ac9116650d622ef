"""Measures a model that cleans pictures: on the noise of real cameras first, beside its peers.

Everything goes through the SDK, as it will be used: blind, and at the default strength. Peers are
told what no user knows; see :mod:`inpaint_export.noise.peers`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy.stats import spearmanr
from tqdm import tqdm

from inpaint_eval.drawing import add_grain
from inpaint_eval.pictures import Pixels, list_camera_pairs, read_picture
from inpaint_eval.scores import Score, mean_score, score
from inpaint_eval.splits import list_split
from inpaint_eval.timing import ratio_of_turns, time_in_turns
from inpaint_export.data.distortions import KINDS, distort_fixed
from inpaint_export.data.noisy_photos import FAMILIES, LEFT_ALONE, draw_noisy
from inpaint_export.evaluation_file import begin_document, end_document
from inpaint_export.noise.peers import Peer, cbm3d, classical_peers, ffdnet
from inpaint_export.training.validation import spread
from inpaint_sdk import Options, Quality, Restorer
from inpaint_sdk.backends.pool import LoadedModel, ModelPool
from inpaint_sdk.models.file import read_model_file

CLEANER = "clean"
"""Name of the model that ``auto`` cleans with, in whose place stands the one that is measured."""

WORSE = 0.05
"""In dB; a picture that loses more was made worse."""

WHITE = (15, 25, 50)

GRAIN = ((3.0, 0.8), (6.0, 0.8), (6.0, 1.2))
"""Film's grain that pictures are to keep: deviation of 255, and size as ``add_grain`` has it."""

SQUARE = 192
"""Side of the middles that slow peers are measured on."""

TIMED = 512
"""Side of the picture that is timed, in pixels."""

SEED = 31

AS_IT_CAME = "as it came"

Blind = Mapping[str, Callable[[Pixels], Pixels]]


@dataclass(frozen=True)
class NoiseSizes:
    """How many pictures, at most; they are spread evenly over a folder.

    real: of real cameras. drawn: of ``photos/kodak24`` under noise that is drawn. held_out:
    undamaged ones of ``photos/more``. told: whose degradation is estimated. blocks: of the timing.
    """

    real: int = 28
    drawn: int = 24
    held_out: int = 48
    told: int = 180
    blocks: int = 9

    @classmethod
    def limited(cls, limit: int) -> NoiseSizes:
        """At most so many of each, but of the blocks, which are three at least."""
        return cls(*(max(3, min(limit, count)) for count in asdict(cls()).values()))


@dataclass
class _Tally:
    """What became of one set's pictures under one method."""

    scores: list[Score] = field(default_factory=list)
    changes: list[tuple[float, str]] = field(default_factory=list)

    def add(self, name: str, result: Pixels, truth: Pixels, before: Score) -> None:
        found = score(result, truth, None)
        self.scores.append(found)
        self.changes.append((found.psnr - before.psnr, name))

    def figures(self) -> dict[str, Any]:
        mean, worst = mean_score(self.scores), min(self.changes)
        lost = sum(change < -WORSE for change, _ in self.changes)
        return {
            "psnr": round(mean.psnr, 3),
            "ssim": round(mean.ssim, 5),
            "lowest_psnr": round(min(s.psnr for s in self.scores), 3),
            "made_worse": lost,
            "share_made_worse": round(lost / len(self.scores), 4),
            "worst_change": round(worst[0], 3),
            "worst_picture": worst[1],
        }


@dataclass(frozen=True)
class _Item:
    """A picture before and as it should be, uint8 BGR."""

    name: str
    noisy: Pixels
    truth: Pixels

    def middle(self, side: int) -> _Item:
        top, left = ((size - side) // 2 for size in self.truth.shape[:2])
        cut = slice(max(0, top), top + side), slice(max(0, left), left + side)
        noisy, truth = (np.ascontiguousarray(p[cut]) for p in (self.noisy, self.truth))
        return _Item(self.name, noisy, truth)


class _Candidate(ModelPool):
    """A pool in which one model file stands in the place of the model ``clean``."""

    def __init__(self, model_file: Path, threads: int) -> None:
        super().__init__("auto", threads=threads)
        self._model_file = model_file

    def get(self, name_or_path: str | os.PathLike[str]) -> LoadedModel:
        return super().get(self._model_file if name_or_path == CLEANER else name_or_path)


def evaluate_noise(
    model_file: Path,
    root: Path,
    weights: Path,
    *,
    threads: int,
    sizes: NoiseSizes | None = None,
    with_cbm3d: bool = False,
) -> tuple[dict[str, Any], tuple[Quality, ...]]:
    """Measures a model that cleans pictures, ``auto`` with it, and peers.

    Returns the result and rows for the model file.

    root: of the data folders; ``polyu``, ``photos/kodak24`` and ``photos/more`` are used.
    weights: folder of FFDNet's.

    Raises:
        FileNotFoundError: a folder is not there.
        ModelError: the file is no model file.
        ExportError: FFDNet's weights or CBM3D are not there.
    """
    sizes = sizes or NoiseSizes()
    begun = begin_document("cleaning", model_file, threads)
    pool = _Candidate(model_file, threads)
    restorer = Restorer(model_file, pool)
    title = read_model_file(model_file).info.name
    auto = Restorer("auto", pool, options=Options(enhance=True))
    ours: Blind = {title: restorer.restore, "auto": auto.restore}
    network = ffdnet(weights, threads)
    told = Peer("FFDNet", (network.denoise,))
    slow = [cbm3d()] if with_cbm3d else []

    real = list(_real(root, sizes.real))
    sets = {"real cameras": _measure("real cameras", real, ours, [told, *classical_peers()])}
    if slow:
        middles = [item.middle(SQUARE) for item in real]
        sets["real cameras, middles"] = _measure("middles", middles, ours, [told, *slow])
    drawn = list(_undamaged(_held_out(root, "photos/kodak24", sizes.drawn)))
    for level in WHITE:
        items = [_white(item, index, level) for index, item in enumerate(drawn)]
        known: Blind = {**ours, "FFDNet, told": partial(network.denoise, sigma=level)}
        sets[f"white noise {level}"] = _measure(f"white noise {level}", items, known, [])
    for kind in ("JPEG 20", "mixture"):
        items = [
            _Item(item.name, distort_fixed(kind, index, item.truth), item.truth)
            for index, item in enumerate(drawn)
        ]
        sets[kind] = _measure(kind, items, ours, [])
    sets["undamaged"] = _measure("undamaged", drawn, ours, [])
    more = _undamaged(_held_out(root, "photos/more", sizes.held_out))
    sets["undamaged, held out"] = _measure("undamaged, held out", list(more), ours, [])

    square = cv2.resize(drawn[0].truth, (TIMED, TIMED)).astype(np.uint8, copy=False)
    timed: Blind = {**ours, "FFDNet": partial(network.denoise, sigma=15.0)}
    document = end_document(
        begun,
        strength=Options().strength,
        data=asdict(sizes),
        sets=sets,
        grain={name: _grain(drawn, method) for name, method in ours.items()},
        degradation=_degradation(restorer, root, sizes.told),
        milliseconds=_times(square, timed, sizes.blocks),
    )
    return document, tuple(_rows(document, title))


def _measure(
    title: str, items: Sequence[_Item], blind: Blind, peers: Sequence[Peer]
) -> dict[str, Any]:
    """Figures of a set's pictures as they came, under blind methods and under peers."""
    names = (AS_IT_CAME, *blind, *(f"{peer.name}, told" for peer in peers))
    tallies = {name: _Tally() for name in names}
    for item in tqdm(items, desc=title, unit="picture", disable=None):
        before = score(item.noisy, item.truth, None)
        results = [item.noisy, *(method(item.noisy) for method in blind.values())]
        results += [peer.at_its_best(item.noisy, item.truth) for peer in peers]
        for tally, result in zip(tallies.values(), results, strict=True):
            tally.add(item.name, result, item.truth, before)
    methods = {name: tally.figures() for name, tally in tallies.items()}
    return {"pictures": len(items), "methods": methods}


def _real(root: Path, count: int) -> Iterator[_Item]:
    """One shot of a scene against the mean of many: PolyU (Xu et al., 2018)."""
    pairs = list_camera_pairs(root / "polyu")
    for pair in spread(pairs, min(count, len(pairs))):
        yield _Item(pair.damaged.stem, read_picture(pair.damaged), read_picture(pair.clear))


def _held_out(root: Path, folder: str, count: int) -> list[Path]:
    """At most so many of a folder's held-out pictures, evenly spread."""
    paths = list_split(root, folder, "held-out")
    return spread(paths, min(count, len(paths)))


def _undamaged(paths: Iterable[Path]) -> Iterator[_Item]:
    for path in paths:
        picture = read_picture(path)
        yield _Item(path.stem, picture, picture)


def _white(item: _Item, index: int, level: int) -> _Item:
    """Under Gaussian noise, as a picture of 8 bits."""
    rng = np.random.default_rng((SEED, level, index))
    noisy = item.truth + rng.normal(0.0, level, item.truth.shape)
    return _Item(item.name, np.clip(np.rint(noisy), 0, 255).astype(np.uint8), item.truth)


def _grain(items: Sequence[_Item], method: Callable[[Pixels], Pixels]) -> dict[str, float]:
    """The share of film's grain that is left, by its deviation and size.

    It is the regression of what is left on the grain itself.
    """
    shares = {}
    for number, (deviation, size) in enumerate(GRAIN):
        left = total = 0.0
        for index, item in enumerate(items):
            rng = np.random.default_rng((SEED, 7, number, index))
            grainy = add_grain(rng, item.truth, deviation / 255.0, size=size, colourful=0.0)
            grain = grainy.astype(np.float64) - item.truth
            kept = method(grainy).astype(np.float64) - item.truth
            left, total = left + float((kept * grain).sum()), total + float((grain**2).sum())
        shares[f"{deviation:g}, {size:g}"] = round(left / total, 4)
    return shares


def _degradation(restorer: Restorer, root: Path, count: int) -> dict[str, Any]:
    """Spearman's rank correlation of what was put into held-out pictures and what is told of them.

    They are drawn as training's are, with another seed. Beside it, the 95th percentile of what is
    told of pictures that are to be left alone.
    """
    if "degradation" not in restorer.model.outputs:
        return {}
    paths = _held_out(root, "photos/more", count)
    put_in, told, left_alone = [], [], []
    for index in tqdm(range(count), desc="degradation", unit="picture", disable=None):
        family = tuple(FAMILIES)[index % len(FAMILIES)]
        photo = np.ascontiguousarray(read_picture(paths[index % len(paths)])[..., ::-1])
        rng = np.random.default_rng((SEED, 9, index))
        drawn = draw_noisy(rng, photo, 256, (0.7, 1.0), family)
        found = restorer.estimate_degradation(np.ascontiguousarray(drawn.image[..., ::-1]))
        put_in.append([drawn.strength.get(kind, 0.0) for kind in KINDS])
        told.append([getattr(found, kind) for kind in KINDS])
        left_alone.append(family in LEFT_ALONE)
    ranks: dict[str, float | None] = {}
    faint: dict[str, float | None] = {}
    for kind, one, other in zip(KINDS, np.array(put_in).T, np.array(told).T, strict=True):
        varied = np.ptp(one) > 0.0 and np.ptp(other) > 0.0
        ranks[kind] = round(float(spearmanr(one, other).statistic), 4) if varied else None
        alone = other[np.array(left_alone)]
        faint[kind] = round(float(np.quantile(alone, 0.95)), 4) if len(alone) else None
    return {"pictures": count, "rank_correlation": ranks, "told_of_left_alone": faint}


def _times(picture: Pixels, methods: Blind, blocks: int) -> dict[str, Any]:
    """Median milliseconds of each method, interleaved, and how they compare with the last's."""
    work = {name: partial(method, picture) for name, method in methods.items()}
    turns = time_in_turns(work, blocks=blocks)
    *mine, last = turns
    ratios = {name: ratio_of_turns(turns, name, last) for name in mine}
    return {
        "p50": {name: round(turn.p50, 2) for name, turn in turns.items()},
        f"of {last}": {name: asdict(ratio) if ratio else None for name, ratio in ratios.items()},
    }


def _rows(document: Mapping[str, Any], title: str) -> Iterator[Quality]:
    """For the model file: each set's means."""
    for name, figures in document["sets"].items():
        mine = figures["methods"][title]
        yield Quality(name, "none", figures["pictures"], None, mine["psnr"], mine["ssim"])
