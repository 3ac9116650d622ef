"""How good a restored picture is, against the true one."""

from inpaint_bench.quality.scores import Pixels, mean_score, score
from inpaint_bench.schema.quality import Score

__all__ = ["Pixels", "Score", "mean_score", "score"]
