"""Letters that belong to a scene: signs, boxes, pages."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_eval.drawing import (
    Colour,
    Coverage,
    Shape,
    anywhere,
)
from inpaint_eval.pictures import Pixels
from inpaint_eval.text import letters, place, words
from inpaint_eval.undamaged.scene import (
    Scene,
    pick_colour,
    pick_quad,
    set_face,
)


def _face(rng: np.random.Generator, shape: Shape, lines: int) -> tuple[Pixels, Coverage, Colour]:
    """A board or a label: its colours, its letters, and theirs."""
    dim = rng.random() < 0.5
    face = np.empty((*shape, 3), np.uint8)
    face[:] = np.rint(255.0 * pick_colour(rng, *((0.05, 0.35) if dim else (0.6, 0.95)), 0.15))
    if rng.random() < 0.5:
        top = int(rng.uniform(0.0, 0.7) * shape[0])
        band = pick_colour(rng, 0.1, 0.9, 0.25)
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
    return face, ink, pick_colour(rng, *((0.65, 1.0) if dim else (0.02, 0.3)), 0.12)


def signs(scene: Scene) -> None:
    """Boards with lettering, hung in the scene."""
    rng = scene.rng
    for _ in range(int(rng.integers(1, 4))):
        lines = int(rng.integers(1, 4))
        shape = 48 * lines, int(rng.integers(160, 320))
        width = scene.scale * rng.uniform(0.3, 0.55) * scene.shape[1]
        quad = pick_quad(rng, anywhere(rng, scene.shape, -0.15), width, width * shape[0] / shape[1])
        set_face(scene, *_face(rng, shape, lines), quad)


def film_boxes(scene: Scene) -> None:
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
            set_face(scene, *_face(rng, shape, lines), quad)


def text_page(scene: Scene) -> None:
    """A printed page on a desk, seen aslant."""
    rng = scene.rng
    page = np.empty((900, 700, 3), np.uint8)
    page[:] = np.rint(255.0 * pick_colour(rng, 0.8, 0.97, 0.03))
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
    quad = pick_quad(rng, middle, width * rng.uniform(0.8, 1.3), height * rng.uniform(0.9, 1.5))
    set_face(scene, page, ink, pick_colour(rng, 0.02, 0.2, 0.03), quad)
