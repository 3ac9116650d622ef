"""Undamaged pictures with what looks like damage: 200 that are drawn, and held-out photographs.

Everything in them belongs to the scene, or is its film's grain or its sensor's noise: a detector
must not mark it. They are drawn in other ways than what detectors learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.drawing import (
    Canvas,
    Colour,
    Coverage,
    Field,
    Points,
    Shape,
    add_grain,
    anywhere,
    brighten,
    compress,
    log_uniform,
    paint,
    sharpen,
    smooth_noise,
    smooth_step,
    walk,
)
from inpaint_eval.pictures import Pixels, read_picture
from inpaint_eval.splits import list_split
from inpaint_eval.text import letters, place, words

SEED = 200

EACH = 10
"""Pictures of every kind."""

SHAPES: tuple[Shape, ...] = ((320, 448), (384, 512), (448, 336), (288, 384), (512, 640))
"""Heights and widths that the pictures have in turn."""

SCALES = (0.6, 1.0, 1.7)
"""Sizes that things are drawn in, in turn."""


@dataclass(frozen=True)
class Undamaged:
    """A picture without damage.

    kind: a key of :data:`KINDS`. picture: uint8 RGB [H, W, 3]. text: uint8 [H, W], 255 in the
    scene's letters.
    """

    kind: str
    picture: Pixels
    text: Coverage


class _Scene:
    """A picture that things are set into, and where its letters are.

    picture: uint8 RGB [H, W, 3]. text: uint8 [H, W]. scale: of what is drawn.
    """

    def __init__(self, rng: np.random.Generator, picture: Pixels, scale: float) -> None:
        self.rng = rng
        self.picture = np.ascontiguousarray(picture)
        self.shape: Shape = (picture.shape[0], picture.shape[1])
        self.scale = scale
        self.text = np.zeros(self.shape, np.uint8)
        self.light = 0.4 + 0.7 * float(picture.mean()) / 255.0

    def fill(self, picture: NDArray[np.float32]) -> None:
        """Puts a picture in [0, 1] in place of the old one."""
        self.picture = np.clip(np.rint(picture * np.float32(255.0)), 0, 255).astype(np.uint8)

    def shade(self, cell: float, strength: float) -> None:
        """Uneven light."""
        brighten(self.picture, np.float32(strength) * smooth_noise(self.rng, self.shape, cell))


_Kind = Callable[[_Scene], None]


def _colour(rng: np.random.Generator, low: float, high: float, tint: float = 0.1) -> Colour:
    return np.clip(rng.uniform(low, high) + rng.normal(0.0, tint, 3), 0.0, 1.0).astype(np.float32)


def _background(rng: np.random.Generator, shape: Shape) -> Pixels:
    """A scene out of focus: large areas of colour, some with borders, and their texture."""
    coarse = (
        rng.uniform(0.15, 0.85)
        + rng.normal(0.0, 0.13, (4, 5, 1))
        + rng.normal(0.0, 0.04, (4, 5, 3))
    )
    size = shape[::-1]
    light = cv2.resize(coarse.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    picture: Pixels = np.clip(255.0 * light, 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(2, 7))):
        canvas = Canvas(shape)
        corners = anywhere(rng, shape, 0.2) + rng.normal(0.0, 0.25 * min(shape), (4, 2))
        canvas.polygon(np.asarray(cv2.convexHull(corners.astype(np.float32))[:, 0], np.float64))
        paint(picture, canvas.coverage(rng.uniform(0.0, 3.0)), _colour(rng, 0.1, 0.9, 0.08))
    brighten(picture, np.float32(0.02) * smooth_noise(rng, shape, 3.0))
    return picture


def _photographed(rng: np.random.Generator, picture: Pixels) -> Pixels:
    """The lens's blur, a little noise, and now and then sharpening and compression."""
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.35, 0.8)), np.uint8)
    picture = add_grain(rng, picture, log_uniform(rng, 0.002, 0.012), size=0.5)
    if rng.random() < 0.4:
        picture = sharpen(picture, float(rng.uniform(0.6, 1.2)), float(rng.uniform(0.2, 0.9)))
    if rng.random() < 0.6:
        picture = compress(picture, ".jpg", int(rng.integers(70, 97)))
    return picture


