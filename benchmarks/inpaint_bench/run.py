"""The restoration benchmark: quality and speed of models and peers on the same pictures."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from inpaint_bench.candidates import Candidate
from inpaint_bench.data import Ratio, Sample, assign, hole_ratio
from inpaint_bench.machine import describe_machine
from inpaint_bench.quality import Score, mean_score, score
from inpaint_bench.timing import interleaved, ratio_interval, summarise

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Plan:
    """What to run. rounds: timed runs of every candidate on every picture, after one warm-up."""

    pictures: Path
    masks: Path
    ratios: Sequence[Ratio]
    rounds: int
    threads: int


def run(plan: Plan, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Runs the plan and returns the result as JSON values.

    On each picture the candidates take turns; the ratio of two candidates' times is that of their
    medians over all pictures and rounds, with a bootstrap interval.
    """
    cv2.setNumThreads(plan.threads)
    result: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": describe_machine(),
        "threads": plan.threads,
        "rounds": plan.rounds,
        "pictures": plan.pictures.name,
        "sections": [],
    }
    for ratio in plan.ratios:
        result["sections"].append(_section(plan, ratio, candidates))
    return result


def _section(plan: Plan, ratio: Ratio, candidates: Sequence[Candidate]) -> dict[str, Any]:
    scores: dict[str, list[Score]] = {c.name: [] for c in candidates}
    times: dict[str, list[float]] = {c.name: [] for c in candidates}
    assignment = []
    samples = list(assign(plan.pictures, plan.masks, ratio))
    for sample in tqdm(samples, desc=f"holes {ratio}", unit="picture"):
        assignment.append(_describe(sample))
        for candidate in candidates:
            restored = candidate.restore(sample.picture, sample.mask)
            scores[candidate.name].append(score(restored, sample.picture, sample.mask))
        if plan.rounds:
            work = {c.name: lambda c=c, s=sample: c.restore(s.picture, s.mask) for c in candidates}
            for name, seconds in interleaved(work, rounds=plan.rounds, warmup=1).items():
                times[name] += seconds
    rows = []
    for candidate in candidates:
        name = candidate.name
        row: dict[str, Any] = {"name": name, **asdict(mean_score(scores[name]))}
        row["scores"] = [asdict(s) for s in scores[name]]
        if plan.rounds:
            row["milliseconds"] = asdict(summarise(times[name]))
            row["time_over"] = {
                other: dict(zip(("ratio", "low", "high"), interval, strict=True))
                for other, theirs in times.items()
                if other != name
                for interval in [ratio_interval(times[name], theirs)]
            }
        rows.append(row)
    return {"hole_ratio": str(ratio), "candidates": rows, "samples": assignment}


def _describe(sample: Sample) -> dict[str, Any]:
    return {
        "picture": sample.picture_path.name,
        "mask": sample.mask_path.name,
        "hole_percent": round(hole_ratio(sample.mask), 2),
        "size": list(sample.picture.shape[:2]),
        "sha256": hashlib.sha256(sample.picture.tobytes() + sample.mask.tobytes()).hexdigest()[:16],
    }
