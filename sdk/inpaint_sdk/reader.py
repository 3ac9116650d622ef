"""The public class for reading a line of text."""

from __future__ import annotations

import os
from collections.abc import Sequence

from inpaint_sdk.backends.base import Provider
from inpaint_sdk.backends.pool import ModelPool
from inpaint_sdk.images.files import ImageLike
from inpaint_sdk.images.image import Channels
from inpaint_sdk.loaded import Loaded
from inpaint_sdk.models.info import PrecisionChoice
from inpaint_sdk.runners.ctc import TextLine
from inpaint_sdk.runners.read import ReadRunner

READER = "text-line"
"""The model that reads, by name."""


class TextReader(Loaded):
    """A loaded model that reads a line of text. May be shared by threads, forked and pickled."""

    def __init__(
        self,
        source: str | os.PathLike[str],
        pool: ModelPool,
        channels: Channels = "bgr",
    ) -> None:
        """Of a pool of models; :meth:`load` makes one."""
        super().__init__(source, pool, channels)
        self._model = pool.get(source)
        self._require_precision()
        self._runner = ReadRunner(self._model)

    @classmethod
    def load(
        cls,
        name_or_path: str | os.PathLike[str] = READER,
        *,
        backend: str = "auto",
        device: str | None = None,
        providers: Sequence[Provider] | None = None,
        threads: int | None = None,
        precision: PrecisionChoice = "auto",
        channels: Channels = "bgr",
    ) -> TextReader:
        """Loads a model for the task ``"read"``.

        Args, raises: as :meth:`inpaint_sdk.Restorer.load`; a ``ModelError`` also for a model that
        reads nothing.
        """
        pool = ModelPool(
            backend, device=device, providers=providers, threads=threads, precision=precision
        )
        return cls(name_or_path, pool, channels)

    def read(self, image: ImageLike, *, beam: int | None = None) -> TextLine:
        """Reads a line of text.

        Args:
            image: of one line that fills it about from top to foot, of any width, as
                :meth:`inpaint_sdk.Restorer.restore` takes it; alpha is not looked at.
            beam: how many texts a beam search follows, from 1 to 100; None takes the most probable
                class of each step, which is faster.

        Raises:
            ImageError: the image cannot be used, or is more than 400 times as wide as high.
            OptionError: ``beam`` is out of its range.
            ModelError: the network's output is not finite, or does not fit its alphabet.
        """
        return self._runner.read(self._open_image(image), beam)

    __call__ = read