def _set_face(scene: _Scene, face: Pixels, ink: Coverage, colour: Colour, quad: Points) -> None:
    """Sets a flat thing into the scene: a face with letters, onto four corners, lit and worn."""
    rng, height, width = scene.rng, face.shape[0], face.shape[1]
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    warp = cv2.getPerspectiveTransform(flat, quad.astype(np.float32))
    light = np.float32(scene.light * rng.uniform(0.75, 1.1))
    ramp = light * np.linspace(rng.uniform(0.8, 1.1), rng.uniform(0.8, 1.1), width)
    worn = smooth_step(smooth_noise(rng, (height, width), log_uniform(rng, 5, 40)) + np.float32(1))
    if rng.random() < 0.5:
        ink = (ink * worn).astype(np.uint8)
    face = face.copy()
    paint(face, ink, colour, float(rng.uniform(0.8, 1.0)))
    rough = np.float32(0.04) * smooth_noise(rng, (height, width), 4.0)
    lit = face * ramp.astype(np.float32)[None, :, None] + 255.0 * rough[..., None]
    face = np.clip(lit, 0, 255).astype(np.uint8)
    size = scene.shape[::-1]

    def seen(part: Pixels) -> Pixels:
        shrunk = np.sqrt(cv2.contourArea(quad.astype(np.float32)) / (height * width))
        if shrunk < 0.7:  # else the warp would skip pixels
            part = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.4 / shrunk), np.uint8)
        return np.asarray(cv2.warpPerspective(part, warp, size, flags=cv2.INTER_LINEAR), np.uint8)

    sheet = seen(np.full((height, width), 255, np.uint8))
    paint(scene.picture, sheet, np.ascontiguousarray(seen(face)))
    scene.text[sheet > 127] = 0  # what lies behind is hidden
    scene.text[seen(ink) > 100] = 255


def _face(rng: np.random.Generator, shape: Shape, lines: int) -> tuple[Pixels, Coverage, Colour]:
    """A board or a label: its colours, its letters, and theirs."""
    dim = rng.random() < 0.5
    face = np.empty((*shape, 3), np.uint8)
    face[:] = np.rint(255.0 * _colour(rng, *((0.05, 0.35) if dim else (0.6, 0.95)), 0.15))
    if rng.random() < 0.5:
        top = int(rng.uniform(0.0, 0.7) * shape[0])
        band = _colour(rng, 0.1, 0.9, 0.25)
        face[top : top + int(rng.uniform(0.1, 0.3) * shape[0])] = np.rint(255.0 * band)
    ink = np.zeros(shape, np.uint8)
    capital = 0.5 * shape[0] / lines
    for line in range(lines):
        stamp = letters(rng, words(rng, int(rng.integers(1, 3))), capital)
        place(
            ink,
            stamp,
            int(rng.uniform(0.02, 0.2) * shape[1]),
            int((line + 0.2) * shape[0] / lines),
        )
    if rng.random() < 0.4:
        cv2.rectangle(ink, (3, 3), (shape[1] - 4, shape[0] - 4), 255, 2)
    return face, ink, _colour(rng, *((0.65, 1.0) if dim else (0.02, 0.3)), 0.12)


def _quad(rng: np.random.Generator, middle: Points, width: float, height: float) -> Points:
    """Corners of an upright rectangle seen aslant."""
    slant, nearer = rng.uniform(-0.35, 0.35), rng.uniform(0.65, 1.0)
    left, right = (1.0, nearer) if rng.random() < 0.5 else (nearer, 1.0)
    corners = np.array([[-1.0, -left], [1.0, -right], [1.0, right], [-1.0, left]])
    corners[:, 1] += slant * corners[:, 0] * width / height * 0.5
    placed: Points = middle + corners * np.array([width, height]) / 2.0
    return placed


