"""The kinds of damage that a detector is trained on, drawn as they look. Each changes a picture.

Lengths are pixels of pictures of about 500 pixels a side, whatever part of one is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from inpaint_export.data.damage_drawing import (
    Canvas,
    Field,
    Light,
    Points,
    anywhere,
    blend,
    curl,
    dark,
    ink,
    letters,
    log_uniform,
    paper,
    patch,
    place,
    ragged_noise,
    smooth_noise,
    smooth_step,
    turned,
    walk,
    words,
)

Kind = Callable[[np.random.Generator, Light], Light]


def scratches(rng: np.random.Generator, light: Light) -> Light:
    """Thin lines, mostly along one direction; or straight up and down, as on film.

    Two in five of the others are straight, half of these about level or upright, as from a
    scanner's rollers. Half of the rest thin out towards their ends.
    """
    shape = light.shape[:2]
    canvas = Canvas(shape)
    film = rng.random() < 0.2
    along = np.pi / 2 if film else rng.uniform(0.0, np.pi)
    for _ in range(round(log_uniform(rng, 2, 16))):
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
            widths = width * np.sin(np.linspace(0.1, np.pi - 0.1, len(line) - 1))
            for index, thin in enumerate(widths):
                canvas.line(line[index : index + 2], float(thin), strength)
    opacity = canvas.coverage(float(rng.uniform(-0.5, 1.0))) * rng.uniform(0.6, 1.0)
    return blend(light, _worn(rng, opacity), ink(rng))


def _worn(rng: np.random.Generator, opacity: Field) -> Field:
    """Half of the time, with gaps and weak places."""
    opacity = opacity.astype(np.float32)
    if rng.random() < 0.5:
        return opacity
    field = smooth_noise(rng, (opacity.shape[0], opacity.shape[1]), log_uniform(rng, 3, 40))
    worn: Field = opacity * smooth_step(field * np.float32(1.5) + np.float32(1.0))
    return worn


def cracks(rng: np.random.Generator, light: Light) -> Light:
    """Jagged lines that branch, or a network as of dried paint, some with a shaded edge."""
    shape = light.shape[:2]
    opacity = _network(rng, shape) if rng.random() < 0.35 else _branches(rng, shape)
    opacity = _worn(rng, opacity * np.float32(rng.uniform(0.6, 1.0)))
    colour = ink(rng, 0.6)
    if rng.random() < 0.5:  # one side of a raised edge lies in the shade, or catches the light
        across, down = rng.uniform(-1.5, 1.5, 2)
        shift = np.array([[1, 0, across], [0, 1, down]], np.float32)
        edge = cv2.warpAffine(opacity, shift, shape[::-1]).astype(np.float32)
        opposite = dark(rng) if colour.mean() > 0.5 else paper(rng)
        light = blend(light, edge * np.float32(rng.uniform(0.2, 0.7)), opposite)
    return blend(light, opacity, colour)


def _branches(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
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
        for point in line[1:]:
            if rng.random() < 0.06 and length > 20:
                side = rng.choice([-1.0, 1.0]) * rng.uniform(0.4, 1.3)
                starts.append((point, heading + side, length * rng.uniform(0.2, 0.6)))
    return canvas.coverage(float(rng.uniform(-0.4, 0.7)))


def _network(rng: np.random.Generator, shape: tuple[int, int]) -> Field:
    """Borders between the nearest of random points, bent by noise."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    bend = np.float32(rng.uniform(2.0, 6.0))
    x, y = x + bend * smooth_noise(rng, shape, 20), y + bend * smooth_noise(rng, shape, 20)
    count = int(np.clip(x.size / log_uniform(rng, 25, 90) ** 2, 4, 40))
    centres = rng.uniform(-0.1, 1.1, (count, 2)) * np.array([shape[1], shape[0]])
    nearest, second = np.full((2, *shape), np.inf, np.float32)
    for cx, cy in centres.astype(np.float32):
        distance = cv2.magnitude(x - cx, y - cy).astype(np.float32, copy=False)
        second = np.minimum(second, np.maximum(nearest, distance))
        nearest = np.minimum(nearest, distance)
    gap = second - nearest
    lines = np.clip(np.float32(rng.uniform(0.8, 2.0)) - gap * np.float32(0.7), 0.0, 1.0)
    return (lines * patch(rng, shape, float(rng.uniform(0.2, 1.0)), 0.4)).astype(np.float32)


