"""The public class: load a model once, restore pictures with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends.base import Provider
from inpaint_sdk.backends.pool import ModelPool
from inpaint_sdk.errors import OptionError
from inpaint_sdk.frames.restorer import FrameRestorer
from inpaint_sdk.images.files import (
    ImageAndMask,
    ImageLike,
    open_image_file,
    open_pair,
    write_image_file,
)
from inpaint_sdk.images.image import Channels, Image
from inpaint_sdk.images.masks import MaskLike
from inpaint_sdk.loaded import LoadedWithOptions, absolute
from inpaint_sdk.models.info import PrecisionChoice
from inpaint_sdk.options import Clouds, DamageIn, Options, is_integer
from inpaint_sdk.policies.make import DETECTOR, load_detector, make_policy
from inpaint_sdk.policies.plan import Plan, Result
from inpaint_sdk.policies.policy import plan_filling, plan_image
from inpaint_sdk.prefetch import prefetch_map
from inpaint_sdk.runners.degradation import Degradation
from inpaint_sdk.runners.detect import Detection
from inpaint_sdk.runners.enhance import EnhanceRunner
from inpaint_sdk.stream.pipeline import LatePolicy, Stream

if TYPE_CHECKING:
    from PIL import Image as PILImage

StrPath: TypeAlias = "str | os.PathLike[str]"
PilOrPath: TypeAlias = "PILImage.Image | StrPath"
ArrayOrBytes = TypeVar("ArrayOrBytes", NDArray[Any], bytes)


class Restorer(LoadedWithOptions):
    """A loaded model. Made by :meth:`load`; may be shared by threads, forked and pickled.

    Use it as a context manager, or call :meth:`inpaint_sdk.Restorer.close`, to give back what the
    models take.

    Examples:
        >>> import cv2
        >>> from inpaint_sdk import Restorer
        >>> restorer = Restorer.load("photo")
        >>> image, mask = cv2.imread("photo.png"), cv2.imread("mask.png", cv2.IMREAD_GRAYSCALE)
        >>> cv2.imwrite("restored.png", restorer(image, mask))
        True
    """

    @classmethod
    def load(
        cls,
        name_or_path: StrPath = "photo",
        *,
        backend: str = "auto",
        device: str | None = None,
        providers: Sequence[Provider] | None = None,
        threads: int | None = None,
        precision: PrecisionChoice = "auto",
        channels: Channels = "bgr",
        detector: StrPath = DETECTOR,
        clouds: Clouds | None = None,
        options: Options | None = None,
    ) -> Restorer:
        """Loads a model.

        Args:
            name_or_path: a name that :func:`inpaint_sdk.list_models` gives, the path of a model
                file or of an engine that ``inpaint-sdk compile`` wrote, or ``"auto"``, which looks
                at each picture and runs the models that it needs.
            backend: what runs the model, as ``inpaint-sdk doctor`` lists; there is no fallback from
                what is named. ``"tensorrt"`` and ``"tensorrt_rtx"`` compile a model when it is
                first loaded, which can take minutes, and keep the engine.
            device: ``"cpu"``, ``"cuda"`` or ``"cuda:1"``; None for what the backend prefers.
            providers: ONNX Runtime's execution providers, in its own form, in place of ``backend``.
            threads: CPU threads that one picture may use; None lets the runtime choose.
            precision: of the model: ``"fp32"``, ``"fp16"`` for GPUs or ``"int8"`` for CPUs, if it
                comes in it; ``"auto"`` takes the fastest here whose measured loss is below 0.05 dB.
                Other models that are needed are in the same if they come in it, else in fp32.
                ``restorer.model.precision`` says what was taken.
            channels: order of the colours in arrays, ``"bgr"`` as OpenCV has it or ``"rgb"``.
            detector: name or path of the model that finds damage where no mask is given; loaded
                when it is first needed.
            clouds: for ``"auto"``: pictures are a satellite's, with ``"thin"`` or ``"thick"``
                clouds to be removed, and no other damage is looked for.
            options: how pictures are restored, where a call does not say otherwise.

        Raises:
            ModelError: there is no such model, its file is refused, it restores nothing, or it is
                of another precision.
            BackendError: the backend is unknown or cannot run here.
            OptionError: another argument has a value that it cannot take.

        Examples:
            >>> from inpaint_sdk import Options, Restorer
            >>> with Restorer.load("photo", device="cpu", options=Options(memory_mb=320)) as small:
            ...     small.backend, small.model.task
            ('onnxruntime-cpu', 'inpaint')
        """
        pool = ModelPool(
            backend, device=device, providers=providers, threads=threads, precision=precision
        )
        return cls(name_or_path, pool, channels, options, detector, clouds)

    def __init__(
        self,
        source: StrPath,
        pool: ModelPool,
        channels: Channels = "bgr",
        options: Options | None = None,
        detector: StrPath = DETECTOR,
        clouds: Clouds | None = None,
    ) -> None:
        """Of a pool of models; :meth:`load` makes one."""
        detector = absolute(detector)
        super().__init__(source, pool, channels, options, detector, clouds)
        self._find_detector = partial(load_detector, pool, detector)
        self._policy = make_policy(source, pool, self._find_detector, clouds)
        self._model = self._policy.model
        self._require_precision()

    @overload
    def restore(
        self, image: ArrayOrBytes, mask: MaskLike | None = None, *, options: Options | None = None
    ) -> ArrayOrBytes: ...
    @overload
    def restore(
        self, image: PilOrPath, mask: MaskLike | None = None, *, options: Options | None = None
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
                0 to 1; a PIL image; the path of a picture file, or its bytes. EXIF orientation is
                applied; alpha is left as it is; a palette, 1 bit or CMYK becomes colours or grey.
            mask: of the image's size, nonzero where it is to be restored: a bool or uint8
                array [H, W] or [H, W, 1], a PIL image, a path or bytes. An empty mask gives a copy.
            options: how, in place of those given to :meth:`load`.

        Returns:
            What came in: an array of the same shape and dtype for an array, bytes in the same
            format for bytes; a PIL image for a PIL image and for a path.

        Raises:
            ImageError, MaskError: one of them cannot be used; or the mask covers everything, and
                the model inpaints; or the memory is too small for the strategy ``"full"``.
            OptionError: the detector does not find a kind of damage that is asked for.
            ModelError: the model gave no finite picture.
            OutputError: bytes came in a format that is not written, like a GIF's or a PPM's.

        Examples:
            >>> from inpaint_sdk import MaskError, Restorer
            >>> restorer = Restorer.load("photo")
            >>> restorer.restore("photo.png", "mask.png").size
            (130, 90)
            >>> try:
            ...     restorer.restore("photo.png", "logo.png")
            ... except MaskError as error:
            ...     print(error)
            the mask is 160x120, the image is 130x90 (width x height); they must be of one size
        """
        return self.run(image, mask, options=options).image

    __call__ = restore

    def run(
        self, image: ImageLike, mask: MaskLike | None = None, *, options: Options | None = None
    ) -> Result:
        """Restores a picture as :meth:`restore` does, and tells how.

        Examples:
            >>> from inpaint_sdk import Restorer
            >>> result = Restorer.load("photo").run("photo.png", "mask.png")
            >>> result.image.size, result.mask.shape
            ((130, 90), (90, 130))
        """
        return self.plan(image, mask, options=options).run()

    def plan(
        self, image: ImageLike, mask: MaskLike | None = None, *, options: Options | None = None
    ) -> Plan:
        """Looks at a picture and says what is to be done; ``plan.run()`` does it.

        Args, raises: as :meth:`restore`.

        Examples:
            >>> from inpaint_sdk import Restorer
            >>> plan = Restorer.load("photo").plan("photo.png", "mask.png")
            >>> print(plan)
            inpaint (photo): 10.6 % of the picture
            >>> plan.run().image.size
            (130, 90)
        """
        return plan_image(
            self._policy, *open_pair((image, mask), self._channels), self._checked(options)
        )

    def detect(self, image: ImageLike, *, options: Options | None = None) -> Detection:
        """Finds damage, by ``load``'s ``detector``; as :meth:`inpaint_sdk.Detector.detect`.

        Examples:
            >>> from inpaint_sdk import Restorer
            >>> Restorer.load("photo").detect("photo.png").kinds
            ('scratch', 'speck', 'stain', 'overlay', 'sensor')
        """
        options = self._checked(options)
        return self._find_detector().detect(self._open_image(image), options)

    def estimate_degradation(
        self, image: ImageLike, *, options: Options | None = None
    ) -> Degradation:
        """How noisy, blurred and compressed a picture is, as this model or else ``clean`` says.

        Args, raises: as :meth:`detect`.

        Examples:
            >>> from inpaint_sdk import Restorer
            >>> seen = Restorer.load("clean").estimate_degradation("photo.png")
            >>> 0.0 <= seen.noise <= 1.0
            True
        """
        model = self._model
        if "degradation" not in model.info.outputs:
            model = self._pool.get("clean")
        return EnhanceRunner(model, self._checked(options)).estimate(self._open_image(image))

    def restore_many(
        self, items: Iterable[ImageAndMask], *, options: Options | None = None
    ) -> Iterator[Any]:
        """Restores many images, in order, reading the next while one is restored.

        The items are images, or pairs of an image and its mask, in the forms that :meth:`restore`
        takes. They are taken one by one, as results are, so they may be endless, and arrays are
        copied, so that one may be filled again. An item's error is raised at its turn and ends the
        iteration.

        Examples:
            >>> from inpaint_sdk import Restorer
            >>> pairs = [("photo.png", "mask.png"), "photo.png"]
            >>> [restored.size for restored in Restorer.load("photo").restore_many(pairs)]
            [(130, 90), (130, 90)]
        """
        options = self._checked(options)
        open_item = partial(open_pair, channels=self._channels)
        kept = map(_copied, items)  # before the next is asked for, which may be the same array

        def results() -> Iterator[Any]:
            with closing(prefetch_map(open_item, kept, ahead=2)) as opened:
                for image, mask in opened:
                    yield plan_image(self._policy, image, mask, options).run().image

        return results()

    def restore_file(
        self,
        image: StrPath,
        output: StrPath,
        mask: MaskLike | None = None,
        *,
        page: int | None = None,
        options: Options | None = None,
    ) -> Result:
        """Restores from file to file; the result's ``image`` is the path of the output.

        8 or 16 bits a channel and metadata are kept: a ``MetadataWarning`` names what the output
        lacks. The orientation is applied. The output appears when it is whole.

        The image is a JPEG, PNG, WebP, TIFF or BMP, or of another format that PIL reads; of 8 bits
        a channel, or of 16 in a PNG or TIFF, or floats from 0 to 1 in a TIFF. A palette, 1 bit and
        CMYK become colours or grey; of a JPEG that is cut short what is there is taken. ``page`` is
        which of a TIFF's pictures, from 1. The output is in the format of its suffix; an
        ``OutputError`` says so if that cannot hold the result: JPEG has no alpha and no 16 bits.
        Other arguments and errors are those of :meth:`restore`.

        Examples:
            >>> from inpaint_sdk import Restorer
            >>> Restorer.load("photo").restore_file("photo.png", "restored.tif", "mask.png").image
            PosixPath('restored.tif')
        """
        result = self.run(open_image_file(Path(image), Path(output), page), mask, options=options)
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
        """What restores frames in order; see :class:`inpaint_sdk.FrameRestorer`.

        Args:
            mask: one for all frames, as :meth:`restore` takes it, like that of a logo.
            damage: without a mask, ``"frame"`` finds damage in each frame anew, ``"static"`` only
                what stays in its place while the picture moves, like dirt on a lens.
            steady: what is inpainted under a surrounding that does not change beyond noise stays as
                it is, and the model does not run for it.
            options: as :meth:`restore` takes it.

        Raises:
            MaskError: the mask cannot be used, or the model inpaints and it covers everything.
            OptionError: static damage was asked of a model that sees damage by itself.

        Examples:
            >>> import numpy as np
            >>> from inpaint_sdk import Restorer
            >>> restore = Restorer.load("photo").frames("mask.png", steady=True)
            >>> frame = np.full((90, 130, 3), 127, np.uint8)
            >>> restored = restore(frame)
            >>> restore(frame, out=frame) is frame  # in place
            True
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
        """Restores frames that do not wait, like a camera's.

        Arguments are those of :class:`inpaint_sdk.Stream` and of :meth:`frames`.
        """
        restore = self.frames(mask, damage=damage, steady=steady, options=options)
        return Stream(frames, restore, latency_budget=latency_budget, late=late, queue=queue)

    def warm_up(self, height: int, width: int) -> None:
        """Runs each model that a picture of that size needs, so that the first is not slower."""
        if not (is_integer(height) and is_integer(width) and min(height, width) > 0):
            raise OptionError(f"height and width are {height!r} and {width!r}; they are in pixels")
        image = np.zeros((height, width, 3), np.uint8)
        self.run(image)
        mask = np.zeros((height, width), np.uint8)
        mask[height // 4 : height // 4 + 1, width // 4 : width // 2] = 255
        self.run(image, mask)
        options, undoing = self._checked(None), self._policy.undoing
        if undoing is not None and options.strategy != "resize":  # if damage were found
            plan_filling(undoing, mask, options).for_image(Image(image, self._channels)).run()


def _copied(item: Any) -> Any:
    """An image, or a pair of an image and its mask, with arrays of its own."""
    if isinstance(item, tuple):
        return tuple(map(_copied, item))
    return item.copy() if isinstance(item, np.ndarray) else item
