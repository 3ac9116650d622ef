"""How prints on paper break and age, drawn in place: cracks, creases, flakes, foxing, worn edges.

Lengths are pixels of pictures of about 500 pixels a side, whatever part of one is shown.
"""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_eval.drawing import (
    Canvas,
    Coverage,
    anywhere,
    brighten,
    dark,
    log_uniform,
    offsets,
    paint,
    paper,
    patch,
    ragged_noise,
    smooth_noise,
    smooth_step,
    spots,
    stored_noise,
)
from inpaint_eval.pictures import Pixels
from inpaint_export.data.print_damage import branches, network


def cracks(rng: np.random.Generator, picture: Pixels) -> None:
    """Cracks that branch or close into nets: a white core, chipped edges, a shadow on one side."""
    shape = picture.shape[0], picture.shape[1]
    core = network(rng, shape) if rng.random() < 0.4 else branches(rng, shape)
    core = cv2.max(core, _chips(rng, core)).astype(np.uint8, copy=False)
    across, down = rng.uniform(-2.0, 2.0, 2)
    shift = np.array([[1, 0, across], [0, 1, down]], np.float32)
    shadow = np.asarray(cv2.warpAffine(core, shift, shape[::-1]), np.uint8)
    strength = float(rng.uniform(0.5, 1.0))
    paint(picture, shadow, dark(rng), strength * float(rng.uniform(0.0, 0.6)))
    paint(picture, core, paper(rng), strength)


