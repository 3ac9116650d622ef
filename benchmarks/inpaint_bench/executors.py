"""What can be measured: anything that restores a picture or finds damage, behind one small class.

A new runtime is a class like :class:`PublicCall` and a line in :func:`open_executor`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inpaint_bench.errors import CannotRunError
from inpaint_bench.schema.common import CandidateKey
from inpaint_bench.schema.results import Scope
from inpaint_eval.scores import Pixels
from inpaint_sdk import Detector, InpaintError, Restorer
from inpaint_sdk.backends.pool import ModelPool
from inpaint_sdk.images.tensors import from_float01, image_tensor, mask_tensor, to_hwc
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.models.info import main_output
from inpaint_sdk.models.zoo import lower_precision_file, open_model

GPU_BACKENDS = ("onnxruntime-cuda", "tensorrt", "tensorrt_rtx")


@dataclass(frozen=True)
class Frame:
    """What one call gets: pictures of one size, uint8 BGR [H, W, 3], and a mask [H, W] for each.

    A mask is 255 in the hole.
    """

    pictures: tuple[Pixels, ...]
    masks: tuple[Pixels, ...]


@dataclass(frozen=True)
class Order:
    """Which candidate, and how it is to be called. threads: of the processor."""

    candidate: CandidateKey
    scope: Scope
    threads: int
    batch: int


class Executor(ABC):
    """A candidate. What the constructor does is not timed.

    notes: what a reader of its figures must know; complete after ``load``. gpu: whether a GPU does
    the work. restores: whether it makes pictures; a detector makes masks.
    """

    restores = True

    def __init__(self, order: Order) -> None:
        self.order = order
        self.notes: list[str] = []
        self.gpu = order.candidate.backend in GPU_BACKENDS

    @abstractmethod
    def load(self) -> None:
        """Makes it ready.

        Raises:
            CannotRunError: it cannot do this here.
        """

    def feed(self, frame: Frame) -> Any:
        """What ``infer`` takes for a frame. Not timed."""
        return frame.pictures[0], frame.masks[0]

    @abstractmethod
    def infer(self, fed: Any) -> Any:
        """One call; returns when the result is in the host's memory. This is what is timed."""

    def pictures(self, result: Any) -> list[Pixels]:
        """The restored pictures, uint8 BGR [H, W, 3], or a detector's masks [H, W]. Not timed."""
        return [result]


def open_executor(order: Order) -> Executor:
    """The executor for a candidate, not yet loaded.

    Raises:
        CannotRunError: it cannot do what is asked.
    """
    import cv2

    from inpaint_bench.peers import Classical, OnnxFile

    kind = order.candidate.kind
    if kind == "peer" and order.scope != "call":
        raise CannotRunError("it has no network: it is measured in scope call")
    if order.batch != 1 and (kind, order.scope) != ("model", "network"):
        raise CannotRunError("it takes one picture a call; models have batches in scope network")
    cv2.setNumThreads(order.threads)
    if kind == "model":
        return PublicCall(order) if order.scope == "call" else Network(order)
    return OnnxFile(order) if kind == "onnx" else Classical(order)


class ModelExecutor(Executor):
    """A model of ours."""

    def load(self) -> None:
        model = find_model(self.order.candidate)
        self._info = model.info
        self._takes_masks = model.info.task == "inpaint"
        if model.info.task == "read":
            raise CannotRunError("it reads text; inpaint-export eval measures it")
        self.restores = model.info.restores
        try:
            self._open(model.path)
        except InpaintError as error:
            raise CannotRunError(str(error)) from error
        if not self.restores:
            self.notes.append("finds damage and restores nothing")
        elif not self._takes_masks:
            self.notes.append("takes no mask: it restores the whole picture")

    @abstractmethod
    def _open(self, path: Path) -> None:
        """Loads the model's file."""


class PublicCall(ModelExecutor):
    """Scope ``call``: ``Restorer.restore``, or of a detector ``Detector.detect`` and its mask.

    Conversion, planning, crops or tiles, and composition are included.
    """

    def _open(self, path: Path) -> None:
        backend, threads = self.order.candidate.backend, self.order.threads
        if self.restores:
            self._call: Any = Restorer.load(path, backend=backend, threads=threads).restore
        else:
            detector = Detector.load(path, backend=backend, threads=threads)
            self._call = lambda picture, _: detector.detect(picture).mask

    def feed(self, frame: Frame) -> Any:
        return frame.pictures[0], frame.masks[0] if self._takes_masks else None

    def infer(self, fed: Any) -> Any:
        return self._call(*fed)


class Network(ModelExecutor):
    """Scope ``network``: float tensors of whole pictures, padded to what the network takes."""

    def _open(self, path: Path) -> None:
        pool = ModelPool(self.order.candidate.backend, threads=self.order.threads)
        self._session = pool.get(path).session
        self._output = main_output(self._info.task)

    def feed(self, frame: Frame) -> Any:
        self._size = frame.masks[0].shape
        multiple = self._info.size_multiple
        fed = {"image": [image_tensor(p, "bgr", multiple) for p in frame.pictures]}
        if self._takes_masks:
            fed["mask"] = [mask_tensor(m, multiple) for m in frame.masks]
        return {name: np.concatenate(tensors) for name, tensors in fed.items()}

    def infer(self, fed: Any) -> Any:
        return self._session.run(fed)[self._output]

    def pictures(self, result: Any) -> list[Pixels]:
        """Of a detector: 255 where some kind of damage is at least as probable as not."""
        height, width = self._size
        if not self.restores:
            found = result[:, :, :height, :width].max(axis=1) >= 0.5
            return list(np.multiply(found, 255, dtype=np.uint8))
        dtype = np.dtype(np.uint8)
        planes = (to_hwc(picture, "bgr", height, width, 3) for picture in result)
        return [from_float01(p, dtype).astype(np.uint8, copy=False) for p in planes]


def find_model(candidate: CandidateKey) -> ModelFile:
    """The candidate's file in the precision that is asked for.

    Where the source is of another one, its relative is taken: ``photo-int8.onnx`` for
    ``photo.onnx``, in the same folder.

    Raises:
        CannotRunError: there is none.
    """
    path = Path(candidate.source)
    try:
        model = open_model(path if path.suffix else candidate.source)
        if model.info.precision == candidate.precision:
            return model
        related = lower_precision_file(model.path, candidate.precision)
        if related.is_file():
            return open_model(related)
    except InpaintError as error:
        raise CannotRunError(str(error)) from error
    raise CannotRunError(
        f"{candidate.source} is of precision {model.info.precision}, and there is no {related}."
        f" To make it: inpaint-export export {model.path.name} --precision "
        f"{candidate.precision} --data DATA -o {related.name}"
    )
