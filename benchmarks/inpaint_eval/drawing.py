"""What damage is drawn with: colours laid over uint8 pictures, soft lines, smooth noise, grain.

Pictures are RGB uint8 [H, W, 3] and are painted in place, within the box that a shape covers, so
that the cost follows the damage and not the picture.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_eval.pictures import Pixels

Field = NDArray[np.float32]
"""One number a pixel, [H, W]."""

Coverage = NDArray[np.uint8]
"""Share of each pixel that is covered, [H, W], 255 for all of it."""

Colour = NDArray[np.float32]
"""RGB in [0, 1], [3]."""

Points = NDArray[np.float64]
"""A line's points (x, y) in pixels, [n, 2]."""

Shape = tuple[int, int]
"""Height and width."""

_SHEET = 768
"""Side of the stored noise that grain is cut from."""


def paint(
    picture: Pixels,
    opacity: Coverage | Field,
    colour: Colour | Pixels,
    strength: float = 1.0,
    at: tuple[int, int] = (0, 0),
) -> None:
    """Lays a colour over a picture, in place. Pixels of opacity 0 keep their value to the bit.

    picture: contiguous. opacity: coverage, or a field in [0, 1]; strength scales it.
    colour: one, or a picture of the size of ``picture``.
    at: left and top of the opacity's map in the picture; what lies outside is cut off.
    """
    covered = to_coverage(opacity, strength)
    x, y, width, height = cv2.boundingRect(covered)
    left, top = at
    x0, x1 = max(x, -left), min(x + width, picture.shape[1] - left)
    y0, y1 = max(y, -top), min(y + height, picture.shape[0] - top)
    if x0 >= x1 or y0 >= y1:
        return
    part = covered[y0:y1, x0:x1]
    # Rows of colour samples, since broadcasting over an axis of three is slow.
    rows, samples = slice(y0 + top, y1 + top), slice(3 * (x0 + left), 3 * (x1 + left))
    below = picture.reshape(picture.shape[0], -1)[rows, samples]
    weight = cv2.merge((part, part, part)).reshape(y1 - y0, -1).astype(np.uint16)
    over: NDArray[np.uint16]
    if colour.ndim == 3:
        over = colour.reshape(picture.shape[0], -1)[rows, samples].astype(np.uint16)
    else:
        value = np.clip(np.rint(colour * np.float32(255.0)), 0, 255).astype(np.uint16)
        over = np.tile(value, x1 - x0)
    below[:] = (below * (255 - weight) + over * weight + 127) // 255


def to_coverage(opacity: Coverage | Field, strength: float = 1.0) -> Coverage:
    """A field in [0, 1], or coverage, scaled by a strength in [0, 1]."""
    if opacity.dtype == np.uint8 and strength == 1.0:
        return opacity.astype(np.uint8, copy=False)
    alpha = strength if opacity.dtype == np.uint8 else 255.0 * strength
    return cv2.convertScaleAbs(opacity, alpha=alpha).astype(np.uint8, copy=False)


def brighten(picture: Pixels, change: Field) -> None:
    """Adds to all channels, in place; ``change`` in units of full light, negative to darken."""
    scaled = change * np.float32(255.0)
    cv2.add(picture, cv2.merge((scaled, scaled, scaled)), dst=picture, dtype=cv2.CV_8U)


