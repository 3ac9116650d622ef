"""The quality benchmark: every candidate on the same pictures under the same masks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from inpaint_bench.errors import CannotRunError
from inpaint_bench.executors import Frame, Order, open_executor
from inpaint_bench.run import digest, file_ids
from inpaint_bench.schema import resume, write_result
from inpaint_bench.schema.common import CandidateKey
from inpaint_bench.schema.results import Group, QualityResult, QualityRow, Sample
from inpaint_eval.drawn import draw_mask
from inpaint_eval.perceptual import PerceptualDistance, is_available
from inpaint_eval.pictures import Ratio, assign, hole_ratio, list_pairs, list_pictures, read_picture
from inpaint_eval.scores import Distance, Pixels, Score, mean_score, score
from inpaint_sdk import InpaintError

DAMAGED = CandidateKey(kind="peer", name="damaged", source="", backend="none", precision="uint8")
"""The picture as it came, which every model without a mask must be better than."""


@dataclass(frozen=True)
class Item:
    """One measurement: the picture as it is damaged and as it should be; mask None for pairs."""

    sample: Sample
    damaged: Pixels
    truth: Pixels
    mask: Pixels | None


Restore = Callable[[Item], Pixels]
"""A candidate: what it makes of an item."""


@dataclass(frozen=True)
class GroupPlan:
    """mask_kind: a folder's name, a drawn kind, or ``none`` for pairs. items: opened on demand."""

    mask_kind: str
    holes: str | None
    items: Callable[[], Iterator[Item]]


def with_masks(pictures: Path, masks: Path, holes: str, limit: int | None) -> GroupPlan:
    """Pictures of a folder under masks of another, assigned as :func:`assign` does."""

    def items() -> Iterator[Item]:
        for s in islice(assign(pictures, masks, Ratio.parse(holes)), limit):
            yield _item(s.picture_path.name, s.mask_path.name, s.picture, s.picture, s.mask)

    return GroupPlan(masks.name, holes, items)


def with_drawn_masks(pictures: Path, kind: str, holes: str, limit: int | None) -> GroupPlan:
    """Pictures of a folder under drawn masks; the seed is the picture's place in the folder."""

    def items() -> Iterator[Item]:
        for index, path in enumerate(list_pictures(pictures)[:limit]):
            picture = read_picture(path)
            height, width = picture.shape[:2]
            mask = draw_mask(kind, height, width, Ratio.parse(holes), seed=index)
            yield _item(path.name, f"{kind} {index}", picture, picture, mask)

    return GroupPlan(kind, holes, items)


def with_pairs(folder: Path, limit: int | None) -> GroupPlan:
    """Pairs ``cloudy/NAME`` and ``clear/NAME``, for models that take no mask."""

    def items() -> Iterator[Item]:
        for pair in list_pairs(folder)[:limit]:
            damaged, clear = read_picture(pair.damaged), read_picture(pair.clear)
            yield _item(pair.damaged.name, None, damaged, clear, None)

    return GroupPlan("none", None, items)


def measure_quality(
    groups: Sequence[GroupPlan],
    candidates: Sequence[CandidateKey],
    pictures: str,
    output: Path,
    *,
    threads: int,
    gallery: Path | None = None,
    remarks: str = "",
) -> QualityResult:
    """Measures what is missing in ``output``, and writes it there after every group.

    The perceptual distance is measured where it is available.

    gallery: folder for pictures of the worst and the median case of each group.

    Raises:
        BenchError: ``output`` is complete, of something else, or was begun on another machine.
        KeyboardInterrupt: the groups that were finished are in ``output``.
    """
    fresh = QualityResult.begin(
        remarks,
        kind="quality",
        pictures=pictures,
        candidates=list(candidates),
        files=file_ids(candidates),
        groups=[],
        complete=False,
    )
    result = resume(output, fresh, same=("candidates", "pictures"))
    restorers: dict[str, Restore] = {}
    failed: dict[str, str] = {}
    for candidate in candidates:
        try:
            restorers[candidate.label] = _open(candidate, threads)
        except CannotRunError as error:
            failed[candidate.label] = str(error)
    done = {(group.mask_kind, group.holes) for group in result.groups}
    distance = PerceptualDistance(threads=threads) if is_available() else None
    for plan in groups:
        if (plan.mask_kind, plan.holes) not in done:
            measured = _measure_group(plan, candidates, restorers, failed, distance, gallery)
            all_done = [*result.groups, measured]
            result = result.with_more(groups=all_done, complete=len(all_done) == len(groups))
            write_result(result, output)
    return result


