"""Damage of prints and negatives: scratches, cracks, dust, stains; drawn in place.

Lengths are pixels of pictures of about 500 pixels a side, whatever part of one is shown.
"""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_eval.drawing import (
    Canvas,
    Coverage,
    Points,
    Shape,
    anywhere,
    brighten,
    curl,
    dark,
    ink,
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
    walk,
)
from inpaint_eval.pictures import Pixels


def scratches(rng: np.random.Generator, picture: Pixels) -> None:
    """Thin lines, one to many, mostly along one direction; or straight up and down, as on film.

    Two in five of the others are straight, half of these about level or upright, as from a
    scanner's rollers. Half of the rest thin out towards their ends.
    """
    shape = picture.shape[:2]
    canvas = Canvas(shape)
    film = rng.random() < 0.2
    along = np.pi / 2 if film else rng.uniform(0.0, np.pi)
    for _ in range(round(log_uniform(rng, 1, 16))):
        straight = film or rng.random() < 0.4
        width = log_uniform(rng, 0.7, 6.0 if straight else 4.5)
        heading = along + rng.normal(0.0, 0.01 if film else 0.4)
        if straight and not film and rng.random() < 0.5:
            heading = rng.choice([0.0, np.pi / 2]) + rng.normal(0.0, 0.04)
        length = 2.0 * shape[0] if film else log_uniform(rng, 12, 1.5 * shape[0])
        turn = 0.002 if straight else rng.uniform(0.0, 0.15)
        line = walk(rng, anywhere(rng, shape, 0.2), heading, length, turn, 6.0)
        if film:
            line -= np.array([0.0, shape[0]])
        strength = float(rng.uniform(0.4, 1.0))
        if straight or rng.random() < 0.5:
            canvas.line(line, width, strength)
        else:
            canvas.ribbon(line, width * np.sin(np.linspace(0.1, np.pi - 0.1, len(line))), strength)
    opacity = _worn(rng, canvas.coverage(float(rng.uniform(-0.5, 1.0))))
    paint(picture, opacity, ink(rng), float(rng.uniform(0.6, 1.0)))


def _worn(rng: np.random.Generator, opacity: Coverage) -> Coverage:
    """Half of the time, with gaps and weak places."""
    if rng.random() < 0.5:
        return opacity
    field = smooth_noise(rng, (opacity.shape[0], opacity.shape[1]), log_uniform(rng, 3, 40))
    worn = opacity * smooth_step(field * np.float32(1.5) + np.float32(1.0))
    return worn.astype(np.uint8)


def cracks(rng: np.random.Generator, picture: Pixels) -> None:
    """Jagged lines that branch, or a network as of dried paint, some with a shaded edge."""
    shape = picture.shape[:2]
    opacity = _worn(rng, network(rng, shape) if rng.random() < 0.35 else branches(rng, shape))
    strength = float(rng.uniform(0.6, 1.0))
    colour = ink(rng, 0.6)
    if rng.random() < 0.5:  # one side of a raised edge lies in the shade, or catches the light
        across, down = rng.uniform(-1.5, 1.5, 2)
        shift = np.array([[1, 0, across], [0, 1, down]], np.float32)
        edge = cv2.warpAffine(opacity, shift, shape[::-1]).astype(np.uint8, copy=False)
        opposite = dark(rng) if colour.mean() > 0.5 else paper(rng)
        paint(picture, edge, opposite, strength * float(rng.uniform(0.2, 0.7)))
    paint(picture, opacity, colour, strength)


def branches(rng: np.random.Generator, shape: Shape) -> Coverage:
    canvas = Canvas(shape)
    starts = [
        (anywhere(rng, shape), rng.uniform(0, 2 * np.pi), log_uniform(rng, 25, 1.2 * shape[0]))
        for _ in range(int(rng.integers(1, 4)))
    ]
    width = log_uniform(rng, 0.8, 3.5)
    drawn = 0
    while starts and drawn < 24:
        start, heading, length = starts.pop(0)
        line = walk(rng, start, heading, length, 0.35, float(rng.uniform(3.0, 8.0)))
        canvas.line(line, width * float(rng.uniform(0.5, 1.0)))
        drawn += 1
        if length <= 20:
            continue
        for point in line[1:][rng.random(len(line) - 1) < 0.06]:
            side = rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 1.3)
            starts.append((point, heading + side, length * rng.uniform(0.2, 0.6)))
    return canvas.coverage(float(rng.uniform(-0.4, 0.7)))


