"""What a reader of text lines minimises, and how it is validated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from inpaint_eval.legibility import character_error_rate
from inpaint_export.data.text_lines import CLEAN, DEGRADED, LineStyle, TextLinesDataConfig
from inpaint_export.training.objective import Batch, Objective
from inpaint_sdk.runners.ctc import decode_greedy


class LineReading(Objective):
    """Connectionist temporal classification (Graves et al., ICML 2006), for each character.

    The network gives log-probabilities [N, T, 1 + C], the blank's first; the batch's ``label`` is
    as :class:`inpaint_export.data.text_lines.TextLines` has it, divided by 255.
    """

    def losses(self, batch: Batch) -> Iterator[tuple[str, Tensor]]:
        label = (batch["label"] * 255.0).round().long()
        lengths = (label > 0).sum(dim=1)
        found = self.model(batch["image"]).float().transpose(0, 1)  # [T, N, 1 + C]
        steps = torch.full_like(lengths, found.shape[0])
        # For each character and not each line, or the shortest lines would decide everything.
        total = F.ctc_loss(found, label, steps, lengths, reduction="sum", zero_infinity=True)
        loss = total / lengths.sum()
        blank = found[..., 0].exp().mean()
        self.note(ctc=loss, blank=blank)
        yield "model", loss


@dataclass(frozen=True)
class ReadingValidationConfig:
    """Characters that are read rightly of lines in fonts that are not trained on.

    count: of lines that are clean, and as many that are degraded. every: steps between validations.
    """

    count: int = 128
    every: int = 500
    seed: int = 2026

    def open(self, root: Path) -> ReadingValidation:
        """Draws the lines; nothing is read below ``root``."""

        def lines(style: LineStyle) -> list[tuple[NDArray[np.uint8], str]]:
            config = TextLinesDataConfig(fonts="val", style=style, gentle=0, prose=0.8)
            drawn = config.open(root, seed=self.seed, length=self.count)
            return [drawn.draw(index)[:2] for index in range(self.count)]

        return ReadingValidation({"clean": lines(CLEAN), "degraded": lines(DEGRADED)})


class ReadingValidation:
    """Lines with what they say, drawn once, by what they are."""

    figure = "read_percent"

    def __init__(self, lines: Mapping[str, list[tuple[NDArray[np.uint8], str]]]) -> None:
        self.lines = lines
        self.details: Mapping[str, float] = {}
        """Of the last measurement: the character error rate in percent, by what lines are."""

    @torch.inference_mode()
    def measure(self, model: nn.Module, device: torch.device) -> float:
        """100 % less the mean of the character error rates."""
        was_training = model.training
        model.eval()
        rates = {name: 100.0 * self._rate(model, device, name) for name in self.lines}
        model.train(was_training)
        self.details = {f"{name}_cer": round(rate, 3) for name, rate in rates.items()}
        return 100.0 - float(np.mean(list(rates.values())))

    def _rate(self, model: nn.Module, device: torch.device, name: str) -> float:
        drawn = self.lines[name]
        images = torch.from_numpy(np.stack([line for line, _ in drawn]))[:, None] / 255.0
        alphabet = str(model.alphabet)
        found = [
            decode_greedy(row, alphabet).text
            for part in images.split(32)
            for row in model(part.to(device)).float().cpu().numpy()
        ]
        return character_error_rate(found, [text for _, text in drawn])
