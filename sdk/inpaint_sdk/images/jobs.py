"""Restoring from file to file, in three parts that can run in different threads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inpaint_sdk.images.files import (
    ImageFile,
    read_image_file,
    check_format_supports,
    write_image_file,
)
from inpaint_sdk.images.image import check_floats
from inpaint_sdk.images.masks import Mask, MaskLike, open_mask


@dataclass(frozen=True)
class OpenedFile:
    """A picture file and the mask that belongs to it, uint8 [H, W], 255 in the hole."""

    file: ImageFile
    hole: Mask | None


@dataclass(frozen=True)
class FileJob:
    """One picture's files; the mask in any form that :meth:`Restorer.restore` takes."""

    image: Path
    output: Path
    mask: MaskLike | None

    def read(self) -> OpenedFile:
        """Reads the inputs; raises ``InpaintError`` if they or the output's format do not fit."""
        file = read_image_file(self.image)
        check_format_supports(self.output, file.pixels)
        if file.pixels.dtype.kind == "f":
            check_floats(file.pixels)
        size = file.pixels.shape[:2]
        return OpenedFile(file, None if self.mask is None else open_mask(self.mask, *size))

    def write(self, restored: OpenedFile) -> None:
        """Writes a result, whole or not at all; raises ``OutputError``."""
        write_image_file(self.output, restored.file)
