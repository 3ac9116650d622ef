"""Small things, thin things, and many of them, in front of a background."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_eval.drawing import (
    Canvas,
    anywhere,
    log_uniform,
    paint,
    smooth_noise,
    walk,
)
from inpaint_eval.undamaged.scene import (
    Scene,
    pick_colour,
)


def stars(scene: Scene) -> None:
    """A night's sky above a dark horizon."""
    rng, (height, width) = scene.rng, scene.shape
    sky = np.linspace(0.02, rng.uniform(0.06, 0.25), height)[:, None, None]
    light = np.broadcast_to(sky * pick_colour(rng, 0.7, 1.0, 0.2), (height, width, 3)).copy()
    light = light + 0.015 * smooth_noise(rng, scene.shape, 60.0)[..., None]
    points = np.zeros((height, width, 3), np.float32)
    for _ in range(int(log_uniform(rng, 80, 900))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        points[y, x] += min(8.0, 0.5 + 0.3 * rng.pareto(1.3)) * pick_colour(rng, 0.8, 1.0, 0.08)
    points = np.asarray(cv2.GaussianBlur(points, (0, 0), 0.7 * scene.scale**0.5), np.float32)
    scene.fill(np.clip(light + points, 0.0, 1.0).astype(np.float32))
    canvas = Canvas(scene.shape)
    ridge = walk(rng, np.array([-5.0, 0.85 * height]), 0.0, width + 40.0, 0.2, 12.0)
    ridge[:, 0] = np.linspace(-5.0, width + 5.0, len(ridge))
    below = np.array([[width + 5.0, height + 5.0], [-5.0, height + 5.0]])
    canvas.polygon(np.concatenate([ridge, below]))
    paint(scene.picture, canvas.coverage(), pick_colour(rng, 0.0, 0.05, 0.01))


def snow(scene: Scene) -> None:
    """Flakes that fall, far ones small and near ones large and out of focus."""
    rng = scene.rng
    drift = rng.uniform(-1.0, 1.0)
    for size, blur, count in ((0.9, 0.4, 260), (1.8, 0.8, 90), (5.0, 2.5, 14)):
        canvas = Canvas(scene.shape)
        for _ in range(int(count * rng.uniform(0.5, 1.5))):
            at = anywhere(rng, scene.shape)
            moved = np.array([at, at + scene.scale * size * np.array([drift, 1.0])])
            canvas.line(moved, max(1.0, scene.scale * size * rng.uniform(0.7, 1.3)))
        flakes = canvas.coverage(blur * scene.scale)
        paint(
            scene.picture, flakes, pick_colour(rng, 0.88, 1.0, 0.01), float(rng.uniform(0.6, 0.95))
        )


def rain(scene: Scene) -> None:
    """Streaks of rain, which all fall one way."""
    rng = scene.rng
    slant = rng.normal(0.0, 0.25)
    for strength in (0.25, 0.5):
        canvas = Canvas(scene.shape)
        for _ in range(int(rng.integers(80, 260))):
            at, length = anywhere(rng, scene.shape, 0.1), scene.scale * rng.uniform(10, 40)
            along = np.array([slant + rng.normal(0.0, 0.03), 1.0])
            canvas.line(np.array([at, at + length * along]), scene.scale * rng.uniform(0.8, 1.4))
        streaks = canvas.coverage(0.6)
        paint(scene.picture, streaks, pick_colour(rng, 0.75, 1.0, 0.02), strength)


def hair(scene: Scene) -> None:
    """Hair or fur: very many strands that lie alike, with some that stray."""
    rng, (height, width) = scene.rng, scene.shape
    base = pick_colour(rng, 0.1, 0.6, 0.06)
    canvas = Canvas(scene.shape)
    middle = anywhere(rng, scene.shape, -0.3)
    canvas.ellipses(middle[None], rng.uniform(0.35, 0.6, (1, 2)) * [width, height], np.zeros(1))
    paint(scene.picture, canvas.coverage(6.0), base)
    heading, bend = rng.uniform(0.0, np.pi), rng.normal(0.0, 1.2)
    for tone in (0.5, 0.8, 1.2, 1.6, 2.0):
        canvas = Canvas(scene.shape)
        for _ in range(int(rng.integers(60, 160) / scene.scale)):
            start = middle + rng.normal(0.0, 0.22, 2) * [width, height]
            length = scene.scale * rng.uniform(25, 110)
            turn = rng.normal(0.0, 0.05) + bend * 4.0 / max(60.0, length)
            stray = rng.normal(0.0, 0.8 if rng.random() < 0.05 else 0.15)
            steps = np.arange(int(length / 4.0)) * turn + heading + stray
            moves = 4.0 * np.stack([np.cos(steps), np.sin(steps)], axis=1)
            canvas.line(start + np.cumsum(moves, axis=0), scene.scale * rng.uniform(0.7, 1.6))
        paint(scene.picture, canvas.coverage(), np.clip(base * np.float32(tone), 0, 1), 0.85)


def whiskers(scene: Scene) -> None:
    """A muzzle of short fur with light whiskers on both sides."""
    rng, scale = scene.rng, scene.scale
    hair(scene)
    middle = anywhere(rng, scene.shape, -0.3)
    canvas = Canvas(scene.shape)
    canvas.ellipses(middle[None], np.array([[16.0, 10.0]]) * scale, np.zeros(1))
    paint(scene.picture, canvas.coverage(1.5), pick_colour(rng, 0.1, 0.4, 0.1))
    canvas = Canvas(scene.shape)
    for side in (-1.0, 1.0):
        for _ in range(int(rng.integers(4, 9))):
            start = middle + scale * np.array([side * rng.uniform(18, 40), rng.uniform(2, 25)])
            length, drop = scale * rng.uniform(70, 160), rng.normal(0.0, 0.35)
            along = np.linspace(0.0, 1.0, 24)
            y = length * (drop * along + rng.uniform(0.0, 0.4) * along**2)
            points = start + np.stack([side * length * along, y], axis=1)
            widths = scale * rng.uniform(1.0, 2.0) * (1.1 - along)
            canvas.ribbon(points, widths)
    paint(scene.picture, canvas.coverage(), pick_colour(rng, 0.85, 1.0, 0.02), 0.9)


def wires(scene: Scene) -> None:
    """Wires that sag from mast to mast before a sky."""
    rng, (height, width) = scene.rng, scene.shape
    sky = np.linspace(rng.uniform(0.35, 0.7), rng.uniform(0.75, 0.95), height)[:, None, None]
    light = np.broadcast_to(sky * pick_colour(rng, 0.9, 1.0, 0.06), (height, width, 3))
    clouds = 0.06 * smooth_noise(rng, scene.shape, 90.0)[..., None]
    scene.fill(np.clip(light + clouds, 0.0, 1.0).astype(np.float32))
    canvas = Canvas(scene.shape)
    masts = np.cumsum(rng.uniform(0.5, 0.9, 4)) * width - 0.6 * width
    tops = rng.uniform(0.1, 0.35, 4) * height
    for x, y in zip(masts, tops, strict=True):
        canvas.line(np.array([[x, y], [x, height + 5.0]]), scene.scale * 7.0)
        for arm in (0.02, 0.1):
            beam = np.array([[-22.0, 0.0], [22.0, 0.0]]) * scene.scale
            canvas.line(beam + np.array([x, y + arm * height]), scene.scale * 3.0)
    along = np.linspace(0.0, 1.0, 60)
    for _ in range(int(rng.integers(3, 9))):
        offset, sag = rng.uniform(0.0, 0.12) * height, rng.uniform(0.02, 0.15) * height
        thick = scene.scale * rng.uniform(0.8, 2.0)
        for left in range(3):
            x = masts[left] + (masts[left + 1] - masts[left]) * along
            y = tops[left] + (tops[left + 1] - tops[left]) * along + 4 * sag * along * (1 - along)
            canvas.line(np.stack([x, y + offset], axis=1), thick)
    paint(scene.picture, canvas.coverage(), pick_colour(rng, 0.03, 0.2, 0.03), 0.95)


def webs(scene: Scene) -> None:
    """A spider's web: spokes and a spiral between them, light before the dark."""
    rng = scene.rng
    scene.picture = (scene.picture * 0.5).astype(np.uint8)
    canvas = Canvas(scene.shape)
    middle = anywhere(rng, scene.shape, -0.3)
    count = int(rng.integers(12, 26))
    angles = np.sort(2 * np.pi * (np.arange(count) + rng.uniform(-0.25, 0.25, count)) / count)
    reach = scene.scale * rng.uniform(90, 170) * rng.uniform(0.8, 1.2, count)
    spokes = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for spoke, far in zip(spokes, reach, strict=True):
        canvas.line(np.array([middle, middle + 1.4 * far * spoke]), scene.scale * 1.0)
    for ring in np.linspace(0.12, 1.0, int(rng.integers(8, 20))):
        for one in range(count):
            two = (one + 1) % count
            ends = middle + ring * np.stack([spokes[one] * reach[one], spokes[two] * reach[two]])
            inward = ends.mean(axis=0) + 0.08 * (middle - ends.mean(axis=0))
            canvas.line(np.stack([ends[0], inward, ends[1]]), scene.scale * 0.8)
    threads = canvas.coverage()
    glitter = np.clip(0.65 + 0.35 * smooth_noise(rng, scene.shape, 20.0), 0.15, 1.0)
    paint(scene.picture, (threads * glitter).astype(np.uint8), pick_colour(rng, 0.8, 1.0, 0.02))


def _stones(scene: Scene, size: float, count: int, low: float, high: float) -> None:
    rng = scene.rng
    for _ in range(count):
        at, radius = anywhere(rng, scene.shape, 0.03), size * log_uniform(rng, 0.5, 2.0)
        angle = float(rng.uniform(0, 180))
        axes = max(1, round(radius)), max(1, round(radius * rng.uniform(0.5, 1.0)))
        value = 255.0 * pick_colour(rng, low, high, 0.04)
        for shift, tone, part in ((1, 0.35, 1.0), (0, 1.0, 1.0), (-1, 1.25, 0.55)):
            place_at = round(at[0]) + shift, round(at[1]) + shift
            colour = tuple(float(v) for v in np.clip(np.rint(value * tone), 0, 255))
            part_axes = max(1, round(axes[0] * part)), max(1, round(axes[1] * part))
            cv2.ellipse(scene.picture, place_at, part_axes, angle, 0, 360, colour, -1, cv2.LINE_AA)


def gravel(scene: Scene) -> None:
    """Pebbles over pebbles."""
    size = 4.0 * scene.scale
    count = int(1.6 * scene.shape[0] * scene.shape[1] / (np.pi * size**2))
    _stones(scene, size, min(count, 4000), 0.2, 0.85)


def confetti(scene: Scene) -> None:
    """Bits of coloured paper in the air."""
    rng = scene.rng
    for _ in range(int(rng.integers(80, 300))):
        canvas_size = scene.scale * log_uniform(rng, 1.5, 7.0)
        turn = rng.uniform(0.0, 2 * np.pi)
        sides = canvas_size * np.array([1.0, rng.uniform(0.15, 1.0)])
        box = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * sides
        spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        points = np.round((anywhere(rng, scene.shape) + box @ spin) * 16).astype(np.int32)
        colour = rng.random(3) if rng.random() < 0.7 else np.full(3, rng.uniform(0.8, 1.0))
        fill = tuple(float(v) for v in 255.0 * colour)
        cv2.fillConvexPoly(scene.picture, points, fill, cv2.LINE_AA, 4)


def glints(scene: Scene) -> None:
    """The sun on rippled water."""
    rng, (height, width) = scene.rng, scene.shape
    ripples = smooth_noise(rng, (2 * height, width), 7.0 * scene.scale)
    ripples = np.asarray(cv2.resize(ripples, (width, height), interpolation=cv2.INTER_AREA))
    ripples = ripples + 0.5 * smooth_noise(rng, scene.shape, 3.0 * scene.scale)
    water = pick_colour(rng, 0.15, 0.45, 0.08)
    path = np.exp(-(((np.arange(width) / width - rng.uniform(0.2, 0.8)) / 0.25) ** 2))
    shine = np.clip((ripples - 1.6 + 0.6 * path[None]) * 3.0, 0.0, 1.0)[..., None]
    light = water * (1.0 + 0.25 * ripples[..., None])
    scene.fill(np.clip(light * (1 - shine) + shine, 0.0, 1.0).astype(np.float32))
