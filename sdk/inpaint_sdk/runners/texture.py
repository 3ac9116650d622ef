"""Texture for the inside of wide holes, laid over what a model has filled."""

from __future__ import annotations

import cv2
import numpy as np

from inpaint_sdk.images.image import Pixels, colours_of
from inpaint_sdk.images.masks import Mask
from inpaint_sdk.images.tensors import from_float01, to_float01
from inpaint_sdk.regions.boxes import Box
from inpaint_sdk.regions.texture import MARGIN, lacks_texture, texture_of_like_places


def add_texture(picture: Pixels, mask: Mask, amount: float) -> None:
    """Adds the texture of like places, in place, where a fill lacks it.

    picture: pixels in any form, filled. mask: uint8 [H, W], 255 where it was filled; every other
    pixel stays, to the bit. amount: share of the texture, from 0 to 1.
    """
    lacking = lacks_texture(mask)
    count, labels, stats, _ = cv2.connectedComponentsWithStats((lacking > 0.0).astype(np.uint8))
    for label in range(1, count):
        left, top, width, height = (int(v) for v in stats[label, :4])
        box = Box(top, top + height, left, left + width).widened(MARGIN, *mask.shape).slices
        inside = labels[box] == label
        filled = to_float01(picture[box])
        added = texture_of_like_places(filled, mask[box], lacking[box] * inside)
        textured = from_float01(filled + amount * added[..., None], picture.dtype)
        np.copyto(colours_of(picture[box]), textured, where=inside[..., None])
