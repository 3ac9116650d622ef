"""Images as they come in, and results in the same form."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import ImageError, InpaintError

if TYPE_CHECKING:
    from PIL import Image as PILImage

Pixels: TypeAlias = NDArray[Any]
"""uint8, uint16, float32 or float64: [H, W] grey, or [H, W, C] with C colours and alpha."""

Channels = Literal["bgr", "rgb"]
ImageLike: TypeAlias = "Pixels | PILImage.Image | str | os.PathLike[str]"

MODES = ("RGB", "RGBA", "L", "LA", "I;16")
DTYPES = (np.uint8, np.uint16, np.float32, np.float64)


@dataclass(frozen=True)
class Image:
    """An image's pixels, and the way back to the form that it came in.

    pixels: to be read, not written: it may be the caller's own array. channels: the order of its
    colours. to_original_type: from a result like ``pixels`` to the type that came in.
    """

    pixels: Pixels
    channels: Channels
    to_original_type: Callable[[Pixels], Pixels | PILImage.Image]


def colours_of(pixels: Pixels) -> Pixels:
    """The colours of pixels in any form, a view [H, W, 1 or 3]: all but the alpha."""
    if pixels.ndim == 2:
        return pixels[..., None]
    return pixels[..., :1] if pixels.shape[2] <= 2 else pixels[..., :3]


def open_image(image: ImageLike, channels: Channels) -> Image:
    """Takes an image in any of the accepted forms.

    An array is [H, W] or [H, W, C]: 1 or 3 channels of colour in the order ``channels``, or 2 or 4
    with alpha; of uint8, uint16, or a float type from 0 to 1. A PIL image is of mode RGB, RGBA, L,
    LA or I;16; a path is read as a PIL image, and a PIL image is what comes back for it.

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
    with opened_pil(path, error) as picture:
        if is_16bit(picture) and picture.mode != "I;16":
            # PIL would drop the lower bits of colours without a word.
            raise error(
                f"{path} has 16 bits a channel, which a PIL image cannot hold; restore it from "
                "file to file, with restore_file, or read it with OpenCV and give the array"
            )
        picture.load()
        return upright(picture, str(path), error)


@contextmanager
def opened_pil(path: Path, error: type[InpaintError]) -> Iterator[PILImage.Image]:
    """A picture file whose header was read; what goes wrong within is raised as ``error``."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
                raise error(f"{path} holds {picture.n_frames} pictures; give one of them")
            yield picture
    except FileNotFoundError:
        raise error(f"there is no file {path}") from None
    except UnidentifiedImageError as reason:
        raise error(f"{path} is not a picture in a known format") from reason
    except Image.DecompressionBombError as reason:
        raise error(f"{path} is too large to be read safely: {reason}") from reason
    except (OSError, SyntaxError, ValueError) as reason:
        # Damaged files fail in the decoders, with a different exception in each.
        raise error(f"cannot read {path}, it may be cut short or damaged: {reason}") from reason


def is_16bit(picture: PILImage.Image) -> bool:
    """Whether an opened file has 16 bits a channel."""
    return any(";16" in str(tile) for tile in getattr(picture, "tile", ()))


def check_pixel_limit(path: Path, height: int, width: int) -> None:
    """Raises ``ImageError`` for a size that PIL would refuse, for files that others read."""
    from PIL import Image

    if Image.MAX_IMAGE_PIXELS is not None and height * width > 2 * Image.MAX_IMAGE_PIXELS:
        raise ImageError(
            f"{path} is too large to be read safely: {width}x{height} pixels are more than twice "
            f"PIL.Image.MAX_IMAGE_PIXELS ({Image.MAX_IMAGE_PIXELS}), which can be raised"
        )


def upright(picture: PILImage.Image, name: str, error: type[InpaintError]) -> PILImage.Image:
    """Applies the EXIF orientation, so that rows and columns are those that a viewer shows."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(picture)
    except (OSError, SyntaxError, ValueError) as reason:  # PIL decodes lazily, so here too
        raise error(f"cannot read {name}, it may be cut short or damaged: {reason}") from reason


def _open_array(image: NDArray[np.generic], channels: Channels) -> Image:
    if image.dtype not in DTYPES:
        raise ImageError(
            f"an image array is uint8, uint16, float32 or float64, this one is {image.dtype}"
        )
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 2, 3, 4)):
        raise ImageError(
            f"an image array is HxW, or HxWxC with 1 to 4 channels, this one is {_shape(image)}"
        )
    if 0 in image.shape:
        raise ImageError(f"the image is empty: its shape is {_shape(image)}")
    if image.dtype.kind == "f":
        check_floats(image)
    return Image(image, channels, lambda result: result)


def check_floats(image: NDArray[Any]) -> None:
    """Raises ``ImageError`` if floats are not all from 0 to 1."""
    low, high = float(image.min()), float(image.max())  # either is NaN if there is one
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ImageError(
            "the image has values that are not finite; set them to 0 and mark them in the mask"
        )
    if low < 0.0 or high > 1.0:
        raise ImageError(
            f"a float image's values are from 0 to 1, these are from {low:g} to {high:g}"
        )


def _open_pil(picture: PILImage.Image, name: str) -> Image:
    from PIL import Image

    if picture.mode not in MODES:
        raise ImageError(
            f"{name} has mode {picture.mode}; only {', '.join(MODES)} can be restored. "
            'Convert it first: image.convert("RGB")'
        )
    if 0 in picture.size:
        raise ImageError(f"{name} is empty: its size is {picture.width}x{picture.height}")

    def to_original_type(result: Pixels) -> PILImage.Image:
        restored = Image.fromarray(result)
        restored.info = dict(picture.info)  # colour profile, resolution, EXIF
        return restored

    return Image(np.asarray(picture), "rgb", to_original_type)


def _shape(array: NDArray[np.generic]) -> str:
    return "x".join(map(str, array.shape)) or "a single number"
