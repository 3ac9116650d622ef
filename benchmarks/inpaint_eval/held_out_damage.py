"""Kinds of damage that detectors are measured on: the same as training's, drawn in other ways.

Curves are Bézier's and fractals instead of random walks, letters are of other fonts, patches are
made of circles instead of noise, or of softer discs; sizes and strengths have other ranges.
Nothing is trained on it. It has been looked at, though: that training draws round and overlapping
spots of any softness, rims of dried stains, broad strokes, straight tears, flickering lines, and
scratches that thin out, came after a detector had failed on such.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from inpaint_eval.drawing import Field
from inpaint_sdk.errors import BackendError

FINER = 3
"""Drawn so many times finer than the picture."""

Shape = tuple[int, int]
Line = NDArray[np.float64]
Light = NDArray[np.float32]
"""A picture in [0, 1], [H, W, 3], RGB."""

Kind = Callable[[np.random.Generator, Light], Light]


def blend(light: Light, opacity: Field, colour: NDArray[np.float32]) -> Light:
    """Lays a colour, [3] or [H, W, 3], over a picture."""
    mixed: Light = light + opacity[..., None] * (colour - light)
    return mixed


class _Sheet:
    """A finer sheet to draw on."""

    def __init__(self, shape: Shape) -> None:
        self._size = shape[1], shape[0]
        self._picture = Image.new("L", (shape[1] * FINER, shape[0] * FINER))
        self._draw = ImageDraw.Draw(self._picture)

    def line(self, points: Line, widths: float | Line) -> None:
        """Through points (x, y), with one width or one for each point, in pixels."""
        widths = np.broadcast_to(widths, len(points))
        for a, b, width in zip(points[:-1], points[1:], widths, strict=False):
            ends = [*(a * FINER), *(b * FINER)]
            self._draw.line(ends, fill=255, width=max(1, round(float(width) * FINER)))

    def shape(self, points: Line) -> None:
        self._draw.polygon([tuple(p) for p in points * FINER], fill=255)

    def covered(self, softness: float = 0.0) -> Field:
        picture = self._picture.resize(self._size, Image.Resampling.BOX)
        field: Field = np.asarray(picture, np.float32) / np.float32(255.0)
        if softness > 0.0:
            field = cv2.GaussianBlur(field, (0, 0), softness).astype(np.float32, copy=False)
        return field


def _point(rng: np.random.Generator, shape: Shape) -> Line:
    return rng.random(2) * (shape[1], shape[0])


def _bezier(rng: np.random.Generator, start: Line, end: Line, sag: float) -> Line:
    """A cubic from start to end whose handles lie off the straight line by up to ``sag``."""
    one, two = (start + (end - start) * t + rng.uniform(-sag, sag, 2) for t in (0.33, 0.67))
    t = np.linspace(0.0, 1.0, 40)[:, None]
    left, right = (1 - t) ** 3 * start + 3 * (1 - t) ** 2 * t * one, 3 * (1 - t) * t**2 * two
    curve: Line = left + right + t**3 * end
    return curve


def _fractal(rng: np.random.Generator, start: Line, end: Line, roughness: float) -> Line:
    """A line whose middles are displaced again and again."""
    points = np.stack([start, end])
    for _ in range(6):
        lengths = np.linalg.norm(np.diff(points, axis=0), axis=1, keepdims=True)
        middles = (points[1:] + points[:-1]) / 2 + rng.normal(0, roughness, lengths.shape) * lengths
        merged = np.empty((len(points) + len(middles), 2))
        merged[::2], merged[1::2] = points, middles
        points = merged
    return points


def _tone(rng: np.random.Generator, bright: bool) -> NDArray[np.float32]:
    base = rng.uniform(0.8, 0.98) if bright else rng.uniform(0.02, 0.14)
    tone: NDArray[np.float32] = (base + rng.normal(0.0, 0.02, 3)).astype(np.float32)
    return tone


def scratches(rng: np.random.Generator, light: Light) -> Light:
    """Arcs that taper at their ends."""
    shape = light.shape[:2]
    sheet = _Sheet(shape)
    for _ in range(int(rng.integers(3, 11))):
        start = _point(rng, shape)
        angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(30, 300)
        end = start + length * np.array([np.cos(angle), np.sin(angle)])
        taper = np.sin(np.linspace(0.08, np.pi - 0.08, 40)) ** 0.5
        sheet.line(_bezier(rng, start, end, 0.15 * length), rng.uniform(1.0, 3.0) * taper)
    opacity = sheet.covered(float(rng.uniform(0.2, 0.7))) * np.float32(rng.uniform(0.65, 1.0))
    return blend(light, opacity, _tone(rng, rng.random() < 0.7))


def cracks(rng: np.random.Generator, light: Light) -> Light:
    """Forked fractal lines."""
    shape = light.shape[:2]
    sheet = _Sheet(shape)
    for _ in range(int(rng.integers(1, 4))):
        trunk = _fractal(rng, _point(rng, shape), _point(rng, shape), 0.12)
        width = rng.uniform(1.0, 2.8)
        sheet.line(trunk, width)
        for index in rng.integers(4, len(trunk), int(rng.integers(2, 7))):
            away = trunk[index] + rng.normal(0.0, 60.0, 2)
            sheet.line(_fractal(rng, trunk[index], away, 0.15), 0.7 * width)
    opacity = sheet.covered(0.35) * np.float32(rng.uniform(0.7, 1.0))
    return blend(light, opacity, _tone(rng, rng.random() < 0.6))


def dust(rng: np.random.Generator, light: Light) -> Light:
    """Crumbs: small polygons."""
    shape = light.shape[:2]
    sheet = _Sheet(shape)
    for _ in range(int(rng.integers(15, 120))):
        around = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 9))))
        radii = rng.gamma(2.0, 0.7) * rng.uniform(0.6, 1.3, around.shape) + 0.5
        sheet.shape(_point(rng, shape) + (radii * np.stack([np.cos(around), np.sin(around)])).T)
    return blend(light, sheet.covered(0.3), _tone(rng, rng.random() < 0.6))


def hairs(rng: np.random.Generator, light: Light) -> Light:
    """Loose S-shaped curves of even width."""
    shape = light.shape[:2]
    sheet = _Sheet(shape)
    for _ in range(int(rng.integers(2, 7))):
        start = _point(rng, shape)
        end = start + rng.normal(0.0, 60.0, 2)
        sheet.line(_bezier(rng, start, end, 110.0), rng.uniform(1.0, 1.8))
    opacity = sheet.covered(0.3) * np.float32(rng.uniform(0.7, 1.0))
    return blend(light, opacity, _tone(rng, rng.random() < 0.4))


def folds(rng: np.random.Generator, light: Light) -> Light:
    """A straight crease with cross strokes, brighter on one side."""
    shape = light.shape[:2]
    sheet = _Sheet(shape)
    middle, angle = _point(rng, shape), rng.choice([0.0, np.pi / 2]) + rng.normal(0.0, 0.15)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-along[1], along[0]])
    steps = np.arange(-800.0, 800.0, 4.0)[:, None]
    points = middle + steps * along + rng.normal(0.0, 0.5, (len(steps), 1)) * across
    sheet.line(points, rng.uniform(1.0, 3.5) * rng.uniform(0.4, 1.2, len(points)))
    for point in points[rng.integers(0, len(points), 25)]:
        reach = rng.uniform(1.0, 6.0) * across
        sheet.line(np.stack([point - reach, point + reach]), 1.0)
    y, x = np.mgrid[: shape[0], : shape[1]]
    distance = (x - middle[0]) * across[0] + (y - middle[1]) * across[1]
    glow = np.where(distance > 0, np.exp(-distance.clip(0) / 6.0), 0.0).astype(np.float32)
    light = light + np.float32(rng.uniform(0.02, 0.07)) * glow[..., None]
    return blend(light, sheet.covered(0.3), _tone(rng, rng.random() < 0.8))


def _circles(rng: np.random.Generator, shape: Shape, radius: tuple[float, float]) -> Field:
    """A cloud of overlapping discs around one place; 1 inside."""
    middle = _point(rng, shape)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    field = np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(3, 9))):
        size = rng.uniform(*radius)
        cx, cy = middle + rng.normal(0.0, 0.8 * size, 2)
        wave = 1.0 + 0.06 * np.sin(np.arctan2(y - cy, x - cx) * rng.integers(5, 13))
        field = np.maximum(field, np.clip(size * wave - np.hypot(x - cx, y - cy), 0.0, 4.0) / 4.0)
    return field.astype(np.float32)


def stains(rng: np.random.Generator, light: Light) -> Light:
    """Spills that tint; some only leave their ring."""
    field = _circles(rng, light.shape[:2], (12.0, 45.0))
    tint = np.array([0.62, 0.42, 0.22]) + rng.normal(0.0, 0.08, 3)
    if rng.random() < 0.3:
        tint = rng.uniform(0.1, 0.7, 3)
    if rng.random() < 0.35:
        inner = cv2.erode(field, np.ones((13, 13), np.uint8)).astype(np.float32)
        field = np.clip(field - inner, 0.0, 1.0)
    opacity = cv2.GaussianBlur(field, (0, 0), 1.2) * np.float32(rng.uniform(0.6, 1.0))
    return blend(light, opacity.astype(np.float32), light * tint.clip(0.0, 1.0).astype(np.float32))


def fading(rng: np.random.Generator, light: Light) -> Light:
    """Bleached ovals."""
    shape = light.shape[:2]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    opacity = np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(1, 4))):
        (cx, cy), (a, b) = _point(rng, shape), rng.uniform(25.0, 90.0, 2)
        squared = ((x - cx) / a) ** 2 + ((y - cy) / b) ** 2
        opacity = np.maximum(opacity, 1.0 / (1.0 + squared**3)).astype(np.float32)
    return blend(light, opacity * np.float32(rng.uniform(0.5, 0.85)), _tone(rng, True))


def corners(rng: np.random.Generator, light: Light) -> Light:
    """Cut or torn triangles at corners, with a zigzag edge."""
    height, width = light.shape[:2]
    for corner in rng.choice(4, int(rng.integers(1, 3)), replace=False):
        sheet = _Sheet((height, width))
        origin = np.array([(corner % 2) * width, (corner // 2) * height], np.float64)
        inward = np.array([1 - 2 * (corner % 2), 1 - 2 * (corner // 2)])
        a = origin + inward * (rng.uniform(30, 170), 0.0)
        b = origin + inward * (0.0, rng.uniform(30, 170))
        edge = _fractal(rng, a, b, float(rng.uniform(0.0, 0.06)))
        sheet.shape(np.concatenate([edge, origin[None]]))
        missing = sheet.covered(0.3)
        torn = cv2.dilate(missing, np.ones((5, 5), np.uint8)).astype(np.float32)
        light = blend(light, torn, _tone(rng, True))
        light = blend(light, missing, _tone(rng, rng.random() < 0.5))
    return light


_SAYINGS = (
    "The quick brown fox",
    "jumps over 13 lazy dogs",
    "SAMPLE - do not copy",
    "www.example.org/pictures",
    "Summer, 21.08.1987",
    "PREVIEW ONLY",
    "Live: 20:45 CET",
    "Breaking news tonight",
)


def text(rng: np.random.Generator, light: Light) -> Light:
    """Subtitles, dates and watermarks in fonts that training does not have.

    Raises:
        BackendError: OpenCV is older than 5 and lacks them.
    """
    if not hasattr(cv2, "FontFace"):
        raise BackendError(
            "the held-out letters need OpenCV 5 or newer: pip install -U opencv-python-headless"
        )
    shape = light.shape[:2]
    sheet = np.zeros((*shape, 3), np.uint8)
    face = cv2.FontFace(str(rng.choice(["sans", "italic", "uni"])))
    size = int(rng.integers(13, 44))
    y = int(rng.uniform(0.05, 0.7) * shape[0])
    for _ in range(int(rng.integers(1, 5))):
        where = int(rng.uniform(0.0, 0.5) * shape[1]), y
        weight = int(rng.choice([300, 400, 600]))
        cv2.putText(sheet, str(rng.choice(_SAYINGS)), where, (255, 255, 255), face, size, weight)
        y += round(1.4 * size)
    opacity = sheet[..., 0].astype(np.float32) / np.float32(255.0)
    if rng.random() < 0.3:
        turn = cv2.getRotationMatrix2D((shape[1] / 2, shape[0] / 2), rng.uniform(-30, 30), 1.0)
        opacity = cv2.warpAffine(opacity, turn, shape[::-1]).astype(np.float32, copy=False)
    colour = _tone(rng, True) if rng.random() < 0.6 else rng.random(3).astype(np.float32)
    if rng.random() < 0.5:
        edge = cv2.dilate(opacity, np.ones((3, 3), np.uint8)).astype(np.float32)
        light = blend(light, edge, _tone(rng, bool(colour.mean() < 0.5)))
    return blend(light, opacity * np.float32(rng.choice([1.0, 1.0, 0.6])), colour)


def logos(rng: np.random.Generator, light: Light) -> Light:
    """Crosses, chevrons and checked plates."""
    shape = light.shape[:2]
    for _ in range(int(rng.integers(1, 3))):
        sheet = _Sheet(shape)
        middle, size = _point(rng, shape), rng.uniform(14.0, 48.0)
        kind = int(rng.integers(3))
        if kind == 0:
            sheet.line(middle + size * np.array([[-1.0, 0.0], [1.0, 0.0]]), 0.4 * size)
            sheet.line(middle + size * np.array([[0.0, -1.0], [0.0, 1.0]]), 0.4 * size)
        elif kind == 1:
            for shift in (-0.5, 0.0, 0.5):
                chevron = np.array([[-1.0, -0.5], [0.0, 0.3], [1.0, -0.5]]) + np.array([0.0, shift])
                sheet.line(middle + size * chevron, 0.2 * size)
        else:
            for row, column in np.argwhere(rng.random((6, 6)) < 0.5):
                cell = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) + np.array([column - 3, row - 3])
                sheet.shape(middle + size / 3.0 * cell)
        colour = rng.random(3).astype(np.float32)
        light = blend(light, sheet.covered(0.3) * np.float32(rng.uniform(0.6, 1.0)), colour)
    return light


def pixels(rng: np.random.Generator, light: Light) -> Light:
    """Dead and hot pixels, some of whose light the demosaicing has spread to the neighbours."""
    light = light.copy()
    height, width = light.shape[:2]
    for _ in range(int(rng.integers(40, 160))):
        y, x = int(rng.integers(1, height - 1)), int(rng.integers(1, width - 1))
        value = _tone(rng, rng.random() < 0.7)
        light[y, x] = value
        if rng.random() < 0.3:
            for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)):
                light[y + dy, x + dx] += 0.35 * (value - light[y + dy, x + dx])
    return light


def lines(rng: np.random.Generator, light: Light) -> Light:
    """Rows and columns that are dead, flicker, or keep the value of one place."""
    light = light.copy()
    height, width = light.shape[:2]
    for _ in range(int(rng.integers(2, 8))):
        upright = rng.random() < 0.5
        index, kind = int(rng.integers(width if upright else height)), int(rng.integers(3))
        line = light[:, index] if upright else light[index]
        if kind == 0:
            line[:] = _tone(rng, rng.random() < 0.5)
        elif kind == 1:
            line[:] = rng.random((len(line), 1))
        else:
            line[:] = line[int(rng.integers(len(line)))]
    return light


def dirt(rng: np.random.Generator, light: Light) -> Light:
    """Smudges of several soft spots."""
    shape = light.shape[:2]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    opacity = np.zeros(shape, np.float32)
    for _ in range(int(rng.integers(2, 6))):
        middle = _point(rng, shape)
        for _ in range(int(rng.integers(1, 4))):
            (cx, cy), size = middle + rng.normal(0.0, 8.0, 2), rng.uniform(6.0, 20.0)
            bump = np.exp(-((((x - cx) ** 2 + (y - cy) ** 2) / size**2) ** 1.5))
            opacity = np.maximum(opacity, bump).astype(np.float32)
    return blend(light, opacity * np.float32(rng.uniform(0.5, 0.9)), _tone(rng, rng.random() < 0.2))


def drops(rng: np.random.Generator, light: Light) -> Light:
    """Drops that turn what is behind them over, with a bright crescent."""
    shape = light.shape[:2]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    for _ in range(int(rng.integers(3, 9))):
        (cx, cy), size = _point(rng, shape).astype(np.float32), np.float32(rng.uniform(7.0, 24.0))
        dx, dy = (x - cx) / size, (y - cy) / (size * np.float32(1.15))
        radius = np.hypot(dx, dy)
        bend = -np.float32(rng.uniform(2.0, 3.5)) * size * (1.0 + radius**2)
        across = np.clip(cx + bend * dx, -shape[1], 2 * shape[1])  # far off it would take seconds
        down = np.clip(cy + bend * dy, -shape[0], 2 * shape[0])
        seen = cv2.remap(light, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        shine = np.exp(-(((radius - 0.75) / 0.12) ** 2)) * np.clip(-dy, 0.0, 1.0)
        drop = 0.9 * cv2.GaussianBlur(seen, (0, 0), 1.2) + 0.5 * shine[..., None]
        inside = np.clip((1.0 - radius) * size / 2.0, 0.0, 1.0).astype(np.float32)
        light = blend(light, inside, np.clip(drop, 0.0, 1.0).astype(np.float32))
    return light


KINDS: Mapping[str, Kind] = {
    kind.__name__: kind
    for kind in (
        scratches,
        cracks,
        dust,
        hairs,
        folds,
        stains,
        fading,
        corners,
        text,
        logos,
        pixels,
        lines,
        dirt,
        drops,
    )
}