def dust(rng: np.random.Generator, light: Light) -> Light:
    """Specks of all sizes."""
    shape = light.shape[:2]
    canvas = Canvas(shape)
    largest = log_uniform(rng, 1.0, 5.0)
    for _ in range(round(log_uniform(rng, 3, 90))):
        radius = log_uniform(rng, 0.5, largest)
        radii = radius, radius * float(rng.uniform(0.4, 1.0))
        canvas.ellipse(anywhere(rng, shape), radii, float(rng.uniform(0.0, np.pi)))
    opacity = canvas.coverage(float(rng.uniform(-0.5, 1.2))) * np.float32(rng.uniform(0.6, 1.0))
    return blend(light, opacity, ink(rng, 0.6))


def hairs(rng: np.random.Generator, light: Light) -> Light:
    """Curled fibres."""
    shape = light.shape[:2]
    canvas = Canvas(shape)
    for _ in range(int(rng.integers(1, 8))):
        line = curl(rng, anywhere(rng, shape), log_uniform(rng, 15, 180), rng.uniform(1.0, 9.0))
        canvas.line(line, log_uniform(rng, 0.7, 2.2))
    opacity = canvas.coverage(float(rng.uniform(-0.4, 0.9))) * np.float32(rng.uniform(0.5, 1.0))
    return blend(light, opacity, ink(rng, 0.5))


def folds(rng: np.random.Generator, light: Light) -> Light:
    """A crease across the picture: broken emulsion along a line, and shading beside it."""
    shape = light.shape[:2]
    for _ in range(int(rng.integers(1, 3))):
        angle = rng.choice([0.0, np.pi / 2]) if rng.random() < 0.6 else rng.uniform(0.0, np.pi)
        angle = angle + rng.normal(0.0, 0.05)
        centre = anywhere(rng, shape)
        y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        across = (x - centre[0]) * np.sin(angle) - (y - centre[1]) * np.cos(angle)
        across = across.astype(np.float32)
        across += np.float32(rng.uniform(0.2, 2.0)) * smooth_noise(rng, shape, 40)
        width = np.float32(log_uniform(rng, 0.6, 4.0))
        rough = smooth_noise(rng, shape, float(rng.uniform(2.0, 8.0)))
        half = width * (1.0 + np.float32(0.5) * rough)
        core = np.clip(half - np.abs(across) + np.float32(0.5), 0.0, 1.0).astype(np.float32)
        reach = np.float32(log_uniform(rng, 3.0, 18.0))
        shade = np.exp(-np.abs(across) / reach) * np.tanh(across / (0.3 * reach))
        light = light + np.float32(rng.uniform(0.02, 0.12)) * shade[..., None].astype(np.float32)
        light = blend(light, _worn(rng, core * np.float32(rng.uniform(0.5, 1.0))), ink(rng, 0.8))
    return light


