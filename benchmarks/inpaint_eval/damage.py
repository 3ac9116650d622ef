"""Damaged pictures that detectors and restorers are measured on, and where damage is visible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from inpaint_eval import held_out_damage
from inpaint_eval.held_out_damage import Kind
from inpaint_eval.pictures import Pixels

VISIBLE = 12
"""Of 255: how much a pixel changes in some channel before it counts as damaged."""

KINDS: Mapping[str, Kind] = held_out_damage.KINDS


@dataclass(frozen=True)
class Damaged:
    """A damaged picture, uint8 [H, W, 3], and where, uint8 [H, W], 255 in the damage."""

    picture: Pixels
    mask: Pixels


def visible(before: Pixels, after: Pixels) -> Pixels:
    """Where two pictures differ visibly, uint8 [H, W], 255 there; gaps of a pixel are closed."""
    red, green, blue = cv2.split(cv2.absdiff(before, after))
    changed = cv2.max(cv2.max(red, green), blue) >= VISIBLE  # NumPy's is ten times as slow
    mask = np.multiply(changed, 255, dtype=np.uint8)
    return cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)).astype(np.uint8)


def damage_held_out(rng: np.random.Generator, clean: Pixels, kind: str) -> Damaged:
    """A picture under one kind of damage, a key of :data:`KINDS`; at least 20 pixels of it show."""
    while True:
        light = KINDS[kind](rng, clean.astype(np.float32) / np.float32(255.0))
        after = np.clip(np.rint(np.clip(light, 0.0, 1.0) * 255.0), 0, 255).astype(np.uint8)
        mask = visible(clean, after)
        if 20 <= cv2.countNonZero(mask) <= 0.4 * mask.size:
            return Damaged(after, mask)