def signs(scene: _Scene) -> None:
    """Boards with lettering, hung in the scene."""
    rng = scene.rng
    for _ in range(int(rng.integers(1, 4))):
        lines = int(rng.integers(1, 4))
        shape = 48 * lines, int(rng.integers(160, 320))
        width = scene.scale * rng.uniform(0.3, 0.55) * scene.shape[1]
        quad = _quad(rng, anywhere(rng, scene.shape, -0.15), width, width * shape[0] / shape[1])
        _set_face(scene, *_face(rng, shape, lines), quad)


def film_boxes(scene: _Scene) -> None:
    """Cartons on a table with letters on two of their faces."""
    rng = scene.rng
    for _ in range(int(rng.integers(2, 6))):
        width, height = scene.scale * rng.uniform(80, 150), scene.scale * rng.uniform(40, 90)
        base = anywhere(rng, scene.shape, -0.12)
        back = np.array([rng.uniform(0.3, 0.8) * width, -rng.uniform(0.15, 0.45) * height])
        corners = base + np.array([[0, 0], [width, 0], [width, height], [0, height]])
        top = np.stack([corners[0] + back, corners[1] + back, corners[1], corners[0]])
        side = np.stack([corners[1], corners[1] + back, corners[2] + back, corners[2]])
        for quad, lines in ((top, 1), (side, 2), (corners, int(rng.integers(1, 4)))):
            shape = 56 * lines, round(56 * lines * rng.uniform(1.3, 2.2))
            _set_face(scene, *_face(rng, shape, lines), quad)


def windows(scene: _Scene) -> None:
    """A front of many panes, lit or dark, with bars."""
    rng = scene.rng
    cell = scene.scale * rng.uniform(22, 40)
    sheet = np.empty((480, 640, 3), np.uint8)
    sheet[:] = np.rint(255.0 * _colour(rng, 0.1, 0.8, 0.08))
    night = rng.random() < 0.5
    step = np.array([cell, cell * rng.uniform(1.1, 1.7)])
    pane = step * rng.uniform(0.45, 0.8, 2)
    for row, column in np.ndindex(int(480 / step[1]) + 1, int(640 / step[0]) + 1):
        x, y = (np.array([column, row]) * step + 2).astype(int)
        lit = rng.random() < (0.3 if night else 0.15)
        value = _colour(rng, *((0.75, 1.0) if lit else (0.03, 0.3)), 0.06)
        right, bottom = int(x + pane[0]), int(y + pane[1])
        fill = tuple(float(v) for v in np.rint(255.0 * value))
        cv2.rectangle(sheet, (int(x), int(y)), (right, bottom), fill, -1)
        if scene.scale > 0.7:
            middle = (int(x) + right) // 2
            cv2.line(sheet, (middle, int(y)), (middle, bottom), (205.0, 205.0, 200.0), 1)
    quad = _quad(rng, np.array(scene.shape[::-1]) / 2, 1.2 * scene.shape[1], 1.3 * scene.shape[0])
    _set_face(scene, sheet, np.zeros((480, 640), np.uint8), _colour(rng, 0, 1), quad)