class Canvas:
    """Draws finer than the picture, so that lines may have any width and soft edges.

    shape: the picture's height and width.
    """

    FINER = 4

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self._fine = np.zeros((shape[0] * self.FINER, shape[1] * self.FINER), np.uint8)

    def line(self, points: Points, width: float, strength: float = 1.0) -> None:
        """Draws a line; width in pixels, strength from 0 to 1."""
        pixels = max(1, round(width * self.FINER) - 1)  # OpenCV's lines are one or two wider
        value = round(255 * strength)
        cv2.polylines(self._fine, [self._grid(points)], False, value, pixels, cv2.LINE_8)

    def ribbon(self, points: Points, widths: Points, strength: float = 1.0) -> None:
        """Draws a line whose width, [n] in pixels, changes from point to point."""
        along = np.gradient(points, axis=0)
        along /= np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-6)[:, None]
        side = np.stack([-along[:, 1], along[:, 0]], axis=1) * (widths / 2.0)[:, None]
        self.polygon(np.concatenate([points + side, (points - side)[::-1]]), strength)

    def polygon(self, points: Points, strength: float = 1.0) -> None:
        """Fills what the points enclose."""
        cv2.fillPoly(self._fine, [self._grid(points)], round(255 * strength))

    def ellipses(self, centres: Points, radii: Points, angles: Points) -> None:
        """Fills ellipses; centres and radii [n, 2] in pixels, angles [n] in radians."""
        around = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)
        x, y = radii[:, :1] * np.cos(around), radii[:, 1:] * np.sin(around)
        cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
        outlines = np.stack([x * cos - y * sin, x * sin + y * cos], axis=2) + centres[:, None]
        for outline in np.round(outlines * self.FINER).astype(np.int32):
            cv2.fillConvexPoly(self._fine, outline, 255)

    def coverage(self, blur: float = 0.0) -> Coverage:
        """The share of each pixel that was drawn on, [H, W]; blur is a deviation in pixels."""
        covered = np.zeros(self.shape, np.uint8)
        x, y, width, height = cv2.boundingRect(self._fine)
        if width == 0:
            return covered
        left, top = x // self.FINER, y // self.FINER
        right, bottom = -(-(x + width) // self.FINER), -(-(y + height) // self.FINER)
        part = self._fine[
            top * self.FINER : bottom * self.FINER, left * self.FINER : right * self.FINER
        ]
        size = 2 * (right - left), 2 * (bottom - top)
        half = cv2.resize(part, size, interpolation=cv2.INTER_AREA)  # two halvings are the faster
        size = right - left, bottom - top
        cv2.resize(half, size, dst=covered[top:bottom, left:right], interpolation=cv2.INTER_AREA)
        return cv2.GaussianBlur(covered, (0, 0), blur).astype(np.uint8) if blur > 0.2 else covered

    def _grid(self, points: Points) -> NDArray[np.int32]:
        return np.round(points * self.FINER).astype(np.int32).reshape(-1, 1, 2)


def smooth_noise(rng: np.random.Generator, shape: Shape, cell: float) -> Field:
    """Smooth noise of zero mean and about unit variance; a bump takes about ``cell`` pixels."""
    rows, columns = (max(3, round(side / cell) + 2) for side in shape)
    noise = rng.standard_normal((rows, columns)).astype(np.float32)
    if cell >= 12.0:  # linear from three samples a bump on, which is a quarter of the time
        size = -(-shape[1] // 4), -(-shape[0] // 4)
        noise = cv2.resize(noise, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
        method = cv2.INTER_LINEAR
    else:
        method = cv2.INTER_CUBIC
    return cv2.resize(noise, shape[::-1], interpolation=method).astype(np.float32, copy=False)


def ragged_noise(rng: np.random.Generator, shape: Shape, cell: float) -> Field:
    """Smooth noise with finer noise in it, for borders that are torn or soaked."""
    coarse, strength = np.zeros((-(-shape[0] // 4), -(-shape[1] // 4)), np.float32), 1.0
    while cell >= 12.0:
        coarse += np.float32(strength) * smooth_noise(rng, _shape(coarse), cell / 4.0)
        cell, strength = cell / 2.5, strength * 0.5
    total = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_LINEAR)
    while cell >= 2.4:
        total += np.float32(strength) * smooth_noise(rng, shape, cell)
        cell, strength = cell / 2.5, strength * 0.5
    return total.astype(np.float32, copy=False)


def _shape(field: NDArray[Any]) -> Shape:
    return field.shape[0], field.shape[1]


def smooth_step(x: Field) -> Field:
    """From 0 below 0 to 1 above 1, smoothly."""
    x = np.clip(x, 0.0, 1.0)
    stepped: Field = x * x * (3.0 - 2.0 * x)
    return stepped


def patch(rng: np.random.Generator, shape: Shape, share: float, edge: float) -> Field:
    """A ragged blob or several, 1 inside and 0 outside, [H, W].

    share: of the picture, about. edge: width of the soft border, in deviations of the noise.
    """
    field = ragged_noise(rng, shape, float(rng.uniform(0.2, 0.7)) * min(shape))
    level = np.quantile(field[::4, ::4], 1.0 - share)
    return smooth_step((field - np.float32(level)) / np.float32(edge) + np.float32(0.5))


def offsets(centre: Points, origin: tuple[int, int], shape: Shape) -> tuple[Field, Field]:
    """Offsets of pixels from a centre (x, y): [1, W] and [H, 1]. origin: left and top."""
    x = np.arange(origin[0], origin[0] + shape[1], dtype=np.float32) - np.float32(centre[0])
    y = np.arange(origin[1], origin[1] + shape[0], dtype=np.float32) - np.float32(centre[1])
    return x[None], y[:, None]


def spots(rng: np.random.Generator, shape: Shape, count: int, radius: tuple[float, float]) -> Field:
    """So many, of radii from this range, in pixels; 1 inside, 0 outside."""
    field = np.zeros(shape, np.float32)
    for _ in range(count):
        add_spot(rng, field, log_uniform(rng, *radius))
    return field


_FAINT = np.float32(0.02)
"""Opacity that cannot be seen; a spot that fades out ends there."""


def add_spot(rng: np.random.Generator, field: Field, radius: float) -> None:
    """An oval, or several that overlap: 1 inside, 0 outside, with a border of any softness."""
    lobes = 1 if rng.random() < 0.5 else int(rng.integers(2, 7))
    steepness = 0.0 if rng.random() < 0.6 else log_uniform(rng, 3.0, 12.0)
    far = 1.2 if steepness == 0.0 else float(1.0 / _FAINT) ** (1.0 / steepness)
    centre = anywhere(rng, (field.shape[0], field.shape[1]))
    middles = centre + (lobes > 1) * rng.normal(0.0, 0.6 * radius, (lobes, 2))
    reach = far * radius
    left, top = np.maximum(0, np.floor(middles.min(axis=0) - reach)).astype(int)
    right, bottom = np.minimum(
        field.shape[::-1], np.ceil(middles.max(axis=0) + reach + 1.0)
    ).astype(int)
    if left >= right or top >= bottom:
        return
    part = field[top:bottom, left:right]
    squared = np.full(part.shape, np.inf, np.float32)
    for middle in middles:
        angle, size = rng.uniform(0.0, np.pi), radius * (1.0 if lobes == 1 else rng.uniform(0.4, 1))
        cos, sin = np.float32(np.cos(angle) / size), np.float32(np.sin(angle) / size)
        narrow = np.float32(log_uniform(rng, 1.0, 2.2))
        dx, dy = offsets(middle, (left, top), (part.shape[0], part.shape[1]))
        along, across = dx * cos + dy * sin, (dy * cos - dx * sin) * narrow
        np.minimum(squared, along * along + across * across, out=squared)
    # OpenCV's magnitude depends on how its arrays lie in memory, in the last digit.
    distance = np.sqrt(squared)
    if rng.random() < 0.7:
        bumps = smooth_noise(rng, (part.shape[0], part.shape[1]), 2.0 * radius)
        distance += np.float32(0.08) * bumps
    if steepness == 0.0:
        softness = np.float32(log_uniform(rng, 0.03, 0.8))
        spot = smooth_step((np.float32(1.0) - distance) / softness)
    else:  # fades out, and ends nowhere
        powered = np.maximum(distance, np.float32(0.0)) ** np.float32(steepness)
        faded = np.float32(1.0) / (np.float32(1.0) + powered)
        spot = np.maximum(faded - _FAINT, 0.0) * np.float32(1.0 / (1.0 - _FAINT))
    np.maximum(part, spot, out=part)


def add_grain(
    rng: np.random.Generator,
    picture: Pixels,
    strength: float,
    *,
    size: float = 0.0,
    colourful: float = 1.0,
) -> Pixels:
    """A picture with film's or a sensor's noise.

    strength: standard deviation in units of full light. size: of a grain, the deviation in pixels
    of the Gaussian that the noise is smoothed with; 0, 0.5, 0.8 or 1.2, whichever is nearest.
    colourful: 1 for noise of its own in each channel, 0 for the same in all.
    """
    noise = _cut_noise(rng, _shape(picture), size)
    if colourful < 1.0:
        # Rows of the matrix mix the channels; its diagonal keeps the variance.
        shared = np.sqrt(1.0 - colourful**2)
        mix = np.float32(colourful) * np.eye(3, dtype=np.float32)
        mix[:, 1] += np.float32(shared)
        mix /= np.linalg.norm(mix, axis=1, keepdims=True)
        noise = cv2.transform(noise, mix).astype(np.int16, copy=False)
    grainy = cv2.addWeighted(picture.astype(np.int16), 1.0, noise, 255.0 * strength / _UNIT, 0.0)
    return np.clip(grainy, 0, 255).astype(np.uint8)


def stored_noise(rng: np.random.Generator, shape: Shape) -> Field:
    """Independent noise of unit variance, cut from a stored sheet: a tenth of drawing it."""
    noise: Field = _cut_noise(rng, shape, 0.0)[..., 0] / np.float32(_UNIT)
    return noise


_UNIT = 1024
"""Of stored noise, for a deviation of 1."""

_GRAINS = (0.0, 0.5, 0.8, 1.2)


def _cut_noise(rng: np.random.Generator, shape: Shape, size: float) -> NDArray[np.int16]:
    """A cut of a stored sheet, or of several side by side, [H, W, 3]."""
    sheet = _noise_sheet(min(_GRAINS, key=lambda known: abs(known - size)))
    if max(shape) > _SHEET:
        sheet = np.tile(sheet, (-(-shape[0] // _SHEET), -(-shape[1] // _SHEET), 1))
    top, left = (int(rng.integers(0, sheet.shape[axis] - shape[axis] + 1)) for axis in (0, 1))
    return sheet[top : top + shape[0], left : left + shape[1]]


@lru_cache(maxsize=len(_GRAINS))
def _noise_sheet(size: float) -> NDArray[np.int16]:
    white = np.random.default_rng(round(10 * size)).standard_normal((_SHEET, _SHEET, 3))
    noise = np.asarray(cv2.GaussianBlur(white, (0, 0), size) if size > 0.0 else white)
    sheet: NDArray[np.int16] = np.rint(noise / noise.std() * _UNIT).astype(np.int16)
    return sheet


def compress(picture: Pixels, suffix: str, quality: int, *, full_colour: bool = False) -> Pixels:
    """Encodes and decodes an RGB picture; ``.jpg``, or ``.webp`` as VP8's still frames are.

    full_colour: of JPEG, whether colours have the resolution of brightness (4:4:4, not 4:2:0).
    """
    flag = cv2.IMWRITE_JPEG_QUALITY if suffix == ".jpg" else cv2.IMWRITE_WEBP_QUALITY
    settings = [flag, quality]
    if full_colour:
        settings += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, data = cv2.imencode(suffix, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), settings)
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def sharpen(picture: Pixels, sigma: float, amount: float) -> Pixels:
    """Unsharp masking, as cameras and scanners do it; a halo is as wide as ``sigma`` in pixels."""
    soft = cv2.GaussianBlur(picture, (0, 0), sigma)
    return cv2.addWeighted(picture, 1.0 + amount, soft, -amount, 0.0).astype(np.uint8)


def paper(rng: np.random.Generator) -> Colour:
    """White of paper, a little warm; [3]."""
    white = rng.uniform(0.72, 1.0) - np.array([0.0, 0.03, 0.08]) * rng.uniform(0.0, 1.5)
    return np.clip(white, 0.0, 1.0).astype(np.float32)


def dark(rng: np.random.Generator) -> Colour:
    """Nearly black; [3]."""
    return (rng.uniform(0.0, 0.2) + rng.uniform(0.0, 0.05, 3)).astype(np.float32)


def ink(rng: np.random.Generator, light_share: float = 0.65) -> Colour:
    """Light, dark, or now and then any colour; [3]."""
    if rng.random() < 0.1:
        return rng.random(3).astype(np.float32)
    return paper(rng) if rng.random() < light_share else dark(rng)


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(low * (high / low) ** rng.random())


def walk(
    rng: np.random.Generator,
    start: Points,
    heading: float,
    length: float,
    turn: float,
    stride: float,
) -> Points:
    """A line that turns by chance; turn: deviation in radians a stride. Lengths in pixels."""
    steps = max(2, round(length / stride))
    headings = heading + np.cumsum(rng.normal(0.0, turn, steps))
    moves = stride * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    return np.concatenate([start[None], start + np.cumsum(moves, axis=0)])


def curl(rng: np.random.Generator, start: Points, length: float, bend: float) -> Points:
    """A line whose bend itself changes slowly, like a hair; bend: radians over its length."""
    steps = max(6, round(length / 2.0))
    knots = rng.normal(0.0, 1.0, int(rng.integers(2, 6)))
    bends = np.interp(np.linspace(0.0, 1.0, steps), np.linspace(0.0, 1.0, len(knots)), knots)
    headings = rng.uniform(0.0, 2.0 * np.pi) + np.cumsum(bends) * bend / steps
    moves = (length / steps) * np.stack([np.cos(headings), np.sin(headings)], axis=1)
    return np.concatenate([start[None], start + np.cumsum(moves, axis=0)])


def anywhere(rng: np.random.Generator, shape: Shape, beyond: float = 0.0) -> Points:
    """A point (x, y) in the picture, or up to a share ``beyond`` outside of it."""
    point: Points = rng.uniform(-beyond, 1.0 + beyond, 2) * np.array([shape[1], shape[0]])
    return point


def turned(coverage: Coverage, angle: float) -> Coverage:
    """Turned about the centre; angle in radians."""
    height, width = coverage.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(np.degrees(angle)), 1.0)
    return cv2.warpAffine(coverage, turn, (width, height)).astype(np.uint8, copy=False)