def network(rng: np.random.Generator, shape: Shape) -> Coverage:
    """Borders of the cells around random points, bent by noise, in a part of the picture."""
    height, width = shape
    count = int(np.clip(height * width / log_uniform(rng, 25, 90) ** 2, 4, 40))
    centres = rng.uniform(-0.15, 1.15, (count, 2)) * np.array([width, height])
    cells = cv2.Subdiv2D((-width, -height, 3 * width, 3 * height))
    cells.insert(centres.astype(np.float32).tolist())
    outlines, _ = cells.getVoronoiFacetList([])
    bend = smooth_noise(rng, shape, 20.0), smooth_noise(rng, shape, 20.0)
    reach, thick = rng.uniform(2.0, 6.0), log_uniform(rng, 0.6, 2.5)
    canvas = Canvas(shape)
    for outline in outlines:
        closed = np.concatenate([outline, outline[:1]]).astype(np.float64)
        line = _resampled(closed, 4.0)
        inside = line.round().astype(int).clip(0, (width - 1, height - 1))
        line += reach * np.stack([field[inside[:, 1], inside[:, 0]] for field in bend], axis=1)
        canvas.line(line, thick * float(rng.uniform(0.6, 1.0)))
    opacity = canvas.coverage(float(rng.uniform(-0.4, 0.6)))
    return (opacity * patch(rng, shape, float(rng.uniform(0.2, 1.0)), 0.4)).astype(np.uint8)


def _resampled(line: Points, step: float) -> Points:
    """The same line with a point every so many pixels, at most a thousand."""
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0.0, lengths[-1], min(1000, max(2, round(lengths[-1] / step))))
    return np.stack([np.interp(at, lengths, line[:, axis]) for axis in (0, 1)], axis=1)


def dust(rng: np.random.Generator, picture: Pixels) -> None:
    """Specks of all sizes."""
    shape = picture.shape[:2]
    canvas = Canvas(shape)
    largest, count = log_uniform(rng, 1.0, 5.0), round(log_uniform(rng, 3, 90))
    radii = 0.5 * (largest / 0.5) ** rng.random((count, 1))
    radii = radii * np.concatenate([np.ones((count, 1)), rng.uniform(0.4, 1.0, (count, 1))], 1)
    centres = rng.random((count, 2)) * np.array([shape[1], shape[0]])
    canvas.ellipses(centres, radii, rng.uniform(0.0, np.pi, count))
    opacity = canvas.coverage(float(rng.uniform(-0.5, 1.2)))
    paint(picture, opacity, ink(rng, 0.6), float(rng.uniform(0.6, 1.0)))


def hairs(rng: np.random.Generator, picture: Pixels) -> None:
    """Curled fibres."""
    shape = picture.shape[:2]
    canvas = Canvas(shape)
    for _ in range(int(rng.integers(1, 8))):
        line = curl(rng, anywhere(rng, shape), log_uniform(rng, 15, 180), rng.uniform(1.0, 9.0))
        canvas.line(line, log_uniform(rng, 0.7, 2.2))
    opacity = canvas.coverage(float(rng.uniform(-0.4, 0.9)))
    paint(picture, opacity, ink(rng, 0.5), float(rng.uniform(0.5, 1.0)))


