"""A picture that things are set into, before and after it is photographed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.drawing import (
    Canvas,
    Colour,
    Coverage,
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
)
from inpaint_eval.pictures import Pixels


class Scene:
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


def pick_colour(rng: np.random.Generator, low: float, high: float, tint: float = 0.1) -> Colour:
    return np.clip(rng.uniform(low, high) + rng.normal(0.0, tint, 3), 0.0, 1.0).astype(np.float32)


def background(rng: np.random.Generator, shape: Shape) -> Pixels:
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
        paint(picture, canvas.coverage(rng.uniform(0.0, 3.0)), pick_colour(rng, 0.1, 0.9, 0.08))
    brighten(picture, np.float32(0.02) * smooth_noise(rng, shape, 3.0))
    return picture


def photographed(rng: np.random.Generator, picture: Pixels) -> Pixels:
    """The lens's blur, a little noise, and now and then sharpening and compression."""
    picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.35, 0.8)), np.uint8)
    picture = add_grain(rng, picture, log_uniform(rng, 0.002, 0.012), size=0.5)
    if rng.random() < 0.4:
        picture = sharpen(picture, float(rng.uniform(0.6, 1.2)), float(rng.uniform(0.2, 0.9)))
    if rng.random() < 0.6:
        picture = compress(picture, ".jpg", int(rng.integers(70, 97)))
    return picture


def set_face(scene: Scene, face: Pixels, ink: Coverage, colour: Colour, quad: Points) -> None:
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


def pick_quad(rng: np.random.Generator, middle: Points, width: float, height: float) -> Points:
    """Corners of an upright rectangle seen aslant."""
    slant, nearer = rng.uniform(-0.35, 0.35), rng.uniform(0.65, 1.0)
    left, right = (1.0, nearer) if rng.random() < 0.5 else (nearer, 1.0)
    corners = np.array([[-1.0, -left], [1.0, -right], [1.0, right], [-1.0, left]])
    corners[:, 1] += slant * corners[:, 0] * width / height * 0.5
    placed: Points = middle + corners * np.array([width, height]) / 2.0
    return placed
