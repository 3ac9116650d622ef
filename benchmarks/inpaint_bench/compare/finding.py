"""What a comparison says."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from inpaint_eval.timing import Interval


class Verdict(Enum):
    """Whether B is worse than A, beyond the interval and the tolerance."""

    WORSE = "WORSE"
    BETTER = "better"
    SAME = "same"


@dataclass(frozen=True)
class Finding:
    """One figure of one candidate under the same circumstances in A and in B.

    change: B over A for times, B less A for quality; None where B failed.
    """

    subject: str
    candidate: str
    figure: str
    a: float | None
    b: float | None
    change: Interval | None
    verdict: Verdict
    note: str = ""


@dataclass
class Comparison:
    """notes: what a reader must know before the findings. unmatched: what only one file has."""

    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)

    @property
    def worse(self) -> list[Finding]:
        """The regressions."""
        return [f for f in self.findings if f.verdict is Verdict.WORSE]