def _chips(rng: np.random.Generator, core: Coverage) -> Coverage:
    """Bits that broke off along cracks."""
    canvas = Canvas((core.shape[0], core.shape[1]))
    on_crack = np.argwhere(core > 128)
    if len(on_crack):
        count = int(rng.integers(0, 1 + min(40, len(on_crack) // 20)))
        for y, x in on_crack[rng.integers(0, len(on_crack), count)]:
            _shard(rng, canvas, np.array([x, y], np.float64), log_uniform(rng, 0.8, 3.5))
    return canvas.coverage()


def _shard(rng: np.random.Generator, canvas: Canvas, centre: np.ndarray, radius: float) -> None:
    """A small polygon with corners."""
    around = np.sort(rng.uniform(0.0, 2.0 * np.pi, int(rng.integers(4, 8))))
    reach = radius * rng.uniform(0.4, 1.3, len(around))
    canvas.polygon(centre + (reach * np.stack([np.cos(around), np.sin(around)])).T)


def creases(rng: np.random.Generator, picture: Pixels) -> None:
    """Folds straight through the sheet: a broken white line, a ridge that catches the light."""
    shape = picture.shape[0], picture.shape[1]
    for _ in range(int(rng.integers(1, 3))):
        angle = rng.choice([0.0, np.pi / 2]) if rng.random() < 0.5 else rng.uniform(0.0, np.pi)
        angle = angle + rng.normal(0.0, 0.05)
        along = np.array([np.cos(angle), np.sin(angle)])
        middle = anywhere(rng, shape)
        reach = float(sum(shape))
        steps = np.arange(-reach, reach, 6.0)[:, None]
        line = middle + steps * along + rng.normal(0.0, 0.25, (len(steps), 2))
        canvas = Canvas(shape)
        width = log_uniform(rng, 0.7, 3.0)
        canvas.ribbon(line, width * rng.uniform(0.5, 1.3, len(line)))
        broken = canvas.coverage(float(rng.uniform(-0.3, 0.6)))
        cell = log_uniform(rng, 6.0, 60.0)
        kept = smooth_step(smooth_noise(rng, shape, cell) * np.float32(2.0) + np.float32(0.7))
        broken = cv2.max((broken * kept).astype(np.uint8), _chips(rng, broken)).astype(np.uint8)
        x, y = offsets(middle, (0, 0), shape)
        across = x * np.float32(along[1]) - y * np.float32(along[0])
        soft = np.float32(log_uniform(rng, 2.0, 8.0))
        ridge = np.clip(np.float32(1.0) - np.abs(across) / (3 * soft), 0.0, 1.0) * across / soft
        brighten(picture, ridge * np.float32(rng.uniform(0.01, 0.05)))
        paint(picture, broken, paper(rng), float(rng.uniform(0.5, 1.0)))


def flakes(rng: np.random.Generator, picture: Pixels) -> None:
    """Islands of lost emulsion, with sharp edges, down to white paper."""
    shape = picture.shape[0], picture.shape[1]
    if rng.random() < 0.5:
        canvas = Canvas(shape)
        place = anywhere(rng, shape)
        spread = log_uniform(rng, 8.0, 120.0)
        for _ in range(round(log_uniform(rng, 2, 25))):
            _shard(rng, canvas, place + rng.normal(0.0, spread, 2), log_uniform(rng, 1.0, 14.0))
        lost = canvas.coverage()
    else:
        share = log_uniform(rng, 0.003, 0.08)
        lost = (255.0 * patch(rng, shape, share, 0.05)).astype(np.uint8)
    shift = np.array([[1, 0, rng.uniform(-1.5, 1.5)], [0, 1, rng.uniform(-1.5, 1.5)]], np.float32)
    edge = np.asarray(cv2.warpAffine(lost, shift, shape[::-1]), np.uint8)
    paint(picture, edge, dark(rng), float(rng.uniform(0.0, 0.5)))
    white = paper(rng)
    paint(picture, lost, white)
    texture = smooth_noise(rng, shape, 6.0) * np.float32(0.02) + stored_noise(rng, shape) * 0.01
    brighten(picture, (texture * (lost > 128)).astype(np.float32))


def foxing(rng: np.random.Generator, picture: Pixels) -> None:
    """Brown, soft, round spots, many small ones and few large ones."""
    shape = picture.shape[0], picture.shape[1]
    brown = np.array([0.55, 0.38, 0.2]) + rng.normal(0.0, 0.06, 3)
    table = np.rint(np.arange(256.0)[:, None] * np.clip(brown, 0.05, 0.95)).astype(np.uint8)
    tinted = np.asarray(cv2.LUT(picture, table[:, None]), np.uint8)
    small = spots(rng, shape, round(log_uniform(rng, 2, 30)), (1.5, 5.0))
    large = spots(rng, shape, int(rng.integers(0, 4)), (5.0, 22.0))
    paint(picture, np.maximum(small, large), tinted, float(rng.uniform(0.3, 0.9)))


def worn_edges(rng: np.random.Generator, picture: Pixels) -> None:
    """Sides and corners of the sheet rubbed down to paper, most at the corners."""
    shape = picture.shape[0], picture.shape[1]
    x, y = offsets(np.zeros(2), (0, 0), shape)
    from_left = x if rng.random() < 0.5 else x[:, ::-1]
    from_top = y if rng.random() < 0.5 else y[::-1]
    sides = rng.random(2) < 0.7
    far = np.float32(1e3)
    distance = np.minimum(from_left + far * ~sides[0], from_top + far * ~sides[1])
    reach = log_uniform(rng, 1.5, 10.0)
    if rng.random() < 0.7:  # the corner is rounded off
        corner = log_uniform(rng, 4.0, 40.0)
        rounded = np.hypot(np.maximum(corner - from_left, 0), np.maximum(corner - from_top, 0))
        distance = np.minimum(distance, np.float32(corner) - rounded)
    rough = ragged_noise(rng, shape, log_uniform(rng, 6.0, 40.0)) * np.float32(0.6 * reach)
    worn = np.clip(np.float32(reach) - distance + rough, 0.0, 1.0).astype(np.float32)
    near = np.clip(np.float32(1.0) - distance / np.float32(4.0 * reach), 0.0, 1.0)
    paint(picture, worn * smooth_step(near * 2.0).astype(np.float32), paper(rng))
