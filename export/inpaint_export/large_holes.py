"""How well large holes are filled: what the families for them are measured by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from inpaint_eval.perceptual import PerceptualDistance, is_available
from inpaint_eval.pictures import Ratio, assign, list_pictures, read_picture
from inpaint_eval.scores import Pixels, Score, mean_score, score
from inpaint_export.errors import ExportError

Restore = Callable[[Pixels, Pixels], Pixels]
"""A method that takes a picture and its mask."""

HOLES = ("40-60 %", "box")
"""Irregular masks of these ratios, and a centred box of a quarter of the picture."""


@dataclass(frozen=True)
class Holed:
    """picture: uint8 BGR [H, W, 3]. mask: uint8 [H, W], nonzero in the hole."""

    picture: Pixels
    mask: Pixels


def holed_pictures(folder: Path, masks: Path, holes: str) -> list[Holed]:
    """A folder's pictures with one of :data:`HOLES` each, the same ones every time."""
    if holes == "box":
        pictures = [read_picture(path) for path in list_pictures(folder)]
        return [Holed(picture, centred_box(*picture.shape[:2])) for picture in pictures]
    ratio = Ratio.parse(holes.removesuffix(" %"))
    return [Holed(sample.picture, sample.mask) for sample in assign(folder, masks, ratio)]


def centred_box(height: int, width: int) -> Pixels:
    """A mask whose hole is half as high and half as wide as the picture, in its middle."""
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : height // 4 + height // 2, width // 4 : width // 4 + width // 2] = 255
    return mask


def measure_holes(restore: Restore, samples: Iterable[Holed], *, perceptual: bool = True) -> Score:
    """Means over pictures of a method.

    perceptual: with the perceptual distance, where it is available. Its network takes longer than
    most that are measured.
    """
    distance = PerceptualDistance() if perceptual and is_available() else None
    return mean_score(
        score(restore(s.picture, s.mask), s.picture, s.mask, distance) for s in samples
    )


def draw_sheet(methods: Sequence[Restore], samples: Sequence[Holed], count: int) -> Pixels:
    """So many of the pictures, evenly spread, one a row, uint8 BGR.

    Each with its hole in grey, by each method, and as it is.
    """
    rows = []
    for sample in (samples[i * len(samples) // count] for i in range(min(count, len(samples)))):
        damaged = np.where(sample.mask[..., None] > 0, np.uint8(128), sample.picture)
        made = [restore(sample.picture, sample.mask) for restore in methods]
        rows.append(np.hstack([damaged, *made, sample.picture]))
    width = max(row.shape[1] for row in rows)
    padded = [cv2.copyMakeBorder(r, 0, 0, 0, width - r.shape[1], cv2.BORDER_CONSTANT) for r in rows]
    return np.vstack(padded).astype(np.uint8, copy=False)


def code_figures(checkpoint: Path, samples: Iterable[Holed]) -> dict[str, float]:
    """What of its codebook a trained network predicts right and uses.

    Raises:
        ExportError: its network has no codebook.
        FileNotFoundError, ValueError: there is no such checkpoint, or it is not one of ours.
    """
    import torch

    from inpaint_export.recipes.data import recipe_from_data
    from inpaint_export.training.checkpoint import load_checkpoint
    from inpaint_export.training.validation import to_unit_tensor

    state = load_checkpoint(checkpoint)
    model = recipe_from_data(state["recipe"]).build()
    figures = getattr(model, "hole_figures", None)
    if figures is None:
        raise ExportError(f"{checkpoint} holds no network with a codebook: leave out --checkpoint")
    model.load_state_dict(state["ema"])
    model.eval()

    def pairs() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for sample in samples:
            height, width = (size - size % model.size_multiple for size in sample.mask.shape)
            rgb = sample.picture[:height, :width, ::-1]
            mask = np.ascontiguousarray(sample.mask[:height, :width] > 0)
            yield to_unit_tensor(rgb), torch.from_numpy(mask)[None, None].float()

    with torch.inference_mode():
        found: dict[str, float] = figures(pairs(), torch.device("cpu"))
    return found
