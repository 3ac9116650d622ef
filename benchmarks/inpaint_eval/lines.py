"""Masks of thin lines, as of scratches and hairs; ``python -m inpaint_eval.lines`` draws them."""

from __future__ import annotations

from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

LINES = 6
"""In a mask: crossing it anywhere, in any direction."""


def draw_lines(height: int, width: int, pixels: int, seed: int) -> NDArray[np.uint8]:
    """A mask uint8 [height, width] of straight lines of that many pixels' width, 255 in them."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(LINES):
        start, end = (rng.uniform(0.0, 1.0, (2, 2)) * (width, height)).astype(int).tolist()
        cv2.line(mask, start, end, 255, pixels)
    return mask


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--width", type=click.IntRange(min=1), required=True, help="Of lines, in pixels.")
@click.option("--side", type=click.IntRange(min=1), default=500, help="Of masks, in pixels.")
@click.option("--count", type=click.IntRange(min=1), default=24, help="Of masks.")
def main(folder: Path, width: int, side: int, count: int) -> None:
    """Write masks of thin lines to FOLDER, the same ones each time."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        cv2.imwrite(str(folder / f"{seed:05}.png"), draw_lines(side, side, width, seed))


if __name__ == "__main__":
    main()