def stains(rng: np.random.Generator, picture: Pixels) -> None:
    """Coffee, water, mould, ink: soaked patches that tint; many have a dark rim, or are one."""
    shape = picture.shape[:2]
    soaked = (
        spots(rng, shape, round(log_uniform(rng, 1, 6)), (8.0, 80.0))
        if rng.random() < 0.6
        else patch(rng, shape, log_uniform(rng, 0.01, 0.2), log_uniform(rng, 0.02, 0.4))
    )
    if rng.random() < 0.2:  # it dried from the middle
        side = 2 * int(rng.integers(1, 9)) + 1
        middle = cv2.erode(soaked, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
        soaked = soaked - np.float32(rng.uniform(0.6, 1.0)) * middle.astype(np.float32)
    colour = np.array([0.75, 0.55, 0.3]) if rng.random() < 0.6 else rng.random(3)
    tint = np.clip(colour + rng.normal(0.0, 0.1, 3), 0.02, 0.95).astype(np.float32)
    depth = smooth_noise(rng, shape, 30) * np.float32(0.15) + np.float32(rng.uniform(0.4, 0.95))
    opacity = soaked * np.clip(depth, 0.0, 1.0)
    if rng.random() < 0.5:
        rim = soaked * (np.float32(1.0) - soaked)
        opacity = np.minimum(opacity + rim * np.float32(rng.uniform(0.4, 2.0)), 1.0)
    if rng.random() < 0.7:  # soaks in, and the picture shows through
        table = np.rint(np.arange(256.0)[:, None] * tint).astype(np.uint8)[:, None]
        paint(picture, opacity, cv2.LUT(picture, table).astype(np.uint8, copy=False))
    else:
        paint(picture, opacity, tint)


def fading(rng: np.random.Generator, picture: Pixels) -> None:
    """Patches that have lost contrast, towards paper or grey."""
    shape = picture.shape[:2]
    faded = (
        spots(rng, shape, round(log_uniform(rng, 1, 4)), (15.0, 100.0))
        if rng.random() < 0.6
        else patch(rng, shape, log_uniform(rng, 0.02, 0.25), log_uniform(rng, 0.05, 0.8))
    )
    towards = paper(rng) if rng.random() < 0.7 else np.full(3, rng.uniform(0.2, 0.6), np.float32)
    paint(picture, faded, towards, float(rng.uniform(0.35, 0.9)))


def corners(rng: np.random.Generator, picture: Pixels) -> None:
    """Missing corners and torn sides, with what lay below and a rim of torn paper."""
    shape = picture.shape[:2]
    inside = np.full(shape, np.inf, np.float32)  # distance from what is missing, about
    for _ in range(int(rng.integers(1, 4))):
        x, y = offsets(np.zeros(2), (0, 0), shape)
        from_left = x if rng.random() < 0.5 else x[:, ::-1]
        from_top = y if rng.random() < 0.5 else y[::-1]
        if rng.random() < 0.65:
            lean = np.float32(log_uniform(rng, 0.5, 2.0))
            bulge = np.float32(1.0 if rng.random() < 0.4 else rng.uniform(0.6, 1.6))
            distance = (from_left**bulge + (lean * from_top) ** bulge) ** (np.float32(1.0) / bulge)
            reach = log_uniform(rng, 8.0, 0.6 * shape[0])
        else:
            distance = from_left if rng.random() < 0.5 else from_top
            reach = log_uniform(rng, 2.0, 0.12 * shape[0])
        np.minimum(inside, distance - np.float32(reach), out=inside)
    roughness = np.float32(rng.uniform(0.0, 5.0))
    inside += roughness * ragged_noise(rng, shape, float(rng.uniform(10.0, 60.0)))
    missing = np.clip(np.float32(0.5) - inside, 0.0, 1.0)
    if rng.random() < 0.6:
        rim = np.float32(log_uniform(rng, 0.7, 7.0))
        rim = rim * smooth_step(smooth_noise(rng, shape, 12) + np.float32(0.8))
        paint(picture, np.clip(rim - inside, 0.0, 1.0), paper(rng))
    below = ink(rng, 0.5) if rng.random() < 0.8 else np.full(3, rng.uniform(0.2, 0.8), np.float32)
    paint(picture, missing, below)
    grain = stored_noise(rng, shape) * np.float32(rng.uniform(0.0, 0.03))
    brighten(picture, grain * missing)
