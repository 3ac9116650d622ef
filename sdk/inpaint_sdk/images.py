"""Images as they come in, and results in the same form."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import ImageError, InpaintError

if TYPE_CHECKING:
    from PIL import Image as PILImage

Pixels: TypeAlias = NDArray[np.uint8]
Channels = Literal["bgr", "rgb"]
ImageLike: TypeAlias = "Pixels | PILImage.Image | str | os.PathLike[str]"

MODES = ("RGB", "RGBA", "L", "LA")


@dataclass(frozen=True)
class Picture:
    """An image's colours, and the way back to the form that it came in.

    pixels: uint8 [H, W, 3] in the order ``channels``; to be read, not written: it may be the
    caller's own array. restored_form: from a result like ``pixels`` to the type, size and mode
    that came in.
    """

    pixels: Pixels
    channels: Channels
    restored_form: Callable[[Pixels], Pixels | PILImage.Image]


def open_picture(image: ImageLike, channels: Channels) -> Picture:
    """Takes an image in any of the accepted forms.

    An array is uint8, [H, W, 3] in the order ``channels`` or [H, W]; a PIL image is of mode RGB,
    RGBA, L or LA; a path is read as a PIL image, and a PIL image is what comes back for it.

    Raises:
        ImageError: it is none of these, or the file is missing, unreadable or cut short.
    """
    if isinstance(image, np.ndarray):
        return _open_array(image, channels)
    if isinstance(image, (str, os.PathLike)):
        return _open_pil(read_pil(Path(image), ImageError), str(image))
    if is_pil(image):
        return _open_pil(upright(image, "the image", ImageError), "the image")
    raise ImageError(
        f"an image is a numpy array, a PIL image or a path, not {type(image).__name__}"
    )


def is_pil(image: object) -> bool:
    """Whether it is a PIL image, found out without importing PIL."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def read_pil(path: Path, error: type[InpaintError]) -> PILImage.Image:
    """Reads a picture file whole, upright; what goes wrong is raised as ``error``."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
                raise error(f"{path} holds {picture.n_frames} pictures; give one of them")
            if any(";16" in str(tile) for tile in picture.tile):
                # PIL would drop the lower bits of colours without a word.
                raise error(f"{path} has 16 bits a channel; convert it to 8 bits first")
            picture.load()
            return upright(picture, str(path), error)
    except FileNotFoundError:
        raise error(f"there is no file {path}") from None
    except UnidentifiedImageError as reason:
        raise error(f"{path} is not a picture in a known format") from reason
    except Image.DecompressionBombError as reason:
        raise error(f"{path} is too large to be read safely: {reason}") from reason
    except (OSError, SyntaxError, ValueError) as reason:
        # Damaged files fail in the decoders, with a different exception in each.
        raise error(f"cannot read {path}, it may be cut short or damaged: {reason}") from reason


def upright(picture: PILImage.Image, name: str, error: type[InpaintError]) -> PILImage.Image:
    """Applies the EXIF orientation, so that rows and columns are those that a viewer shows."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(picture)
    except (OSError, SyntaxError, ValueError) as reason:  # PIL decodes lazily, so here too
        raise error(f"cannot read {name}, it may be cut short or damaged: {reason}") from reason


def _open_array(image: NDArray[np.generic], channels: Channels) -> Picture:
    if image.dtype != np.uint8:
        hint = " (scale it to 0..255, round and convert it)" if image.dtype.kind == "f" else ""
        raise ImageError(f"an image array is uint8, this one is {image.dtype}{hint}")
    grey = image.ndim == 2
    if not grey and (image.ndim != 3 or image.shape[2] != 3):
        raise ImageError(f"an image array is HxWx3 or HxW, this one is {_shape(image)}")
    if 0 in image.shape:
        raise ImageError(f"the image is empty: its shape is {_shape(image)}")
    pixels: Pixels = image.astype(np.uint8, copy=False)
    if not grey:
        return Picture(pixels, channels, lambda result: result)
    return Picture(
        np.repeat(pixels[..., None], 3, axis=2), channels, lambda r: _to_grey(r, channels)
    )


def _open_pil(picture: PILImage.Image, name: str) -> Picture:
    from PIL import Image

    if picture.mode not in MODES:
        raise ImageError(
            f"{name} has mode {picture.mode}; only {', '.join(MODES)} can be restored. "
            'Convert it first: image.convert("RGB")'
        )
    if 0 in picture.size:
        raise ImageError(f"{name} is empty: its size is {picture.width}x{picture.height}")
    pixels = np.asarray(picture.convert("RGB"))

    def restored_form(result: Pixels) -> PILImage.Image:
        if picture.mode in ("L", "LA"):
            restored = Image.fromarray(_to_grey(result, "rgb"))
        else:
            restored = Image.fromarray(result)
        if picture.mode in ("RGBA", "LA"):
            restored.putalpha(picture.getchannel("A"))
        restored.info = dict(picture.info)  # colour profile, resolution, EXIF
        return restored

    return Picture(pixels, "rgb", restored_form)


def _to_grey(pixels: Pixels, channels: Channels) -> Pixels:
    """Luma; equal channels, as known pixels have, come back exactly."""
    import cv2

    code = cv2.COLOR_BGR2GRAY if channels == "bgr" else cv2.COLOR_RGB2GRAY
    return cv2.cvtColor(pixels, code).astype(np.uint8, copy=False)


def _shape(array: NDArray[np.generic]) -> str:
    return "x".join(map(str, array.shape)) or "a single number"
