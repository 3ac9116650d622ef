"""The public class: load a model once, restore pictures with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends.base import Provider
from inpaint_sdk.backends.pool import ModelPool
from inpaint_sdk.frames.restorer import FrameRestorer
from inpaint_sdk.images.files import open_image_file, write_image_file
from inpaint_sdk.images.image import Channels, Image
from inpaint_sdk.images.masks import Mask, MaskLike, open_mask
from inpaint_sdk.images.opening import ImageLike, open_image
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.options import Clouds, DamageIn, Options, check_choice, check_options
from inpaint_sdk.policies.make import DETECTOR, detector_of, make_policy
from inpaint_sdk.policies.plan import Plan, Result
from inpaint_sdk.policies.policy import Policy
from inpaint_sdk.prefetch import prefetch_map
from inpaint_sdk.runners.degradation import Degradation
from inpaint_sdk.runners.detect import Detection
from inpaint_sdk.runners.enhance import EnhanceRunner
from inpaint_sdk.stream.pipeline import LatePolicy, Stream

if TYPE_CHECKING:
    from PIL import Image as PILImage

ArrayOrBytes = TypeVar("ArrayOrBytes", NDArray[Any], bytes)


class Restorer:
    """A loaded model. Made by :meth:`load`; may be shared by threads, forked and pickled.

    >>> import cv2
    >>> from inpaint_sdk import Restorer
    >>> restorer = Restorer.load("photo")
    >>> image, mask = cv2.imread("photo.png"), cv2.imread("mask.png", cv2.IMREAD_GRAYSCALE)
    >>> cv2.imwrite("restored.png", restorer(image, mask))
    True

    Use it as a context manager, or call :meth:`close`, to give back what the models take.
    """

    @classmethod
    def load(
        cls,
        name_or_path: str | os.PathLike[str] = "photo",
        *,
        backend: str = "auto",
        device: str | None = None,
        providers: Sequence[Provider] | None = None,
        threads: int | None = None,
        channels: Channels = "bgr",
        detector: str | os.PathLike[str] = DETECTOR,
        clouds: Clouds | None = None,
        options: Options | None = None,
    ) -> Restorer:
        """Loads a model.

        Args:
            name_or_path: a name that :func:`inpaint_sdk.list_models` gives, or the path of a model
                file or of an engine that ``inpaint-sdk compile`` wrote; or ``"auto"``, which looks
                at each picture and runs the models that it needs.
            backend: ``"auto"`` chooses, and :attr:`backend` says what it chose. A backend that is
                named is the one that runs, or there is an error. ``"tensorrt"`` and
                ``"tensorrt_rtx"`` compile a model when it is first loaded, which can take minutes,
                and keep the engine (``inpaint-sdk cache list``).
            device: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``; None for what the backend prefers.
            providers: ONNX Runtime's execution providers, in its own form, in place of ``backend``.
            threads: CPU threads that one picture may use; None lets the runtime choose.
            channels: order of the colours in arrays, ``"bgr"`` as OpenCV has it or ``"rgb"``.
            detector: name or path of the model that finds damage where no mask is given. It is
                loaded when it is first needed.
            clouds: for ``"auto"``: pictures are a satellite's, with ``"thin"`` or ``"thick"``
                clouds to be removed, and no other damage is looked for.
            options: how pictures are restored, where a call does not say otherwise.

        Raises:
            ModelError: there is no such model, its file is refused, or it restores nothing.
            BackendError: the backend is unknown or cannot run here, or an engine was built for
                another GPU or version.
            OptionError: one of the others has a value that it cannot take.
        """
        pool = ModelPool(backend, device=device, providers=providers, threads=threads)
        return cls(name_or_path, pool, channels, detector, clouds, options)

    def __init__(
        self,
        source: str | os.PathLike[str],
        pool: ModelPool,
        channels: Channels = "bgr",
        detector: str | os.PathLike[str] = DETECTOR,
        clouds: Clouds | None = None,
        options: Options | None = None,
    ) -> None:
        """Of a pool of models; :meth:`load` makes one."""
        check_choice("channels", channels, Channels)
        check_options(options)
        self._settings = (source, pool, channels, detector, clouds, options)
        self._source = source
        self._pool = pool
        self._channels: Channels = channels
        self._options = options or Options()
        self._find_detector = detector_of(pool, detector)
        self._policy = make_policy(source, pool, self._find_detector, clouds)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._settings

    @property
    def backend(self) -> str:
        """What runs the model, like ``"onnxruntime-cpu"``."""
        return self._policy.model.session.backend

    @property
    def model(self) -> ModelInfo:
        """What the model file says of itself; for ``"auto"`` that of the model that inpaints."""
        return self._policy.model.info

    def __repr__(self) -> str:
        return f"Restorer({str(self._source)!r}, backend={self.backend!r})"

    def __enter__(self) -> Restorer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives back what the models take, when runs in other threads have ended.

        A picture that comes later is a ``BackendError``; closing again does nothing.
        """
        self._pool.close()

    @overload
    def restore(
        self, image: ArrayOrBytes, mask: MaskLike | None = None, *, options: Options | None = None
    ) -> ArrayOrBytes: ...
    @overload
    def restore(
        self,
        image: PILImage.Image | str | os.PathLike[str],
        mask: MaskLike | None = None,
        *,
        options: Options | None = None,
    ) -> PILImage.Image: ...
    def restore(
        self, image: ImageLike, mask: MaskLike | None = None, *, options: Options | None = None
    ) -> Any:
        """Restores what the mask marks; every other pixel comes back bit for bit.

        Without a mask a model for the task ``"inpaint"`` restores what :meth:`detect` finds, and
        a picture in which that is nothing comes back as it is. A model for the task ``"enhance"``
        sees the damage by itself: without a mask it restores the whole picture, and with one it
        looks at the whole picture and changes what is marked. The same as calling the restorer.

        Args:
            image: an array [H, W] or [H, W, C] of grey, grey and alpha, colours (in the order given
                to :meth:`load`) or colours and alpha, as uint8, uint16, or float32 or float64 from
                0 to 1; a PIL image of mode RGB, RGBA, L, LA or I;16; the path of a picture file; or
                the bytes of one. Any size from 1x1 up. EXIF orientation is applied; alpha is left
                as it is.
            mask: of the image's size, nonzero where it is to be restored: a bool or uint8
                array [H, W] or [H, W, 1], a PIL image, a path or bytes. An empty mask gives a copy.
            options: how, in place of those given to :meth:`load`.

        Returns:
            What came in: an array for an array, of the same shape and dtype; a PIL image of the
            same mode for a PIL image; a PIL image for a path; for bytes those of a file of the same
            format.

        Raises:
            ImageError, MaskError: one of them cannot be used; or the model inpaints, and the mask
                covers everything; or the memory is too small for the strategy ``"full"``.
            OptionError: the detector does not find a kind of damage that is asked for.
            ModelError: the model gave no finite picture.
        """
        return self.run(image, mask, options=options).image

    __call__ = restore

    def run(
        self, image: ImageLike, mask: MaskLike | None = None, *, options: Options | None = None
    ) -> Result:
        """Restores a picture as :meth:`restore` does, and tells how.

        >>> from inpaint_sdk import Restorer
        >>> result = Restorer.load("photo").run("photo.png", "mask.png")
        >>> result.image.size, sorted(result.seconds)
        ((130, 90), ['inpaint'])
        """
        return self.plan(image, mask, options=options).run()

    def plan(
        self, image: ImageLike, mask: MaskLike | None = None, *, options: Options | None = None
    ) -> Plan:
        """Looks at a picture and says what is to be done; ``plan.run()`` does it.

        >>> from inpaint_sdk import Restorer
        >>> plan = Restorer.load("photo").plan("photo.png", "mask.png")
        >>> print(plan)
        inpaint (photo): 2.1 % of the picture
        >>> result = plan.run()

        Args, raises: as :meth:`restore`.
        """
        options = self._checked(options)
        return self._plan(self._open((image, mask)), options)

    def detect(self, image: ImageLike, *, options: Options | None = None) -> Detection:
        """Finds damage, by the model that :meth:`load` was given as ``detector``.

        Args:
            image: as :meth:`restore` takes it; alpha is not looked at.
            options: as there.

        Raises:
            ImageError: the image cannot be used.
            OptionError: the detector does not find a kind of damage that is asked for.
            ModelError: the detector cannot be loaded, or its output is not finite.
        """
        options = self._checked(options)
        return self._find_detector().detect(open_image(image, self._channels), options)

    def estimate_degradation(
        self, image: ImageLike, *, options: Options | None = None
    ) -> Degradation:
        """How noisy, blurred and compressed a picture is.

        By this model if it says so (``"degradation" in restorer.model.outputs``), else by
        ``clean``.

        Args, raises: as :meth:`detect`.
        """
        options = self._checked(options)
        model = self._policy.model
        if "degradation" not in model.info.outputs:
            model = self._pool.get("clean")
        return EnhanceRunner(model, options).estimate(open_image(image, self._channels))

    def restore_many(
        self,
        items: Iterable[ImageLike | tuple[ImageLike, MaskLike | None]],
        *,
        options: Options | None = None,
    ) -> Iterator[Any]:
        """Restores many images, in order, reading the next while one is restored.

        >>> from inpaint_sdk import Restorer
        >>> restorer = Restorer.load("photo")
        >>> pairs = [("photo.png", "mask.png")] * 2
        >>> [picture.size for picture in restorer.restore_many(pairs)]
        [(130, 90), (130, 90)]

        Args:
            items: images, or pairs of an image and its mask, in the forms that :meth:`restore`
                takes. Taken one by one, as results are, so it may be endless.
            options: as there.

        Yields:
            What :meth:`restore` returns for each.

        Raises:
            InpaintError: as :meth:`restore` raises it, at the item's turn; it ends the iteration.
        """
        options = self._checked(options)

        def results() -> Iterator[Any]:
            with closing(prefetch_map(self._open, items, ahead=2)) as opened:
                for pair in opened:
                    yield self._plan(pair, options).run().image

        return results()

    def restore_file(
        self,
        image: str | os.PathLike[str],
        output: str | os.PathLike[str],
        mask: MaskLike | None = None,
        *,
        options: Options | None = None,
    ) -> Result:
        """Restores from file to file, with 8 or 16 bits and whatever metadata there is.

        The colour profile, EXIF, XMP and IPTC data, resolution and texts of the source are written
        with the result, and a ``MetadataWarning`` names those that the output's format cannot hold.
        The orientation is applied.

        Args:
            image: JPEG, PNG, WebP, TIFF or BMP; of 8 bits a channel, or of 16 in a PNG or TIFF, or
                floats from 0 to 1 in a TIFF.
            output: in the format of its suffix. It appears when it is whole.
            mask: as :meth:`restore` takes it.
            options: as there.

        Returns:
            What was done; its ``image`` is the path of the output.

        Raises:
            ImageError, MaskError, ModelError: as :meth:`restore` raises them.
            OutputError: the output cannot be written, or cannot hold the result: JPEG has no alpha
                and no 16 bits. Nothing is lost without a word.
        """
        result = self.run(open_image_file(Path(image), Path(output)), mask, options=options)
        write_image_file(Path(output), result.image)
        return replace(result, image=Path(output))

    def frames(
        self,
        mask: MaskLike | None = None,
        *,
        damage: DamageIn = "frame",
        steady: bool = False,
        options: Options | None = None,
    ) -> FrameRestorer:
        """Restores frames in order, planning only once where one mask holds for all.

        >>> import cv2
        >>> from inpaint_sdk import Restorer
        >>> mask = cv2.imread("mask.png", cv2.IMREAD_GRAYSCALE)
        >>> restore = Restorer.load("photo").frames(mask)
        >>> restored = restore(cv2.imread("photo.png"))

        Args:
            mask: one for all frames, as :meth:`restore` takes it, like that of a logo.
            damage: where it is, without a mask: ``"frame"`` finds it in each frame anew;
                ``"static"`` only what stays in its place while the picture moves, like dirt on a
                lens and dead pixels. What was found is accumulated over frames, so that the mask
                does not flicker and what only one frame shows is no damage.
            steady: what is inpainted under a surrounding that does not change beyond noise stays as
                it is, and the model does not run for it. Of damage that is found in each frame
                nothing is steady.
            options: as :meth:`restore` takes it.

        Raises:
            MaskError: the mask cannot be used, or the model inpaints and it covers everything.
            OptionError: ``damage`` is neither of the two, or static damage was asked of a model
                that sees damage by itself.
        """
        return FrameRestorer(
            self._policy,
            self._find_detector,
            self._channels,
            self._checked(options),
            mask=mask,
            damage=damage,
            steady=steady,
        )

    def stream(
        self,
        frames: Iterable[NDArray[Any]],
        mask: MaskLike | None = None,
        *,
        latency_budget: float | None = None,
        late: LatePolicy = "drop",
        queue: int = 2,
        damage: DamageIn = "frame",
        steady: bool = False,
        options: Options | None = None,
    ) -> Stream:
        """Restores frames that do not wait, such as a camera's: takes, restores, gives out at once.

        >>> import numpy as np
        >>> from inpaint_sdk import Restorer
        >>> frames = (np.full((90, 130, 3), n, np.uint8) for n in range(5))
        >>> with Restorer.load("photo").stream(frames, np.eye(90, 130, dtype=bool)) as stream:
        ...     [frame.index for frame in stream]
        [0, 1, 2, 3, 4]

        Args:
            frames: arrays of one size; an iterator, a generator, or what
                :func:`inpaint_sdk.open_source` gives. It is taken in a thread of its own and closed
                at the end if it has a ``close`` method.
            mask: one for all frames, as :meth:`frames` takes it.
            latency_budget: seconds from a frame's capture until it should be ready. A frame for
                which that is not to be expected is late. None: no frame is ever late, and a slow
                consumer slows the source.
            late: what happens to a late frame: ``"drop"`` gives it up, and a frame that comes
                when the queue is full pushes out the oldest; ``"passthrough"`` passes it on
                unrestored. ``stream.counts`` tells how many.
            queue: frames that may wait for the model, and results that may wait for the caller.
            damage: as :meth:`frames` takes it.
            steady: as there.
            options: as there.

        Returns:
            An iterator of :class:`inpaint_sdk.Frame`, and a context manager that ends it.

        Raises:
            InpaintError: an option or the mask cannot be used; while iterating, also whatever
                :meth:`restore` or the source raises, after the frames before it.
        """
        restore = self.frames(mask, damage=damage, steady=steady, options=options)
        return Stream(frames, restore, latency_budget=latency_budget, late=late, queue=queue)

    def warm_up(self, height: int, width: int) -> None:
        """Loads and runs each model once that a picture of that size needs, with a mask or without.

        So that the first picture does not take longer than those after it.
        """
        image = np.zeros((height, width, 3), np.uint8)
        mask = np.zeros((height, width), np.uint8)
        mask[height // 4 : height // 2, width // 4 : width // 2] = 255
        self.run(image)
        self.run(image, mask)

    def _checked(self, options: Options | None) -> Options:
        check_options(options)
        return options or self._options

    def _open(
        self, item: ImageLike | tuple[ImageLike, MaskLike | None]
    ) -> tuple[Image, Mask | None]:
        image, mask = item if isinstance(item, tuple) else (item, None)
        opened = open_image(image, self._channels)
        return opened, None if mask is None else open_mask(mask, *opened.pixels.shape[:2])

    def _plan(self, opened: tuple[Image, Mask | None], options: Options) -> Plan:
        image, mask = opened
        if mask is None:
            return self._policy.look(image, options)
        return self._policy.plan_mask(mask, options).for_image(image)
