"""What an actor does with one picture file's bytes."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inpaint_sdk.errors import FileWarning, InpaintError, error_line
from inpaint_sdk.images.files import open_image_bytes, open_pair
from inpaint_sdk.images.metadata import MetadataWarning
from inpaint_sdk.restorer import Restorer

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Restored:
    """What became of a picture: its result's bytes, or why there are none.

    plan: what was done. warnings: what the result lacks, or what was wrong with the file.
    """

    data: bytes | None
    plan: str | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None


def failure(error: Exception) -> Restored:
    """What is told of a picture's error, of any kind: none may end the others' work."""
    if not isinstance(error, InpaintError):
        _LOG.error("a picture failed", exc_info=error)
    return Restored(None, error=error_line(error))


class PictureRestorer:
    """A restorer for bytes, which tells of what goes wrong and never raises.

    settings: what :meth:`inpaint_sdk.Restorer.load` takes.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._restorer = Restorer.load(**settings)

    def restore(
        self, data: bytes, mask: bytes | None, kind: str | None = None, page: int | None = None
    ) -> Restored:
        """Restores a picture file; kind: the result's format, None for the same."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                image = open_image_bytes(data, kind, page)
                result = self._restorer.plan(*open_pair((image, mask), "rgb")).run()
            except Exception as error:
                return failure(error)
        told = [str(w.message) for w in caught if issubclass(w.category, _TOLD)]
        return Restored(result.image, str(result.plan), tuple(told))


_TOLD = (FileWarning, MetadataWarning)