def _open(candidate: CandidateKey, threads: int) -> Restore:
    if candidate == DAMAGED:
        return lambda item: item.damaged
    executor = open_executor(Order(candidate, "call", threads, batch=1))
    if not executor.restores:
        raise CannotRunError(
            "it restores nothing; inpaint-export eval --film says how well it finds damage"
        )

    def restore(item: Item) -> Pixels:
        mask = np.zeros(item.damaged.shape[:2], np.uint8) if item.mask is None else item.mask
        fed = executor.feed(Frame((item.damaged,), (mask,)))
        return executor.pictures(executor.infer(fed))[0]

    return restore


def _measure_group(
    plan: GroupPlan,
    candidates: Sequence[CandidateKey],
    restorers: Mapping[str, Restore],
    failed: Mapping[str, str],
    distance: Distance | None,
    gallery: Path | None,
) -> Group:
    samples: list[Sample] = []
    scores: dict[str, list[Score]] = {label: [] for label in restorers}
    reasons = dict(failed)
    for item in tqdm(plan.items(), desc=plan.mask_kind, unit="picture", disable=None):
        samples.append(item.sample)
        for label in list(scores):
            try:
                restored = restorers[label](item)
                scores[label].append(score(restored, item.truth, item.mask, distance))
            except (CannotRunError, InpaintError) as error:
                reasons[label] = f"{item.sample.picture}: {error}"
                del scores[label]
    if gallery is not None and scores:
        _fill_gallery(plan, scores, restorers, gallery)
    rows = [
        QualityRow(candidate=label, status="failed", reason=reasons[label])
        if label in reasons
        else QualityRow(
            candidate=label, status="measured", mean=mean_score(scores[label]), scores=scores[label]
        )
        for label in (c.label for c in candidates)
    ]
    return Group(mask_kind=plan.mask_kind, holes=plan.holes, samples=samples, rows=rows)


def _fill_gallery(
    plan: GroupPlan, scores: Mapping[str, list[Score]], restorers: Mapping[str, Restore], to: Path
) -> None:
    """The worst and the median case by the first candidate, restored once more."""
    first = next(iter(scores.values()))
    decibels = [s.psnr if s.psnr_hole is None else s.psnr_hole for s in first]
    order = np.argsort(decibels, kind="stable")
    name = "-".join(part for part in (plan.mask_kind, plan.holes) if part).replace(" ", "-")
    for case, index in (("worst", order[0]), ("median", order[len(order) // 2])):
        item = next(islice(plan.items(), int(index), None))
        damaged = item.damaged.copy()
        if item.mask is not None:
            damaged[item.mask > 0] = 255
        restored = {label: restorers[label](item) for label in scores}
        pictures = {"damaged": damaged, **restored, "true": item.truth}
        write_strip(to / f"{name}-{case}.jpg", pictures)


def _item(
    name: str, mask_name: str | None, damaged: Pixels, truth: Pixels, mask: Pixels | None
) -> Item:
    sample = Sample(
        picture=name,
        mask=mask_name,
        hole_percent=None if mask is None else round(hole_ratio(mask), 2),
        size=(damaged.shape[0], damaged.shape[1]),
        sha256=digest([damaged, truth if mask is None else mask])[:16],
    )
    return Item(sample, damaged, truth, mask)


def write_strip(path: Path, pictures: Mapping[str, Pixels], side: int = 256) -> None:
    """Writes pictures of one size, uint8 BGR, side by side as JPEG, each under its name.

    side: of each, at most.
    """
    columns = []
    for name, picture in pictures.items():
        height, width = picture.shape[:2]
        scale = min(1.0, side / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        caption = np.full((24, size[0], 3), 255, np.uint8)
        cv2.putText(caption, name, (2, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
        columns.append(np.vstack([caption, small]))
    path.parent.mkdir(parents=True, exist_ok=True)
    _, data = cv2.imencode(".jpg", np.hstack(columns), [cv2.IMWRITE_JPEG_QUALITY, 90])
    path.write_bytes(data.tobytes())
