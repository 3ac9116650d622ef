"""A speed benchmark's result."""

from __future__ import annotations

from collections.abc import Iterator

from inpaint_bench.schema.run import Case, Row, RunResult
from inpaint_bench.text.tables import Block, Heading, Table, machine_in_words, markdown, number

BUSY = 0.1
"""Share of the cores that other programs may take before a reader is warned."""

BUSY_MEANS = (
    "the machine was busy: ratios of candidates with different numbers of threads depend on that"
)

HEAD = (
    "candidate",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "pictures/s",
    "load ms",
    "first ms",
    "host MB",
    "GPU MB",
    "J/picture",
    "time over {}",
)


def describe_run(result: RunResult) -> str:
    """All of a result, the machine first."""
    return markdown(blocks(result))


def blocks(result: RunResult) -> Iterator[Block]:
    yield machine_in_words(result.machine)
    overhead = result.overhead
    yield (
        f"the loop adds {overhead.p50_microseconds:.2f} µs to a call, "
        f"{100 * overhead.share_of_5_ms:.4f} % of one of 5 ms"
    )
    others = others_cpu(result)
    if others is not None:
        yield f"other programs took up to {100 * others:.0f} % of the cores"
    if others is not None and others > BUSY:
        yield BUSY_MEANS
    throttled = sorted({t for case in result.cases for s in case.states for t in s.throttling})
    if throttled:
        yield "throttling: " + "; ".join(throttled)
    if not result.complete:
        yield "NOT COMPLETE: the same command goes on with it"
    for case in result.cases:
        yield Heading(f"{case.key} ({case.pictures} pictures, {case.hole_percent:.1f} % hole)")
        yield case_table(result, case)
        yield from _reasons(case)


def others_cpu(result: RunResult) -> float | None:
    """The largest share of the cores that other programs took at a time; None if not known."""
    states = (state for case in result.cases for state in case.states)
    return max((s.others_cpu for s in states if s.others_cpu is not None), default=None)


def reference_of(result: RunResult) -> str:
    """The candidate that others are compared with: the first peer, or the first of all."""
    peers = [c.label for c in result.plan.candidates if c.kind == "peer"]
    return peers[0] if peers else result.plan.candidates[0].label


def ratio_to(case: Case, of: str, to: str) -> tuple[float, float, float] | None:
    """How many times as long ``of`` takes as ``to``, and the interval; None if not measured."""
    for ratio in case.ratios:
        interval = ratio.ratio
        if (ratio.of, ratio.to) == (of, to):
            return interval.value, interval.low, interval.high
        if (ratio.of, ratio.to) == (to, of):
            return 1 / interval.value, 1 / interval.high, 1 / interval.low
    return None


def case_table(result: RunResult, case: Case) -> Table:
    """One case's figures."""
    reference = reference_of(result)
    head = [cell.format(reference) for cell in HEAD]
    return Table(head, [_cells(case, row, reference) for row in case.rows])


def _cells(case: Case, row: Row, reference: str) -> list[str]:
    if row.times is None:
        return [row.candidate, "failed", *[""] * (len(HEAD) - 2)]
    found = ratio_to(case, row.candidate, reference)
    over = "" if found is None else "{:.2f} ({:.2f} to {:.2f})".format(*found)
    return [
        row.candidate,
        number(row.times.p50, 2),
        number(row.times.p90, 2),
        number(row.times.p99, 2),
        number(row.pictures_per_second),
        number(row.load_ms),
        number(row.first_call_ms),
        number(row.host_peak_mb),
        number(row.device_peak_mb),
        number(None if row.energy is None else row.energy.joules_per_picture, 3),
        over,
    ]


def _reasons(case: Case) -> Iterator[str]:
    for row in case.rows:
        if row.reason:
            yield f"- {row.candidate} failed: {row.reason}"
        if row.warmup is not None and not row.warmup.settled:
            yield f"- {row.candidate}: its time had not settled after {row.warmup.seconds:g} s"
        yield from (f"- {row.candidate}: {note}" for note in row.notes)
    reasons = {row.energy_reason for row in case.rows if row.energy_reason}
    yield from (f"- no energy: {reason}" for reason in sorted(reasons))
