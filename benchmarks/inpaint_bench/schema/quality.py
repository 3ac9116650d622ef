"""What ``inpaint-bench quality`` writes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from inpaint_bench.schema.common import CandidateKey, CandidateRow, Document, FileId, Part
from inpaint_eval.scores import Score


class Sample(Part):
    """A picture and its mask; sha256 of both. hole_percent: None where there is no mask."""

    picture: str
    mask: str | None
    hole_percent: float | None
    size: tuple[int, int]
    sha256: str


class QualityRow(CandidateRow):
    """One candidate on one group's pictures: its mean, and each sample's scores in their order."""

    mean: Score | None = None
    scores: list[Score] = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_scores(self) -> Self:
        if self.status == "measured" and (self.mean is None or not self.scores):
            raise ValueError("a measured row has scores and their mean")
        return self


class Group(Part):
    """Pictures under masks of one kind and ratio.

    mask_kind: a folder's name, or one of the drawn kinds, or ``none``. holes: like ``10-20``.
    """

    mask_kind: str
    holes: str | None
    samples: list[Sample]
    rows: list[QualityRow]

    @model_validator(mode="after")
    def _check(self) -> Self:
        for row in self.rows:
            if row.scores and len(row.scores) != len(self.samples):
                raise ValueError(
                    f"{row.candidate} has {len(row.scores)} scores for {len(self.samples)} samples"
                )
        return self

    @property
    def title(self) -> str:
        """Kind and ratio."""
        return self.mask_kind if self.holes is None else f"{self.mask_kind}, {self.holes} %"


class QualityResult(Document):
    """pictures: the folder's name. complete: false while it goes on, or was interrupted."""

    kind: Literal["quality"]
    pictures: str
    candidates: list[CandidateKey]
    files: dict[str, FileId]
    groups: list[Group]
    complete: bool
