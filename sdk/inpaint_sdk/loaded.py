"""What the public classes have in common: loaded models, given back when closed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from inpaint_sdk.backends.pool import LoadedModel, ModelPool
from inpaint_sdk.images.files import ImageLike, open_image
from inpaint_sdk.images.image import Channels, Image
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.models.zoo import is_bundled, require_precision
from inpaint_sdk.options import Options, check_choice, check_options

Self = TypeVar("Self", bound="Loaded")


def absolute(source: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """A model's name as it is, and a file's path such that it holds in any folder."""
    with suppress(OSError):  # of a name that is too long, which is told when it is loaded
        if isinstance(source, str) and (is_bundled(source) or not Path(source).exists()):
            return source
    return Path(source).absolute()


class Loaded:
    """Models in a pool, and how they are used. A context manager; pickled as its settings."""

    def __init__(
        self,
        source: str | os.PathLike[str],
        pool: ModelPool,
        channels: Channels,
        *others: object,
    ) -> None:
        """others: what a subclass is made of beside these."""
        check_choice("channels", channels, Channels)
        self._settings = (absolute(source), pool, channels, *others)
        self._source = source
        self._pool = pool
        self._channels: Channels = channels
        self._model: LoadedModel

    @property
    def backend(self) -> str:
        """What runs the model, like ``"onnxruntime-cpu"``."""
        return self._model.session.backend

    @property
    def model(self) -> ModelInfo:
        """What the model file says of itself; for ``"auto"`` that of the model that inpaints."""
        return self._model.info

    def close(self) -> None:
        """Gives back what the models take, when runs in other threads have ended.

        A picture that comes later is a ``BackendError``; closing again does nothing.
        """
        self._pool.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._settings

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self._source)!r}, backend={self.backend!r})"

    def _require_precision(self) -> None:
        """Raises ``ModelError`` unless the model is of the precision that was asked for."""
        require_precision(self.model, self._pool.precision)

    def _open_image(self, image: ImageLike) -> Image:
        return open_image(image, self._channels)


class LoadedWithOptions(Loaded):
    """Models that are used by options: those that it has, or those of a call."""

    def __init__(
        self,
        source: str | os.PathLike[str],
        pool: ModelPool,
        channels: Channels,
        options: Options | None,
        *others: object,
    ) -> None:
        check_options(options)
        super().__init__(source, pool, channels, options, *others)
        self._options = options or Options()

    @property
    def options(self) -> Options:
        """How pictures are restored where a call does not say otherwise."""
        return self._options

    def _checked(self, options: Options | None) -> Options:
        check_options(options)
        return options or self._options
