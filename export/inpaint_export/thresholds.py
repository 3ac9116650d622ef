"""Thresholds of a detector's kinds, folded into its weights so that 0.5 is every kind's.

A model file has no thresholds of its own: users choose one for all kinds, 0.5 at first. Training
says for each kind from which probability on it is to be believed; the logits are shifted so that
this probability becomes 0.5. What the probabilities order stays as it was.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from inpaint_export.errors import ExportError
from inpaint_export.models.declarations import declarations
from inpaint_export.recipes.base import Recipe
from inpaint_export.training.kind_validation import KindValidationConfig

LOG_NAME = "log.jsonl"
"""Of a run's log, beside its checkpoint."""

FROM_VALIDATION = "validation"
"""What stands for the thresholds that a run's log holds."""

MEASURED = "measured"
"""What stands for thresholds that are chosen anew, on the recipe's validation pictures."""


def measure_thresholds(model: nn.Module, recipe: Recipe, data: Path | None) -> Mapping[str, float]:
    """Thresholds by kind, chosen on the recipe's validation pictures.

    Raises:
        ExportError: ``data`` is missing, or the recipe's validation chooses none.
    """
    if not isinstance(recipe.validation, KindValidationConfig):
        raise ExportError(f"the validation of {recipe.name} chooses no thresholds")
    if data is None:
        raise ExportError(f"--thresholds {MEASURED} needs --data, to measure on")
    validation = recipe.validation.open(data)
    validation.measure(model, torch.device("cpu"))
    return validation.thresholds


def fold_thresholds(model: nn.Module, thresholds: Mapping[str, float]) -> None:
    """Shifts a detector's logits, in place, by the thresholds of its kinds; others stay at 0.5.

    The network names the bias of its last layer, one value for each kind, as ``logit_bias``.

    Raises:
        ExportError: it has no such bias or kind, or a threshold is not between 0 and 1.
    """
    kinds, name = declarations(model).kinds, getattr(model, "logit_bias", None)
    if not name:
        raise ExportError(
            f"{type(model).__name__} has no logit_bias, into which thresholds could be folded"
        )
    unknown = sorted(set(thresholds) - set(kinds))
    if unknown:
        raise ExportError(
            f"there are thresholds for {', '.join(unknown)}; the network finds {', '.join(kinds)}"
        )
    bias = model.get_parameter(name)
    for kind, threshold in thresholds.items():
        if not 0.0 < threshold < 1.0:
            raise ExportError(f"the threshold of {kind} is {threshold}; it is between 0 and 1")
        with torch.no_grad():
            bias[kinds.index(kind)] -= math.log(threshold / (1.0 - threshold))


def read_thresholds(text: str, checkpoint: Path, step: int) -> dict[str, float]:
    """Thresholds by kind.

    text: like ``scratch=0.9,speck=0.95``; or ``validation``, for those of the last validation up to
    the checkpoint's step in the log beside it.

    Raises:
        ExportError: the text is neither, or there is no such log or validation.
    """
    if text == FROM_VALIDATION:
        return _from_log(checkpoint.with_name(LOG_NAME), step)
    found = {}
    for entry in text.split(","):
        kind, _, value = entry.partition("=")
        try:
            found[kind.strip()] = float(value)
        except ValueError:
            raise ExportError(
                f"thresholds are like scratch=0.9,speck=0.95 or {FROM_VALIDATION!r}, not {text!r}"
            ) from None
    return found


def _from_log(log: Path, step: int) -> dict[str, float]:
    prefix, suffix = "val_", "_threshold"
    found: dict[str, float] = {}
    if not log.is_file():
        raise ExportError(f"there is no {log}, from which thresholds could be read")
    for line in log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        chosen = {
            key.removeprefix(prefix).removesuffix(suffix): float(value)
            for key, value in entry.items()
            if key.startswith(prefix) and key.endswith(suffix)
        }
        if chosen and entry["step"] <= step:
            found = chosen
    if not found:
        raise ExportError(f"{log} has no validation with thresholds up to step {step}")
    return found
