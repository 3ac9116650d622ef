"""Chooses how two results are compared."""

from __future__ import annotations

from inpaint_bench.compare.finding import Comparison
from inpaint_bench.compare.quality import compare_quality
from inpaint_bench.compare.times import compare_kernels, compare_runs
from inpaint_bench.errors import BenchError
from inpaint_bench.schema.files import Result
from inpaint_bench.schema.kernels import KernelsResult
from inpaint_bench.schema.quality import QualityResult
from inpaint_bench.schema.run import RunResult
from inpaint_bench.text.run import BUSY, BUSY_MEANS, others_cpu

TOLERANCE = 0.02
"""A change of time below this share is none, however sure it is."""


def compare(a: Result, b: Result, *, absolute: bool, tolerance: float = TOLERANCE) -> Comparison:
    """Compares B with A.

    absolute: times as they are. Otherwise they are divided by a peer's that was measured in turn
    with them, so that a machine that was slower throughout does not count.

    Raises:
        BenchError: the files are of different kinds, or of one that is not compared.
    """
    if isinstance(a, RunResult) and isinstance(b, RunResult):
        found = compare_runs(a, b, absolute, tolerance)
    elif isinstance(a, QualityResult) and isinstance(b, QualityResult):
        found = compare_quality(a, b)
    elif isinstance(a, KernelsResult) and isinstance(b, KernelsResult):
        found = compare_kernels(a, b, absolute, tolerance)
    else:
        raise BenchError(
            f"a result of {a.kind} and one of {b.kind} are not compared: both must be of run, of "
            "quality, or of kernels"
        )
    if a.machine.cpu.name != b.machine.cpu.name or a.machine.gpus != b.machine.gpus:
        found.notes.insert(0, "measured on different machines: not every change is the program's")
    for name, version in a.machine.libraries.items():
        other = b.machine.libraries.get(name)
        if version != other:
            found.notes.append(
                f"{name} {version or 'not installed'}, then {other or 'not installed'}"
            )
    for letter, result in (("A", a), ("B", b)):
        if isinstance(result, (RunResult, QualityResult)) and not result.complete:
            found.notes.append(f"{letter} is not complete")
        if isinstance(result, RunResult) and (others_cpu(result) or 0) > BUSY:
            found.notes.append(f"{letter}: {BUSY_MEANS}")
        if result.remarks:
            found.notes.append(f"{letter}: {result.remarks}")
    if not found.findings:
        raise BenchError("the two files have nothing in common that could be compared")
    return found
