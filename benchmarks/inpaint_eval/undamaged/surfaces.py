"""Surfaces that are not smooth, and a picture's own grain."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_eval.drawing import (
    Canvas,
    Field,
    add_grain,
    anywhere,
    compress,
    log_uniform,
    paint,
    smooth_noise,
    smooth_step,
    walk,
)
from inpaint_eval.undamaged.scene import (
    Scene,
    pick_colour,
    pick_quad,
    set_face,
)


def windows(scene: Scene) -> None:
    """A front of many panes, lit or dark, with bars."""
    rng = scene.rng
    cell = scene.scale * rng.uniform(22, 40)
    sheet = np.empty((480, 640, 3), np.uint8)
    sheet[:] = np.rint(255.0 * pick_colour(rng, 0.1, 0.8, 0.08))
    night = rng.random() < 0.5
    step = np.array([cell, cell * rng.uniform(1.1, 1.7)])
    pane = step * rng.uniform(0.45, 0.8, 2)
    for row, column in np.ndindex(int(480 / step[1]) + 1, int(640 / step[0]) + 1):
        x, y = (np.array([column, row]) * step + 2).astype(int)
        lit = rng.random() < (0.3 if night else 0.15)
        value = pick_colour(rng, *((0.75, 1.0) if lit else (0.03, 0.3)), 0.06)
        right, bottom = int(x + pane[0]), int(y + pane[1])
        fill = tuple(float(v) for v in np.rint(255.0 * value))
        cv2.rectangle(sheet, (int(x), int(y)), (right, bottom), fill, -1)
        if scene.scale > 0.7:
            middle = (int(x) + right) // 2
            cv2.line(sheet, (middle, int(y)), (middle, bottom), (205.0, 205.0, 200.0), 1)
    quad = pick_quad(
        rng, np.array(scene.shape[::-1]) / 2, 1.2 * scene.shape[1], 1.3 * scene.shape[0]
    )
    set_face(scene, sheet, np.zeros((480, 640), np.uint8), pick_colour(rng, 0, 1), quad)


def cracked_wall(scene: Scene) -> None:
    """Plaster with cracks that have a lit edge, and rough all over."""
    rng = scene.rng
    plaster = pick_colour(rng, 0.45, 0.85, 0.05)
    rough = sum(
        w * smooth_noise(rng, scene.shape, c) for w, c in ((0.05, 90), (0.03, 9), (0.03, 2))
    )
    scene.fill(plaster + np.asarray(rough, np.float32)[..., None])
    canvas = Canvas(scene.shape)
    for _ in range(int(rng.integers(2, 6))):
        trunk = walk(
            rng,
            anywhere(rng, scene.shape),
            rng.uniform(0.0, 2 * np.pi),
            scene.scale * rng.uniform(120, 380),
            0.35,
            7.0,
        )
        canvas.ribbon(
            trunk, scene.scale * rng.uniform(0.8, 3.0) * np.linspace(1.2, 0.3, len(trunk))
        )
        for _ in range(int(rng.integers(1, 5))):
            start = trunk[rng.integers(len(trunk))]
            twig = walk(rng, start, rng.uniform(0, 6.3), scene.scale * 60.0, 0.4, 6.0)
            canvas.line(twig, scene.scale * 0.9)
    cracks = canvas.coverage()
    lit = np.roll(cracks, 1, axis=(0, 1))
    paint(scene.picture, lit, np.clip(plaster + np.float32(0.15), 0, 1), 0.5)
    paint(scene.picture, cracks, pick_colour(rng, 0.05, 0.25, 0.03), 0.85)


def film_grain(scene: Scene) -> None:
    """Fast film: coarse grain."""
    rng = scene.rng
    strength, size = log_uniform(rng, 0.03, 0.1), float(rng.choice([0.5, 0.8, 1.2]))
    scene.picture = add_grain(
        rng, scene.picture, strength, size=size, colourful=float(rng.uniform(0.0, 1.0))
    )


def high_iso(scene: Scene) -> None:
    """A sensor in the dark: coloured noise, the stronger the less light, and compression."""
    rng = scene.rng
    light = scene.picture.astype(np.float32) / np.float32(255.0) * np.float32(rng.uniform(0.3, 0.8))
    noise = rng.standard_normal((*scene.shape, 3)).astype(np.float32)
    blotches = np.stack([smooth_noise(rng, scene.shape, 4.0) for _ in range(3)], axis=2)
    deviation = rng.uniform(0.03, 0.1) * np.sqrt(light + np.float32(0.1))
    scene.fill((light + deviation * (noise + np.float32(0.5) * blotches)).astype(np.float32))
    scene.picture = compress(scene.picture, ".jpg", int(rng.integers(60, 92)))


def halftone(scene: Scene) -> None:
    """Print of dots, whose size makes the tone."""
    rng, (height, width) = scene.rng, scene.shape
    period, angle = scene.scale * rng.uniform(4.0, 8.0), rng.uniform(0.1, 0.8)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    u = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period
    v = (y * np.cos(angle) - x * np.sin(angle)) * 2 * np.pi / period
    screen = 0.5 + 0.25 * (np.cos(u) + np.cos(v))
    grey = np.asarray(cv2.cvtColor(scene.picture, cv2.COLOR_RGB2GRAY), np.float32) / 255.0
    ink = smooth_step(((screen - grey) * np.float32(period) + np.float32(0.5)).astype(np.float32))
    sheet = np.empty_like(scene.picture)
    sheet[:] = np.rint(255.0 * pick_colour(rng, 0.8, 0.97, 0.03))
    paint(sheet, ink, pick_colour(rng, 0.03, 0.3, 0.1))
    scene.picture = sheet


def brick(scene: Scene) -> None:
    """A wall of bricks, each of its own tone, with light mortar."""
    rng, (height, width) = scene.rng, scene.shape
    tall, wide = scene.scale * rng.uniform(9, 16), scene.scale * rng.uniform(26, 44)
    base = np.array([rng.uniform(0.4, 0.65), rng.uniform(0.2, 0.35), rng.uniform(0.15, 0.3)])
    wall = np.empty((height, width, 3), np.float32)
    wall[:] = pick_colour(rng, 0.55, 0.85, 0.03)
    for row in range(int(height / tall) + 1):
        for column in range(-1, int(width / wide) + 1):
            x, y = (column + 0.5 * (row % 2)) * wide, row * tall
            left, right = max(0, round(x + 1)), max(0, round(x + wide - 1))
            tone = np.clip(base * rng.uniform(0.7, 1.25), 0.0, 1.0)
            wall[round(y + 1) : round(y + tall - 1), left:right] = tone
    wall += np.float32(0.04) * smooth_noise(rng, scene.shape, 2.5)[..., None]
    scene.fill(np.clip(wall, 0.0, 1.0))
    scene.shade(120.0, 0.06)


def fabric(scene: Scene) -> None:
    """Woven threads, some of them thicker or of another colour, in folds."""
    rng, (height, width) = scene.rng, scene.shape
    period = scene.scale * rng.uniform(3.0, 6.0)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    folds = np.float32(6.0) * smooth_noise(rng, scene.shape, 110.0)
    u, v = (x + folds) / np.float32(period), (y + folds) / np.float32(period)
    over = (np.floor(u) + np.floor(v)) % 2
    weave: Field = np.where(over > 0, np.abs(np.sin(np.pi * u)), np.abs(np.sin(np.pi * v)))
    threads = rng.normal(1.0, 0.08, 4096).astype(np.float32)
    threads[rng.random(4096) < 0.02] *= np.float32(1.5)
    tone = np.where(
        over > 0, threads[np.floor(u).astype(int) % 4096], threads[np.floor(v).astype(int) % 4096]
    )
    cloth = pick_colour(rng, 0.2, 0.7, 0.15)
    light = (0.55 + 0.45 * weave) * tone
    scene.fill(np.clip(cloth * light[..., None], 0.0, 1.0).astype(np.float32))
    scene.shade(80.0, 0.08)
