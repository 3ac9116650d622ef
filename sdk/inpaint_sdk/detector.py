"""The public class for finding damage without restoring it."""

from __future__ import annotations

import os
from collections.abc import Sequence

from inpaint_sdk.backends.base import Provider
from inpaint_sdk.backends.pool import ModelPool
from inpaint_sdk.images.files import ImageLike
from inpaint_sdk.images.image import Channels
from inpaint_sdk.loaded import LoadedWithOptions
from inpaint_sdk.models.info import PrecisionChoice
from inpaint_sdk.options import Options
from inpaint_sdk.policies.make import DETECTOR
from inpaint_sdk.runners.detect import Detection, DetectRunner


class Detector(LoadedWithOptions):
    """A loaded model that finds damage. May be shared by threads, forked and pickled.

    Examples:
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
        super().__init__(source, pool, channels, options)
        self._model = pool.get(source)
        self._require_precision()
        self._runner = DetectRunner(self._model)

    @classmethod
    def load(
        cls,
        name_or_path: str | os.PathLike[str] = DETECTOR,
        *,
        backend: str = "auto",
        device: str | None = None,
        providers: Sequence[Provider] | None = None,
        threads: int | None = None,
        precision: PrecisionChoice = "auto",
        channels: Channels = "bgr",
        options: Options | None = None,
    ) -> Detector:
        """Loads a model for the task ``"detect"``.

        Args, raises: as :meth:`inpaint_sdk.Restorer.load`; a ``ModelError`` also for a model that
        finds no damage.
        """
        pool = ModelPool(
            backend, device=device, providers=providers, threads=threads, precision=precision
        )
        return cls(name_or_path, pool, channels, options)

    def detect(self, image: ImageLike, *, options: Options | None = None) -> Detection:
        """Finds damage in a picture.

        Args:
            image: as :meth:`inpaint_sdk.Restorer.restore` takes it; alpha is not looked at.
            options: how, in place of those given to :meth:`load`.

        Raises:
            ImageError: the image cannot be used.
            OptionError: the model does not find a kind of damage that is asked for.
            ModelError: the network's output is not finite.

        Examples:
            >>> from inpaint_sdk import Detector, Options
            >>> found = Detector.load().detect("photo.png", options=Options(kinds={"scratch"}))
            >>> found.sought, found.probability().dtype
            (('scratch',), dtype('float32'))
        """
        return self._runner.detect(self._open_image(image), self._checked(options))

    __call__ = detect
