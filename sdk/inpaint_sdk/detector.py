"""The public class for finding damage without restoring it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from inpaint_sdk.backends.base import Provider
from inpaint_sdk.backends.pool import ModelPool
from inpaint_sdk.images.image import Channels
from inpaint_sdk.images.opening import ImageLike, open_image
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.options import Options, check_choice, check_options
from inpaint_sdk.policies.make import DETECTOR, load_detector
from inpaint_sdk.runners.detect import Detection

class Detector:
    """A loaded model that finds damage. May be shared by threads, forked and pickled.

    >>> from inpaint_sdk import Detector
    >>> with Detector.load() as detector:
    ...     found = detector.detect("photo.png")
    >>> found.mask.dtype, found.mask.shape
    (dtype('uint8'), (90, 130))
    """

    def __init__(
        self,
        source: str | os.PathLike[str],
        pool: ModelPool,
        channels: Channels = "bgr",
        options: Options | None = None,
    ) -> None:
        """Of a pool of models; :meth:`load` makes one."""
        check_choice("channels", channels, Channels)
        check_options(options)
        self._settings = (source, pool, channels, options)
        self._pool = pool
        self._channels: Channels = channels
        self._options = options or Options()
        self._runner = load_detector(pool, source)

    @classmethod
    def load(
        cls,
        name_or_path: str | os.PathLike[str] = DETECTOR,
        *,
        backend: str = "auto",
        device: str | None = None,
        providers: Sequence[Provider] | None = None,
        threads: int | None = None,
        channels: Channels = "bgr",
        options: Options | None = None,
    ) -> Detector:
        """Loads a model for the task ``"detect"``.

        Args, raises: as :meth:`inpaint_sdk.Restorer.load`; a ``ModelError`` also for a model that
        finds no damage.
        """
        pool = ModelPool(backend, device=device, providers=providers, threads=threads)
        return cls(name_or_path, pool, channels, options)

    @property
    def backend(self) -> str:
        """What runs the model, like ``"onnxruntime-cpu"``."""
        return self._runner.backend

    @property
    def model(self) -> ModelInfo:
        """What the model file says of itself; ``model.kinds`` are the kinds that it finds."""
        return self._runner.info

    def detect(self, image: ImageLike, *, options: Options | None = None) -> Detection:
        """Finds damage in a picture.

        Args:
            image: as :meth:`inpaint_sdk.Restorer.restore` takes it; alpha is not looked at.
            options: how, in place of those given to :meth:`load`.

        Raises:
            ImageError: the image cannot be used.
            OptionError: the model does not find a kind of damage that is asked for.
            ModelError: the network's output is not finite.
        """
        check_options(options)
        return self._runner.detect(open_image(image, self._channels), options or self._options)

    __call__ = detect

    def close(self) -> None:
        """Gives back what the model takes; a picture that comes later is a ``BackendError``."""
        self._pool.close()

    def __enter__(self) -> Detector:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._settings

    def __repr__(self) -> str:
        return f"Detector({self.model.name!r}, backend={self.backend!r})"
