"""What Pillow reads: pictures from files and bytes, with their orientation applied."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from inpaint_sdk.errors import ImageError, InpaintError

if TYPE_CHECKING:
    from PIL import Image as PILImage

Source: TypeAlias = "Path | bytes"
"""A picture file: where it is, or what it holds."""

MODES = ("RGB", "RGBA", "L", "LA", "I;16")


def name_of(source: Source) -> str:
    """How messages call a source."""
    return str(source) if isinstance(source, Path) else "the image's bytes"


def is_pil(image: object) -> bool:
    """Whether it is a PIL image, found out without importing PIL."""
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def read_pil(source: Source, error: type[InpaintError]) -> PILImage.Image:
    """Reads a picture file whole, upright; what goes wrong is raised as ``error``."""
    with opened_pil(source, error) as picture:
        if is_16bit(picture) and picture.mode != "I;16":
            # PIL would drop the lower bits of colours without a word.
            raise error(
                f"{name_of(source)} has 16 bits a channel, which a PIL image cannot hold; restore "
                "it from file to file, with restore_file, or read it with OpenCV and give the array"
            )
        picture.load()
        return apply_exif_orientation(picture, name_of(source), error)


@contextmanager
def opened_pil(source: Source, error: type[InpaintError]) -> Iterator[PILImage.Image]:
    """A picture file whose header was read; what goes wrong within is raised as ``error``."""
    from PIL import Image, UnidentifiedImageError

    name = name_of(source)
    try:
        with Image.open(source if isinstance(source, Path) else BytesIO(source)) as picture:
            if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
                raise error(f"{name} holds {picture.n_frames} pictures; give one of them")
            yield picture
    except FileNotFoundError:
        raise error(f"there is no file {name}") from None
    except UnidentifiedImageError as reason:
        raise error(f"{name} is not a picture in a known format") from reason
    except Image.DecompressionBombError as reason:
        raise error(f"{name} is too large to be read safely: {reason}") from reason
    except InpaintError:
        raise
    except Exception as reason:
        # Damaged files fail in the decoders, with a different exception in each.
        raise error(f"cannot read {name}, it may be cut short or damaged: {reason}") from reason


def is_16bit(picture: PILImage.Image) -> bool:
    """Whether an opened file has 16 bits a channel."""
    return any(";16" in str(tile) for tile in getattr(picture, "tile", ()))


def check_pixel_limit(name: str, height: int, width: int) -> None:
    """Raises ``ImageError`` for a size that PIL would refuse, for files that others read."""
    from PIL import Image

    if Image.MAX_IMAGE_PIXELS is not None and height * width > 2 * Image.MAX_IMAGE_PIXELS:
        raise ImageError(
            f"{name} is too large to be read safely: {width}x{height} pixels are more than twice "
            f"PIL.Image.MAX_IMAGE_PIXELS ({Image.MAX_IMAGE_PIXELS}), which can be raised"
        )


def apply_exif_orientation(
    picture: PILImage.Image, name: str, error: type[InpaintError]
) -> PILImage.Image:
    """Applies the EXIF orientation, so that rows and columns are those that a viewer shows."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(picture)
    except Exception as reason:  # PIL decodes lazily, so here too
        raise error(f"cannot read {name}, it may be cut short or damaged: {reason}") from reason