def stars(scene: _Scene) -> None:
    """A night's sky above a dark horizon."""
    rng, (height, width) = scene.rng, scene.shape
    sky = np.linspace(0.02, rng.uniform(0.06, 0.25), height)[:, None, None]
    light = np.broadcast_to(sky * _colour(rng, 0.7, 1.0, 0.2), (height, width, 3)).copy()
    light = light + 0.015 * smooth_noise(rng, scene.shape, 60.0)[..., None]
    points = np.zeros((height, width, 3), np.float32)
    for _ in range(int(log_uniform(rng, 80, 900))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        points[y, x] += min(8.0, 0.5 + 0.3 * rng.pareto(1.3)) * _colour(rng, 0.8, 1.0, 0.08)
    points = np.asarray(cv2.GaussianBlur(points, (0, 0), 0.7 * scene.scale**0.5), np.float32)
    scene.fill(np.clip(light + points, 0.0, 1.0).astype(np.float32))
    canvas = Canvas(scene.shape)
    ridge = walk(rng, np.array([-5.0, 0.85 * height]), 0.0, width + 40.0, 0.2, 12.0)
    ridge[:, 0] = np.linspace(-5.0, width + 5.0, len(ridge))
    below = np.array([[width + 5.0, height + 5.0], [-5.0, height + 5.0]])
    canvas.polygon(np.concatenate([ridge, below]))
    paint(scene.picture, canvas.coverage(), _colour(rng, 0.0, 0.05, 0.01))


def snow(scene: _Scene) -> None:
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
        paint(scene.picture, flakes, _colour(rng, 0.88, 1.0, 0.01), float(rng.uniform(0.6, 0.95)))


def rain(scene: _Scene) -> None:
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
        paint(scene.picture, streaks, _colour(rng, 0.75, 1.0, 0.02), strength)


def hair(scene: _Scene) -> None:
    """Hair or fur: very many strands that lie alike, with some that stray."""
    rng, (height, width) = scene.rng, scene.shape
    base = _colour(rng, 0.1, 0.6, 0.06)
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


def whiskers(scene: _Scene) -> None:
    """A muzzle of short fur with light whiskers on both sides."""
    rng, scale = scene.rng, scene.scale
    hair(scene)
    middle = anywhere(rng, scene.shape, -0.3)
    canvas = Canvas(scene.shape)
    canvas.ellipses(middle[None], np.array([[16.0, 10.0]]) * scale, np.zeros(1))
    paint(scene.picture, canvas.coverage(1.5), _colour(rng, 0.1, 0.4, 0.1))
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
    paint(scene.picture, canvas.coverage(), _colour(rng, 0.85, 1.0, 0.02), 0.9)


def wires(scene: _Scene) -> None:
    """Wires that sag from mast to mast before a sky."""
    rng, (height, width) = scene.rng, scene.shape
    sky = np.linspace(rng.uniform(0.35, 0.7), rng.uniform(0.75, 0.95), height)[:, None, None]
    light = np.broadcast_to(sky * _colour(rng, 0.9, 1.0, 0.06), (height, width, 3))
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
    paint(scene.picture, canvas.coverage(), _colour(rng, 0.03, 0.2, 0.03), 0.95)


def webs(scene: _Scene) -> None:
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
    paint(scene.picture, (threads * glitter).astype(np.uint8), _colour(rng, 0.8, 1.0, 0.02))


def cracked_wall(scene: _Scene) -> None:
    """Plaster with cracks that have a lit edge, and rough all over."""
    rng = scene.rng
    plaster = _colour(rng, 0.45, 0.85, 0.05)
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
    paint(scene.picture, cracks, _colour(rng, 0.05, 0.25, 0.03), 0.85)


def _stones(scene: _Scene, size: float, count: int, low: float, high: float) -> None:
    rng = scene.rng
    for _ in range(count):
        at, radius = anywhere(rng, scene.shape, 0.03), size * log_uniform(rng, 0.5, 2.0)
        angle = float(rng.uniform(0, 180))
        axes = max(1, round(radius)), max(1, round(radius * rng.uniform(0.5, 1.0)))
        value = 255.0 * _colour(rng, low, high, 0.04)
        for shift, tone, part in ((1, 0.35, 1.0), (0, 1.0, 1.0), (-1, 1.25, 0.55)):
            place_at = round(at[0]) + shift, round(at[1]) + shift
            colour = tuple(float(v) for v in np.clip(np.rint(value * tone), 0, 255))
            part_axes = max(1, round(axes[0] * part)), max(1, round(axes[1] * part))
            cv2.ellipse(scene.picture, place_at, part_axes, angle, 0, 360, colour, -1, cv2.LINE_AA)


def gravel(scene: _Scene) -> None:
    """Pebbles over pebbles."""
    size = 4.0 * scene.scale
    count = int(1.6 * scene.shape[0] * scene.shape[1] / (np.pi * size**2))
    _stones(scene, size, min(count, 4000), 0.2, 0.85)


def confetti(scene: _Scene) -> None:
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


def glints(scene: _Scene) -> None:
    """The sun on rippled water."""
    rng, (height, width) = scene.rng, scene.shape
    ripples = smooth_noise(rng, (2 * height, width), 7.0 * scene.scale)
    ripples = np.asarray(cv2.resize(ripples, (width, height), interpolation=cv2.INTER_AREA))
    ripples = ripples + 0.5 * smooth_noise(rng, scene.shape, 3.0 * scene.scale)
    water = _colour(rng, 0.15, 0.45, 0.08)
    path = np.exp(-(((np.arange(width) / width - rng.uniform(0.2, 0.8)) / 0.25) ** 2))
    shine = np.clip((ripples - 1.6 + 0.6 * path[None]) * 3.0, 0.0, 1.0)[..., None]
    light = water * (1.0 + 0.25 * ripples[..., None])
    scene.fill(np.clip(light * (1 - shine) + shine, 0.0, 1.0).astype(np.float32))


def film_grain(scene: _Scene) -> None:
    """Fast film: coarse grain."""
    rng = scene.rng
    strength, size = log_uniform(rng, 0.03, 0.1), float(rng.choice([0.5, 0.8, 1.2]))
    scene.picture = add_grain(
        rng, scene.picture, strength, size=size, colourful=float(rng.uniform(0.0, 1.0))
    )


def high_iso(scene: _Scene) -> None:
    """A sensor in the dark: coloured noise, the stronger the less light, and compression."""
    rng = scene.rng
    light = scene.picture.astype(np.float32) / np.float32(255.0) * np.float32(rng.uniform(0.3, 0.8))
    noise = rng.standard_normal((*scene.shape, 3)).astype(np.float32)
    blotches = np.stack([smooth_noise(rng, scene.shape, 4.0) for _ in range(3)], axis=2)
    deviation = rng.uniform(0.03, 0.1) * np.sqrt(light + np.float32(0.1))
    scene.fill((light + deviation * (noise + np.float32(0.5) * blotches)).astype(np.float32))
    scene.picture = compress(scene.picture, ".jpg", int(rng.integers(60, 92)))


def halftone(scene: _Scene) -> None:
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
    sheet[:] = np.rint(255.0 * _colour(rng, 0.8, 0.97, 0.03))
    paint(sheet, ink, _colour(rng, 0.03, 0.3, 0.1))
    scene.picture = sheet


def text_page(scene: _Scene) -> None:
    """A printed page on a desk, seen aslant."""
    rng = scene.rng
    page = np.empty((900, 700, 3), np.uint8)
    page[:] = np.rint(255.0 * _colour(rng, 0.8, 0.97, 0.03))
    ink = np.zeros((900, 700), np.uint8)
    capital = rng.uniform(9.0, 16.0) * max(0.8, scene.scale)
    top = 40.0
    while top < 860.0:
        stamp = letters(rng, words(rng, 12), capital)[:, :620]
        if rng.random() < 0.15:
            stamp = stamp[:, : int(rng.integers(100, 500))]
        place(ink, stamp, 40, round(top))
        top += capital * 1.9
    height, width = scene.shape
    middle = np.array([width, height]) / 2
    quad = _quad(rng, middle, width * rng.uniform(0.8, 1.3), height * rng.uniform(0.9, 1.5))
    _set_face(scene, page, ink, _colour(rng, 0.02, 0.2, 0.03), quad)


def brick(scene: _Scene) -> None:
    """A wall of bricks, each of its own tone, with light mortar."""
    rng, (height, width) = scene.rng, scene.shape
    tall, wide = scene.scale * rng.uniform(9, 16), scene.scale * rng.uniform(26, 44)
    base = np.array([rng.uniform(0.4, 0.65), rng.uniform(0.2, 0.35), rng.uniform(0.15, 0.3)])
    wall = np.empty((height, width, 3), np.float32)
    wall[:] = _colour(rng, 0.55, 0.85, 0.03)
    for row in range(int(height / tall) + 1):
        for column in range(-1, int(width / wide) + 1):
            x, y = (column + 0.5 * (row % 2)) * wide, row * tall
            left, right = max(0, round(x + 1)), max(0, round(x + wide - 1))
            tone = np.clip(base * rng.uniform(0.7, 1.25), 0.0, 1.0)
            wall[round(y + 1) : round(y + tall - 1), left:right] = tone
    wall += np.float32(0.04) * smooth_noise(rng, scene.shape, 2.5)[..., None]
    scene.fill(np.clip(wall, 0.0, 1.0))
    scene.shade(120.0, 0.06)


def fabric(scene: _Scene) -> None:
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
    cloth = _colour(rng, 0.2, 0.7, 0.15)
    light = (0.55 + 0.45 * weave) * tone
    scene.fill(np.clip(cloth * light[..., None], 0.0, 1.0).astype(np.float32))
    scene.shade(80.0, 0.08)


KINDS: Mapping[str, _Kind] = {
    kind.__name__: kind
    for kind in (
        signs,
        film_boxes,
        windows,
        stars,
        snow,
        rain,
        hair,
        whiskers,
        wires,
        webs,
        cracked_wall,
        gravel,
        confetti,
        glints,
        film_grain,
        high_iso,
        halftone,
        text_page,
        brick,
        fabric,
    )
}
"""What looks like damage and is none."""

IN_PHOTOGRAPHS = ("signs", "film_boxes", "snow", "rain", "confetti", "film_grain", "high_iso")
"""Those of :data:`KINDS` that are set into what is there."""


def undamaged_picture(kind: str, index: int) -> Undamaged:
    """One drawn picture, always the same. kind: a key of :data:`KINDS`. index: from 0."""
    rng = np.random.default_rng((SEED, list(KINDS).index(kind), index))
    scale = SCALES[index % len(SCALES)]
    return _drawn(rng, kind, _background(rng, SHAPES[index % len(SHAPES)]), scale)


def undamaged_pictures(each: int = EACH) -> Iterator[Undamaged]:
    """The 200 drawn pictures, or fewer of each kind."""
    for kind in KINDS:
        for index in range(each):
            yield undamaged_picture(kind, index)


def undamaged_photographs(root: Path, limit: int = 100) -> Iterator[Undamaged]:
    """Held-out photographs of ``photos/more`` with what is set into them, always the same.

    root: of the data. limit: how many of them, spread evenly.

    Raises:
        FileNotFoundError: there are none.
    """
    paths = list_split(root, "photos/more", "held-out")
    count = min(limit, len(paths))
    for number in range(count):
        path = paths[(2 * number + 1) * len(paths) // (2 * count)]
        rng = np.random.default_rng((SEED, len(KINDS), number))
        kind = IN_PHOTOGRAPHS[number % len(IN_PHOTOGRAPHS)]
        scale = SCALES[number // len(IN_PHOTOGRAPHS) % len(SCALES)]
        photograph = np.asarray(cv2.cvtColor(read_picture(path), cv2.COLOR_BGR2RGB), np.uint8)
        yield _drawn(rng, kind, photograph, scale)


def _drawn(rng: np.random.Generator, kind: str, picture: Pixels, scale: float) -> Undamaged:
    scene = _Scene(rng, picture, scale)
    KINDS[kind](scene)
    return Undamaged(kind, _photographed(rng, scene.picture), scene.text)