def stains(rng: np.random.Generator, light: Light) -> Light:
    """Coffee, water, mould, ink: soaked patches that tint; many have a dark rim, or are one."""
    shape = light.shape[:2]
    soaked = (
        _spots(rng, shape, round(log_uniform(rng, 1, 6)), (8.0, 80.0))
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
        rim = 4.0 * soaked * (1.0 - soaked)
        opacity = np.clip(opacity + rim * np.float32(rng.uniform(0.1, 0.5)), 0.0, 1.0)
    if rng.random() < 0.7:  # soaks in, and the picture shows through
        return blend(light, opacity.astype(np.float32), light * tint)
    return blend(light, opacity.astype(np.float32), tint)


def fading(rng: np.random.Generator, light: Light) -> Light:
    """Patches that have lost contrast, towards paper or grey."""
    shape = light.shape[:2]
    faded = (
        _spots(rng, shape, round(log_uniform(rng, 1, 4)), (15.0, 100.0))
        if rng.random() < 0.6
        else patch(rng, shape, log_uniform(rng, 0.02, 0.25), log_uniform(rng, 0.05, 0.8))
    )
    towards = paper(rng) if rng.random() < 0.7 else np.full(3, rng.uniform(0.2, 0.6), np.float32)
    return blend(light, faded * np.float32(rng.uniform(0.35, 0.9)), towards)


def corners(rng: np.random.Generator, light: Light) -> Light:
    """Missing corners and torn sides, with what lay below and a rim of torn paper."""
    shape = light.shape[:2]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    inside = np.full(shape, np.inf, np.float32)  # distance from what is missing, about
    for _ in range(int(rng.integers(1, 4))):
        from_left = x if rng.random() < 0.5 else shape[1] - 1 - x
        from_top = y if rng.random() < 0.5 else shape[0] - 1 - y
        if rng.random() < 0.65:
            lean = np.float32(log_uniform(rng, 0.5, 2.0))
            bulge = 1.0 if rng.random() < 0.4 else float(rng.uniform(0.6, 1.6))
            distance = (from_left**bulge + (lean * from_top) ** bulge) ** (1.0 / bulge)
            reach = log_uniform(rng, 8.0, 0.6 * shape[0])
        else:
            distance = from_left if rng.random() < 0.5 else from_top
            reach = log_uniform(rng, 2.0, 0.12 * shape[0])
        inside = np.minimum(inside, distance - np.float32(reach))
    roughness = np.float32(rng.uniform(0.0, 5.0))
    inside = inside + roughness * ragged_noise(rng, shape, float(rng.uniform(10.0, 60.0)))
    missing = np.clip(np.float32(0.5) - inside, 0.0, 1.0)
    if rng.random() < 0.6:
        rim = np.float32(log_uniform(rng, 0.7, 7.0))
        rim = rim * smooth_step(smooth_noise(rng, shape, 12) + np.float32(0.8))
        light = blend(light, np.clip(rim - inside, 0.0, 1.0).astype(np.float32), paper(rng))
    below = ink(rng, 0.5) if rng.random() < 0.8 else np.full(3, rng.uniform(0.2, 0.8), np.float32)
    grain = rng.normal(0.0, rng.uniform(0.0, 0.03), (*shape, 1)).astype(np.float32)
    return blend(light, missing.astype(np.float32), below + grain)


def text(rng: np.random.Generator, light: Light) -> Light:
    """A caption, a paragraph, or a mark repeated over the picture."""
    shape = light.shape[:2]
    height = log_uniform(rng, 7.0, 45.0)
    opacity = np.zeros(shape, np.float32)
    layout = rng.random()
    spacing = height * rng.uniform(1.5, 4.0)
    lines = (
        1 if layout < 0.4 else int(shape[0] / spacing) + 1 if layout < 0.6 else rng.integers(2, 6)
    )
    top = rng.uniform(-0.1, 0.9) * shape[0] if lines < 6 else rng.uniform(-1.0, 0.0) * spacing
    for _ in range(lines):
        stamp = letters(rng, words(rng, int(rng.integers(1, 6))), height)
        left = round(rng.uniform(-0.6, 0.7) * shape[1])
        opacity = np.maximum(opacity, place(shape, stamp, left, round(top)))
        top += spacing
    if rng.random() < 0.3:
        opacity = turned(opacity, float(rng.uniform(-np.pi / 4, np.pi / 4)))
    return _print(rng, light, opacity)


def _print(rng: np.random.Generator, light: Light, opacity: Field) -> Light:
    """Prints in a colour, with an outline or a shadow now and then."""
    colour = rng.random(3).astype(np.float32) if rng.random() < 0.4 else ink(rng, 0.6)
    strength = np.float32(1.0 if rng.random() < 0.6 else rng.uniform(0.3, 0.9))
    style = rng.random()
    opposite = dark(rng) if colour.mean() > 0.5 else paper(rng)
    if style < 0.2:
        side = int(rng.integers(1, 3)) * 2 + 1
        outline = cv2.dilate(opacity, np.ones((side, side), np.uint8)).astype(np.float32)
        light = blend(light, outline * strength, opposite)
    elif style < 0.35:
        across, down = rng.uniform(0.5, 3.0, 2)
        shift = np.array([[1, 0, across], [0, 1, down]], np.float32)
        shadow = cv2.warpAffine(opacity, shift, opacity.shape[::-1])
        shadow = cv2.GaussianBlur(shadow, (0, 0), float(rng.uniform(0.4, 1.5)))
        light = blend(light, shadow.astype(np.float32) * strength * np.float32(0.8), opposite)
    return blend(light, opacity * strength, colour)


def logos(rng: np.random.Generator, light: Light) -> Light:
    """Badges, rings, stars, boxes and strokes, filled or in outline, some with letters."""
    shape = light.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        canvas = Canvas(shape)
        centre, radius = anywhere(rng, shape), log_uniform(rng, 8.0, 60.0)
        if rng.random() < 0.35:
            _strokes(rng, canvas, centre, radius)
        else:
            _badge(rng, canvas, centre, radius)
        light = _print(rng, light, canvas.coverage(float(rng.uniform(-0.5, 0.7))))
        if rng.random() < 0.6:
            stamp = letters(rng, words(rng, 1), radius * float(rng.uniform(0.3, 0.8)))
            left = round(centre[0] - stamp.shape[1] / 2)
            where = place(shape, stamp, left, round(centre[1] - stamp.shape[0] / 2))
            light = _print(rng, light, where)
    return light


def _badge(rng: np.random.Generator, canvas: Canvas, centre: Points, radius: float) -> None:
    corners_ = int(rng.choice([3, 4, 4, 5, 6, 10, 40]))
    around = np.linspace(0.0, 2.0 * np.pi, corners_, endpoint=False) + rng.uniform(0.0, 7.0)
    reach = np.full(corners_, radius)
    if corners_ == 10:
        reach[1::2] *= rng.uniform(0.35, 0.7)
    elif rng.random() < 0.4:  # no shape that has a name
        reach *= rng.uniform(0.2, 1.0, corners_)
    squeeze = np.array([1.0, rng.uniform(0.5, 1.0)])
    outline = centre + squeeze * (reach * np.stack([np.cos(around), np.sin(around)])).T
    if rng.random() < 0.5:
        canvas.polygon(outline)
    else:
        closed = np.concatenate([outline, outline[:1]])
        canvas.line(closed, log_uniform(rng, 1.2, 0.3 * radius))


def _strokes(rng: np.random.Generator, canvas: Canvas, centre: Points, radius: float) -> None:
    """A few broad strokes with two or three ends, anyhow or side by side."""
    width = log_uniform(rng, 0.1, 0.6) * radius
    stroke = rng.uniform(-radius, radius, (int(rng.integers(2, 4)), 2))
    step = rng.uniform(-1.0, 1.0, 2) * radius
    side_by_side = rng.random() < 0.5
    for index in range(int(rng.integers(1, 8))):
        if side_by_side:
            canvas.line(centre + stroke + index * step, width)
        else:
            ends = rng.uniform(-radius, radius, stroke.shape)
            canvas.line(centre + ends, width * rng.uniform(0.5, 1.5))


def pixels(rng: np.random.Generator, light: Light) -> Light:
    """Pixels of a sensor that are dead, or stuck in one or all colours."""
    light = light.copy()
    height, width = light.shape[:2]
    for _ in range(round(log_uniform(rng, 2, 120))):
        y, x = int(rng.integers(height)), int(rng.integers(width))
        side = 1 if rng.random() < 0.8 else 2
        value = rng.choice([0.0, 1.0]) if rng.random() < 0.8 else rng.random()
        if rng.random() < 0.5:
            light[y : y + side, x : x + side] = value
        else:
            light[y : y + side, x : x + side, rng.integers(3)] = value
    return light


def lines(rng: np.random.Generator, light: Light) -> Light:
    """Rows or columns of a sensor that are dead, stuck or of another gain."""
    light = light.copy()
    upright = rng.random() < 0.6
    turned_light = light.transpose(1, 0, 2) if upright else light
    rows, length = turned_light.shape[:2]
    for _ in range(int(rng.integers(1, 7))):
        row = int(rng.integers(rows))
        thick = 1 if rng.random() < 0.75 else 2
        begin = 0 if rng.random() < 0.7 else int(rng.integers(length))
        part = turned_light[row : row + thick, begin:]
        kind = rng.random()
        if kind < 0.5:
            part[:] = rng.choice([0.0, 1.0])
        elif kind < 0.7:
            part[:] = rng.random(3)
        elif kind < 0.8:  # flickers
            part[:] = rng.random((part.shape[1], 1))
        else:
            part[:] = part * rng.uniform(0.2, 1.6) + rng.choice([-1.0, 1.0]) * rng.uniform(
                0.08, 0.3
            )
    return light


def dirt(rng: np.random.Generator, light: Light) -> Light:
    """Dirt on a lens: soft dark or pale spots, out of focus."""
    shape = light.shape[:2]
    opacity = _spots(rng, shape, round(log_uniform(rng, 1, 10)), (3.0, 35.0))
    colour = dark(rng) if rng.random() < 0.7 else np.full(3, rng.uniform(0.3, 0.9), np.float32)
    return blend(light, opacity * np.float32(rng.uniform(0.3, 0.95)), colour)


def _spots(
    rng: np.random.Generator, shape: tuple[int, int], count: int, radius: tuple[float, float]
) -> Field:
    """So many, of radii from this range, in pixels."""
    field = np.zeros(shape, np.float32)
    for _ in range(count):
        field = np.maximum(field, _spot(rng, shape, log_uniform(rng, *radius)))
    return field


def _spot(rng: np.random.Generator, shape: tuple[int, int], radius: float) -> Field:
    """An oval, or several that overlap: 1 inside, 0 outside, with a border of any softness."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    centre = anywhere(rng, shape)
    lobes = 1 if rng.random() < 0.5 else int(rng.integers(2, 7))
    distance = np.full(shape, np.inf, np.float32)
    for _ in range(lobes):
        middle = centre if lobes == 1 else centre + rng.normal(0.0, 0.6 * radius, 2)
        angle, size = rng.uniform(0.0, np.pi), radius * (1.0 if lobes == 1 else rng.uniform(0.4, 1))
        cos, sin = np.float32(np.cos(angle) / size), np.float32(np.sin(angle) / size)
        dx, dy = x - np.float32(middle[0]), y - np.float32(middle[1])
        narrow = np.float32(log_uniform(rng, 1.0, 2.2))
        oval = cv2.magnitude(dx * cos + dy * sin, (dy * cos - dx * sin) * narrow)
        distance = np.minimum(distance, oval.astype(np.float32, copy=False))
    if rng.random() < 0.7:
        distance = distance + np.float32(0.08) * smooth_noise(rng, shape, 2.0 * radius)
    if rng.random() < 0.6:
        softness = np.float32(log_uniform(rng, 0.03, 0.8))
        return smooth_step((np.float32(1.0) - distance) / softness)
    steepness = log_uniform(rng, 3.0, 12.0)  # fades out, and ends nowhere
    powered = cv2.pow(np.maximum(distance, np.float32(0.0)), steepness).astype(np.float32)
    return np.float32(1.0) / (np.float32(1.0) + powered)


def drops(rng: np.random.Generator, light: Light) -> Light:
    """Water on a lens: each drop shows what is around it small, upside down and blurred."""
    shape = light.shape[:2]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    for _ in range(round(log_uniform(rng, 1, 10))):
        radius = log_uniform(rng, 4.0, 32.0)
        centre = anywhere(rng, shape).astype(np.float32)
        squash = np.float32(rng.uniform(0.7, 1.3))
        across, down = x - centre[0], (y - centre[1]) * squash
        distance = np.hypot(across, down) / np.float32(radius)
        inside = smooth_step((1.0 - distance) / np.float32(rng.uniform(0.06, 0.4)))
        shrink = -np.float32(rng.uniform(1.5, 4.0))
        seen = cv2.remap(
            light,
            centre[0] + shrink * across,
            centre[1] + shrink * down,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
        seen = cv2.GaussianBlur(seen, (0, 0), float(rng.uniform(0.8, 4.0)))
        slope = (across * np.float32(rng.normal()) + down) / np.float32(radius)
        shading = np.float32(rng.uniform(0.1, 0.5)) * slope * distance**2
        shading = shading + np.float32(rng.uniform(-0.15, 0.15))
        drop = np.clip(seen + shading[..., None], 0.0, 1.0).astype(np.float32)
        light = blend(light, inside.astype(np.float32), drop)
    return light


KINDS: Mapping[str, Kind] = {
    "scratches": scratches,
    "cracks": cracks,
    "dust": dust,
    "hairs": hairs,
    "folds": folds,
    "stains": stains,
    "fading": fading,
    "corners": corners,
    "text": text,
    "logos": logos,
    "pixels": pixels,
    "lines": lines,
    "dirt": dirt,
    "drops": drops,
}
