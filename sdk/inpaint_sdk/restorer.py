"""The public class: load a model once, restore pictures with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, overload

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends import Session, open_engine, open_session
from inpaint_sdk.errors import BackendError, ImageError, MaskError, ModelError
from inpaint_sdk.images.image import Channels, Image, ImageLike, open_image
from inpaint_sdk.images.masks import Mask, MaskLike, masked_fraction, open_mask
from inpaint_sdk.models.info import ModelInfo
from inpaint_sdk.models.zoo import open_model
from inpaint_sdk.prefetch import prefetch_map
from inpaint_sdk.regions.boxes import DEFAULT_MEMORY_MB, Strategy
from inpaint_sdk.runners.detector import (
    DETECTOR,
    DamageIn,
    Detection,
    DetectionOptions,
    Detector,
    LazyDetector,
    check_damage,
)
from inpaint_sdk.runners.plans import Prepared, RestorationPlan, Step

if TYPE_CHECKING:
    from PIL import Image as PILImage

    from inpaint_sdk.auto.restorer import Clouds
    from inpaint_sdk.images.jobs import OpenedFile
    from inpaint_sdk.runners.degradation import Degradation
    from inpaint_sdk.runners.inpaint import InpaintRunner, Plan
    from inpaint_sdk.runners.lens import LensRestorer
    from inpaint_sdk.runners.masked import MaskedRestorer
    from inpaint_sdk.stream.pipeline import LatePolicy, Stream


class Restorer:
    """A loaded model. Made by :meth:`load`; may be shared by threads.

    >>> import cv2
    >>> from inpaint_sdk import Restorer
    >>> restorer = Restorer.load("photo")
    >>> image, mask = cv2.imread("photo.png"), cv2.imread("mask.png", cv2.IMREAD_GRAYSCALE)
    >>> cv2.imwrite("restored.png", restorer.restore(image, mask))
    True
    """

    def __init__(
        self,
        model: ModelInfo,
        session: Session,
        channels: Channels,
        detector: LazyDetector | None = None,
    ) -> None:
        self._model = model
        self._session = session
        self._channels: Channels = channels
        if model.task == "detect":
            detector = LazyDetector.loaded(Detector(model, session))
        self._detector = detector or LazyDetector(DETECTOR, "auto", None)

    @classmethod
    def load(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        backend: str = "auto",
        threads: int | None = None,
        channels: Channels = "bgr",
        detector: str | os.PathLike[str] = DETECTOR,
        clouds: Clouds | None = None,
    ) -> Restorer:
        """Loads a model.

        Args:
            name_or_path: a name that :func:`inpaint_sdk.list_models` gives, or the path of a model
                file or of an engine that ``inpaint-sdk compile`` wrote; or ``"auto"``, which looks
                at each picture and runs the models that it needs
                (:class:`inpaint_sdk.auto.AutoRestorer`).
            backend: ``"auto"`` chooses, and :attr:`backend` says what it chose. A backend that is
                named is the one that runs, or there is an error. ``"tensorrt"`` and
                ``"tensorrt_rtx"`` compile a model when it is first loaded, which can take minutes,
                and keep the engine (``inpaint-sdk cache list``).
            threads: of the CPU that one picture may use; None lets the runtime choose.
            channels: order of the colours in arrays, ``"bgr"`` as OpenCV has it or ``"rgb"``.
            detector: name or path of the model that finds damage where no mask is given. It is
                loaded when it is first needed, into the backend that is asked for here; for an
                engine file and ``"auto"`` that is the CPU.
            clouds: of ``"auto"``: pictures are a satellite's, with ``"thin"`` or ``"thick"``
                clouds to be removed.

        Raises:
            ModelError: there is no such model, or its file is refused.
            BackendError: the backend is unknown or cannot run here, an engine was built for another
                GPU or version, or ``threads`` is not positive.
            ImageError: ``channels`` is neither of the two.
        """
        from inpaint_sdk.auto.parts import NAME, Parts

        if channels not in get_args(Channels):
            raise ImageError(f'channels is {channels!r}; it must be "bgr" or "rgb"')
        if threads is not None and threads < 1:
            raise BackendError(f"threads is {threads}; it must be at least 1, or None")
        finder = LazyDetector(_source(detector), backend, threads)
        if name_or_path == NAME:
            from inpaint_sdk.auto import AutoRestorer

            if clouds not in (None, "thin", "thick"):
                raise ModelError(f'clouds is {clouds!r}; it must be "thin", "thick" or None')
            return AutoRestorer(Parts(backend, threads, channels), channels, finder, clouds)
        if clouds is not None:
            raise ModelError(f'clouds is for the model "{NAME}"; {name_or_path} is another')
        path = Path(name_or_path)
        if path.suffix:  # without one it is a name
            from inpaint_sdk.engines.file import is_engine_file, read_engine_file

            if is_engine_file(path):
                engine = read_engine_file(path)
                return cls(engine.info.model, open_engine(engine, backend), channels, finder)
        model = open_model(_source(name_or_path))
        return cls(model.info, open_session(model, backend, threads), channels, finder)

    @property
    def backend(self) -> str:
        """What runs the model, like ``"onnxruntime-cpu"``."""
        return self._session.backend

    @property
    def model(self) -> ModelInfo:
        """What the model file says of itself."""
        return self._model

    def __repr__(self) -> str:
        return f"Restorer({self._model.name!r}, backend={self.backend!r})"

    @overload
    def restore(
        self,
        image: NDArray[Any],
        mask: MaskLike | None = None,
        *,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
        detection: DetectionOptions | None = None,
    ) -> NDArray[Any]: ...
    @overload
    def restore(
        self,
        image: PILImage.Image | str | os.PathLike[str],
        mask: MaskLike | None = None,
        *,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
        detection: DetectionOptions | None = None,
    ) -> PILImage.Image: ...
    def restore(
        self,
        image: ImageLike,
        mask: MaskLike | None = None,
        *,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
        detection: DetectionOptions | None = None,
    ) -> NDArray[Any] | PILImage.Image:
        """Restores what the mask marks; every other pixel comes back bit for bit.

        Without a mask a model for the task ``"inpaint"`` restores what :meth:`detect` finds, and
        a picture in which that is nothing comes back as it is; :meth:`plan` tells beforehand. A
        model for the task ``"restore"`` sees the damage by itself: without a mask it restores the
        whole picture, and with one it looks at the whole picture and changes what is marked.

        Args:
            image: an array [H, W] or [H, W, C] of grey, grey and alpha, colours (in the order given
                to :meth:`load`) or colours and alpha, as uint8, uint16, or float32 or float64 from
                0 to 1; a PIL image of mode RGB, RGBA, L, LA or I;16; or the path of a picture file.
                Any size from 1x1 up. EXIF orientation is applied; alpha is left as it is.
            mask: of the image's size, nonzero where it is to be restored: a bool or uint8
                array [H, W] or [H, W, 1], a PIL image, or a path. An empty mask gives a copy.
            strategy: ``"auto"`` runs an inpainting model on crops around the damage, coarse to fine
                where a hole is wider than the model can bridge, and a model without a mask
                in one run or in tiles. ``"crop"`` leaves out coarse to fine. ``"resize"`` reduces
                the picture, runs once, and enlarges what was filled or changed. ``"full"`` runs
                once on the whole picture.
            memory_mb: bounds the network's working memory, in megabytes beside the picture and the
                result. It decides how a picture is cut, so the same number gives the same result
                on any machine; and a larger one fewer, larger parts.
            detection: how damage is found where there is no mask.

        Returns:
            What came in: an array for an array, of the same shape and dtype; a PIL image of the
            same mode for a PIL image; a PIL image for a path.

        Raises:
            ImageError, MaskError: one of them cannot be used; or the model inpaints, and the mask
                covers everything; or ``memory_mb`` is too small, for ``"full"`` or at all.
            ModelError: the model gave no finite picture; or it is one that only finds damage.
        """
        check_strategy(strategy)
        picture, hole = self._open(image, mask)
        prepared = self._prepare(picture, hole, strategy, memory_mb, detection)
        return picture.to_original_type(prepared.run())

    def plan(
        self,
        image: ImageLike,
        mask: MaskLike | None = None,
        *,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
        detection: DetectionOptions | None = None,
    ) -> RestorationPlan:
        """What :meth:`restore` would do to a picture, without doing it.

        Damage is found for it where there is no mask.

        >>> from inpaint_sdk import Restorer
        >>> print(Restorer.load("photo").plan("photo.png", "mask.png"))
        inpaint (photo): 2.1 % of the picture

        Args, raises: as :meth:`restore`.
        """
        check_strategy(strategy)
        picture, hole = self._open(image, mask)
        return self._prepare(picture, hole, strategy, memory_mb, detection).plan

    def detect(
        self,
        image: ImageLike,
        *,
        detection: DetectionOptions | None = None,
        memory_mb: int = DEFAULT_MEMORY_MB,
    ) -> Detection:
        """Finds damage: scratches, text, stains, dust, torn corners.

        By the model that :meth:`load` was given as ``detector``, or by this one if it is for the
        task ``"detect"``.

        Args:
            image: as :meth:`restore` takes it; alpha is not looked at.
            detection: how sure it must be; what is found is not widened.
            memory_mb: as :meth:`restore` takes it.

        Returns:
            ``mask``, uint8 [H, W] with 255 where the picture is damaged, and ``probability``,
            float32 [H, W] from 0 to 1.

        Raises:
            ImageError: the image cannot be used.
            ModelError: the detector cannot be loaded, or its output is not finite.
        """
        picture = open_image(image, self._channels)
        return self._detect(picture, detection or DetectionOptions(), memory_mb)

    def restore_many(
        self,
        items: Iterable[ImageLike | tuple[ImageLike, MaskLike | None]],
        *,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
        detection: DetectionOptions | None = None,
    ) -> Iterator[NDArray[Any] | PILImage.Image]:
        """Restores many images, in order, reading the next while one is restored.

        >>> from inpaint_sdk import Restorer
        >>> restorer = Restorer.load("photo")
        >>> pairs = [("photo.png", "mask.png")] * 2
        >>> [picture.size for picture in restorer.restore_many(pairs)]
        [(130, 90), (130, 90)]

        Args:
            items: images, or pairs of an image and its mask, in the forms that :meth:`restore`
                takes. Taken one by one, as results are, so it may be endless.
            strategy: as there.
            memory_mb: as there.
            detection: as there.

        Yields:
            What :meth:`restore` returns for each.

        Raises:
            InpaintError: as :meth:`restore` raises it, at the item's turn; it ends the iteration.
        """
        check_strategy(strategy)
        opened = prefetch_map(self._open_item, items, ahead=2)
        with closing(opened):
            for picture, hole in opened:
                prepared = self._prepare(picture, hole, strategy, memory_mb, detection)
                yield picture.to_original_type(prepared.run())

    def _open_item(
        self, item: ImageLike | tuple[ImageLike, MaskLike | None]
    ) -> tuple[Image, Mask | None]:
        image, mask = item if isinstance(item, tuple) else (item, None)
        return self._open(image, mask)

    def _open(self, image: ImageLike, mask: MaskLike | None) -> tuple[Image, Mask | None]:
        picture = open_image(image, self._channels)
        return picture, None if mask is None else open_mask(mask, *picture.pixels.shape[:2])

    def restore_file(
        self,
        image: str | os.PathLike[str],
        output: str | os.PathLike[str],
        mask: MaskLike | None = None,
        *,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
        detection: DetectionOptions | None = None,
    ) -> RestorationPlan:
        """Restores from file to file, with 8 or 16 bits and whatever metadata there is.

        The colour profile, EXIF, XMP and IPTC data, resolution and texts of the source are written
        with the result, and a ``MetadataWarning`` names those that the output's format cannot hold.
        The orientation is applied.

        Args:
            image: JPEG, PNG, WebP, TIFF or BMP; of 8 bits a channel, or of 16 in a PNG or TIFF, or
                floats from 0 to 1 in a TIFF.
            output: in the format of its suffix. It appears when it is whole.
            mask: as :meth:`restore` takes it.
            strategy: as there.
            memory_mb: as there.
            detection: as there.

        Returns:
            What was done.

        Raises:
            ImageError, MaskError, ModelError: as :meth:`restore` raises them.
            OutputError: the output cannot be written, or cannot hold the result: JPEG has no alpha
                and no 16 bits. Nothing is lost without a word.
        """
        check_strategy(strategy)
        from inpaint_sdk.images.jobs import FileJob

        job = FileJob(Path(image), Path(output), mask)
        restored, plan = self.restore_opened(
            job.read(), strategy=strategy, memory_mb=memory_mb, detection=detection
        )
        job.write(restored)
        return plan

    def restore_opened(
        self,
        opened: OpenedFile,
        *,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
        detection: DetectionOptions | None = None,
    ) -> tuple[OpenedFile, RestorationPlan]:
        """The middle part of :meth:`restore_file`, for those who read and write in other threads.

        Between ``read`` and ``write`` of an :class:`inpaint_sdk.images.jobs.FileJob`; also
        returns what was done.
        """
        picture = Image(opened.file.pixels, "rgb", lambda result: result)
        prepared = self._prepare(picture, opened.hole, strategy, memory_mb, detection)
        restored = replace(opened, file=replace(opened.file, pixels=prepared.run()))
        return restored, prepared.plan

    def with_mask(
        self,
        mask: MaskLike,
        *,
        steady: bool = False,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
    ) -> MaskedRestorer:
        """For many arrays of one size under one mask, like a logo on a video: plans only once.

        >>> import cv2
        >>> from inpaint_sdk import Restorer
        >>> mask = cv2.imread("mask.png", cv2.IMREAD_GRAYSCALE)
        >>> restore = Restorer.load("photo").with_mask(mask)
        >>> restored = restore(cv2.imread("photo.png"))

        Args:
            mask: as :meth:`restore` takes it; its size is the arrays'.
            steady: for frames in order: what lies under a surrounding that does not change beyond
                noise stays as it is, and the model does not run for it.
                See :class:`MaskedRestorer`.
            strategy: as :meth:`restore` takes it.
            memory_mb: as there.

        Raises:
            MaskError: the mask cannot be used, or the model inpaints and it covers everything.
            ModelError: ``steady`` was asked of a model that restores without a mask.
        """
        from inpaint_sdk.runners.masked import MaskedRestorer, Steady

        check_strategy(strategy)
        self._require_pictures()
        hole = open_mask(mask)
        if steady and self._model.task == "restore":
            raise ModelError(
                f"the model {self._model.name!r} inpaints nothing that could be steady"
            )
        damaged = masked_fraction(hole)
        if self._model.task == "restore" or damaged == 0.0:
            return self._anew(hole, strategy, memory_mb)
        inpainter, plan = self._planned(hole, damaged, strategy, memory_mb)
        return MaskedRestorer(
            lambda pixels: inpainter.fill(pixels, plan, self._channels),
            (hole.shape[0], hole.shape[1]),
            self._channels,
            Steady(inpainter, plan, self._channels) if steady else None,
        )

    def _anew(self, hole: Mask, strategy: Strategy, memory_mb: int) -> MaskedRestorer:
        """For models that cannot plan without the picture."""
        from inpaint_sdk.runners.masked import MaskedRestorer

        def run(pixels: NDArray[Any]) -> NDArray[Any]:
            picture = Image(pixels, self._channels, lambda result: result)
            return self._prepare(picture, hole, strategy, memory_mb, None).run()

        return MaskedRestorer(run, (hole.shape[0], hole.shape[1]), self._channels)

    def on_lens(
        self,
        *,
        steady: bool = False,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
        detection: DetectionOptions | None = None,
    ) -> LensRestorer:
        """For frames in order whose damage stays in its place: dirt on a lens, dead pixels, a logo.

        What was found is accumulated over frames, so that the mask does not flicker and what only
        one frame shows is no damage.

        >>> import cv2
        >>> from inpaint_sdk import Restorer
        >>> restore = Restorer.load("photo").on_lens()
        >>> restored = [restore(cv2.imread("photo.png")) for _ in range(3)]

        Args:
            steady: as :meth:`with_mask` takes it.
            strategy: as :meth:`restore` takes it.
            memory_mb: as there.
            detection: as there.

        Raises:
            ModelError: the model does not inpaint.
        """
        from inpaint_sdk.runners.lens import LensRestorer

        check_strategy(strategy)
        self._require_pictures()
        if self._model.task == "restore":
            raise ModelError(
                f"the model {self._model.name!r} restores whole pictures; what is on the lens is "
                "found for models that inpaint, like photo"
            )
        return LensRestorer(
            self,
            detection or DetectionOptions(),
            lambda hole: self.with_mask(
                hole, steady=steady and bool(hole.any()), strategy=strategy, memory_mb=memory_mb
            ),
            memory_mb,
        )

    def stream(
        self,
        frames: Iterable[NDArray[Any]],
        mask: MaskLike | None = None,
        *,
        budget: float | None = None,
        late: LatePolicy = "drop",
        queue: int = 2,
        steady: bool = False,
        damage: DamageIn = "frame",
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
        detection: DetectionOptions | None = None,
    ) -> Stream:
        """Restores frames that do not wait, while the next are captured and the last are used.

        >>> import numpy as np
        >>> from inpaint_sdk import Restorer
        >>> frames = (np.full((90, 130, 3), n, np.uint8) for n in range(5))
        >>> with Restorer.load("photo").stream(frames, np.eye(90, 130, dtype=bool)) as stream:
        ...     [frame.index for frame in stream]
        [0, 1, 2, 3, 4]

        Args:
            frames: arrays of one size; an iterator, a generator, or what
                :func:`inpaint_sdk.stream.open_source` gives. It is taken in a thread of its own and
                closed at the end if it has a ``close`` method.
            mask: one for all frames. A model for the task ``"restore"`` needs none; for one that
                inpaints, damage is found without it.
            budget: seconds from a frame's capture until it should be ready. A frame for which that
                is not to be expected is late. None: no frame is ever late, and a slow consumer
                slows the source.
            late: what happens to a late frame: ``"drop"`` gives it up, and a frame that comes
                when the queue is full pushes out the oldest; ``"pass"`` passes it on unrestored.
                ``stream.counts`` tells how many.
            queue: frames that may wait for the model, and results that may wait for the caller.
            steady: as :meth:`with_mask` takes it; damage that is found in each frame is never it.
            damage: where it is, without a mask: ``"frame"`` finds it in each frame anew; ``"lens"``
                only what stays in its place while the picture moves, like dirt and dead pixels.
            strategy: as :meth:`restore` takes it.
            memory_mb: as there.
            detection: as there.

        Returns:
            An iterator of :class:`inpaint_sdk.stream.Frame`, and a context manager that ends it.

        Raises:
            InpaintError: an option or the mask cannot be used; while iterating, also whatever
                :meth:`restore` or the source raises, after the frames before it.
        """
        from inpaint_sdk.stream.pipeline import Stream

        check_damage(damage)
        if mask is not None:
            restore: Callable[[NDArray[Any]], NDArray[Any]] = self.with_mask(
                mask, steady=steady, strategy=strategy, memory_mb=memory_mb
            )
        elif damage == "lens":
            restore = self.on_lens(
                steady=steady, strategy=strategy, memory_mb=memory_mb, detection=detection
            )
        else:

            def restore(image: NDArray[Any]) -> NDArray[Any]:
                return self.restore(
                    image, strategy=strategy, memory_mb=memory_mb, detection=detection
                )

        return Stream(frames, restore, budget=budget, late=late, queue=queue)

    def stages(
        self,
        image: ImageLike,
        mask: MaskLike,
        *,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
    ) -> Iterator[NDArray[Any] | PILImage.Image]:
        """The picture after each stage of a model that fills holes from their border inward.

        What a stage leaves to later ones shows what it would make of it. The model runs once for
        every picture that is taken, so this is for looking on and not for speed.

        Args:
            image: as :meth:`restore` takes it.
            mask: as there.
            strategy: as there.
            memory_mb: as there.

        Yields:
            What :meth:`restore` returns, of each stage; the last is what it returns.

        Raises:
            ModelError: the model has no stages (``"stages" in restorer.model.outputs`` tells).
            InpaintError: as :meth:`restore` raises it.
        """
        check_strategy(strategy)
        if "stages" not in self._model.outputs:
            raise ModelError(
                f"the model {self._model.name!r} does not work in stages; "
                "one that does lists 'stages' in model.outputs"
            )
        picture, hole = self._open(image, mask)
        assert hole is not None
        return self._stages(picture, hole, strategy, memory_mb)

    def _stages(
        self, picture: Image, hole: Mask, strategy: Strategy, memory_mb: int
    ) -> Iterator[NDArray[Any] | PILImage.Image]:
        from inpaint_sdk.runners.inpaint import InpaintRunner, count_stages

        damaged = masked_fraction(hole)
        plan = self._planned(hole, damaged, strategy, memory_mb)[1] if damaged else None
        for stage in range(count_stages(self._session, self._model)):
            inpainter = InpaintRunner(self._session, self._model, memory_mb, stage)
            pixels = picture.pixels
            filled = inpainter.fill(pixels, plan, picture.channels) if plan else pixels.copy()
            yield picture.to_original_type(filled)

    def diagnose(self, image: ImageLike, *, memory_mb: int = DEFAULT_MEMORY_MB) -> Degradation:
        """What is wrong with a picture: how much noise, blur and compression.

        Args:
            image: as :meth:`restore` takes it.
            memory_mb: as there.

        Raises:
            ModelError: the model gives no diagnosis (``"degradation" in restorer.model.outputs``
                tells), or none that is finite.
            ImageError: the image cannot be used.
        """
        if "degradation" not in self._model.outputs:
            raise ModelError(
                f"the model {self._model.name!r} gives no diagnosis; "
                "one that does lists 'diagnosis' in model.outputs"
            )
        from inpaint_sdk.runners.enhance import EnhanceRunner

        picture = open_image(image, self._channels)
        cleaner = EnhanceRunner(self._session, self._model, "auto", memory_mb)
        return cleaner.diagnose(picture.pixels, picture.channels)

    def attention(
        self,
        image: ImageLike,
        *,
        strategy: Strategy = "auto",
        memory_mb: int = DEFAULT_MEMORY_MB,
    ) -> NDArray[np.float32]:
        """Where the model sees damage: float32 [H, W], from 0 for none to 1.

        Args:
            image: as :meth:`restore` takes it.
            strategy: as there.
            memory_mb: as there.

        Raises:
            ImageError: the image cannot be used.
            ModelError: the model draws no such map (``"attention" in restorer.model.outputs``
                tells), or it is not finite.
        """
        if "attention" not in self._model.outputs:
            raise ModelError(
                f"the model {self._model.name!r} draws no attention map; "
                "one that does lists 'attention' in model.outputs, as cloud-thin does"
            )
        from inpaint_sdk.runners.enhance import (
            EnhanceRunner,  # with OpenCV, which is slow to import
        )

        check_strategy(strategy)
        picture = open_image(image, self._channels)
        cleaner = EnhanceRunner(self._session, self._model, strategy, memory_mb)
        return cleaner.attention(picture.pixels, picture.channels)

    def _prepare(
        self,
        picture: Image,
        hole: Mask | None,
        strategy: Strategy,
        memory_mb: int,
        detection: DetectionOptions | None,
    ) -> Prepared:
        """Looks at a picture as far as its plan needs it; what is returned carries the plan out."""
        # The modules that are imported here bring OpenCV, which is slow to import.
        self._require_pictures()
        pixels, channels, name = picture.pixels, picture.channels, self._model.name
        damaged = None if hole is None else masked_fraction(hole)
        if damaged == 0.0:
            return Prepared(RestorationPlan((), damaged=damaged), pixels.copy)
        if self._model.task == "restore":
            from inpaint_sdk.runners.enhance import EnhanceRunner

            cleaner = EnhanceRunner(self._session, self._model, strategy, memory_mb)
            region = hole
            plan = RestorationPlan((Step("restore", name),), damaged=damaged)
            return Prepared(plan, lambda: cleaner.restore(pixels, region, channels))
        steps: list[Step] = []
        detect = hole is None
        if hole is None:
            options = detection or DetectionOptions()
            hole = self._detect(picture, options, memory_mb).hole(options)
            steps.append(Step("detect", self._detector.get().model.name))
            damaged = masked_fraction(hole)
            if damaged == 0.0:
                return Prepared(RestorationPlan(tuple(steps), True, damaged), pixels.copy)
        assert damaged is not None
        steps.append(Step("inpaint", name, f"{100.0 * damaged:.1f} % of the picture"))
        inpainter, way = self._planned(hole, damaged, strategy, memory_mb)
        return Prepared(
            RestorationPlan(tuple(steps), detect, damaged),
            lambda: inpainter.fill(pixels, way, channels),
        )

    def _detect(self, picture: Image, options: DetectionOptions, memory_mb: int) -> Detection:
        detector = self._detector.get()
        probability = detector.probability(picture.pixels, picture.channels, memory_mb)
        return Detection.of(probability, options)

    def _require_pictures(self) -> None:
        """Raises ``ModelError`` if the model only finds damage."""
        if self._model.task == "detect":
            raise ModelError(
                f"the model {self._model.name!r} finds damage and restores nothing: "
                "call detect, or restore with another model, like photo"
            )

    def _planned(
        self, hole: Mask, damaged: float, strategy: Strategy, memory_mb: int
    ) -> tuple[InpaintRunner, Plan]:
        """For an inpainting model; raises ``MaskError`` if the hole is everything.

        damaged: share of the hole, not counted again because large masks take time to read.
        """
        if damaged == 1.0:
            raise MaskError(
                "the mask covers the whole image, so nothing is known to restore it from; "
                "nonzero means hole: is it inverted?"
            )
        from inpaint_sdk.runners.inpaint import InpaintRunner, make_plan

        plan = make_plan(hole, self._model, strategy, memory_mb)
        return InpaintRunner(self._session, self._model, memory_mb), plan


def _source(name_or_path: str | os.PathLike[str]) -> str | Path:
    """A string may be a model's name; anything else is a path."""
    return name_or_path if isinstance(name_or_path, str) else Path(name_or_path)


def check_strategy(strategy: Strategy) -> None:
    """Raises ``ImageError`` for what is not one of them."""
    if strategy not in get_args(Strategy):
        choices = ", ".join(get_args(Strategy))
        raise ImageError(f"strategy is {strategy!r}; it must be one of {choices}")
