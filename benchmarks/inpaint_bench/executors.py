"""What can be measured: anything that restores a picture or finds damage, behind one small class.

A new runtime is a class like :class:`PublicCall` and a line in :func:`open_executor`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_bench.errors import CannotRunError
from inpaint_bench.schema.common import CandidateKey, Size
from inpaint_bench.schema.results import Scope
from inpaint_eval.scores import Pixels
from inpaint_sdk import Detector, InpaintError, Restorer
from inpaint_sdk.backends.pool import ModelPool
from inpaint_sdk.images.tensors import from_float01, image_tensor, mask_tensor, to_hwc
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.models.info import Precision, main_output
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
    """A candidate, loaded by its constructor, which raises ``CannotRunError`` or ``InpaintError``.

    notes: what a reader of its figures must know. gpu: whether a GPU does the work. restores:
    whether it makes pictures; a detector makes masks.
    """

    restores = True

    def __init__(self, order: Order) -> None:
        self.order = order
        self.notes: list[str] = []
        self.gpu = order.candidate.backend in GPU_BACKENDS

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
    """Loads the executor for a candidate.

    Raises:
        CannotRunError: it cannot do what is asked, or not here.
    """
    from inpaint_bench.peers import Classical, OnnxFile

    kind = order.candidate.kind
    if kind == "peer" and order.scope != "call":
        raise CannotRunError("it has no network: it is measured in scope call")
    if order.batch != 1 and (kind, order.scope) != ("model", "network"):
        raise CannotRunError("it takes one picture a call; models have batches in scope network")
    cv2.setNumThreads(order.threads)
    try:
        if kind == "model":
            return PublicCall(order) if order.scope == "call" else Network(order)
        return OnnxFile(order) if kind == "onnx" else Classical(order)
    except InpaintError as error:
        raise CannotRunError(str(error)) from error


class ModelExecutor(Executor):
    """A model of ours."""

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._model = find_model(order.candidate)
        self._takes_masks = self._model.info.task == "inpaint"
        if self._model.info.task == "read":
            raise CannotRunError("it reads text; inpaint-export eval measures it")
        self.restores = self._model.info.restores
        if not self.restores:
            self.notes.append("finds damage and restores nothing")
        elif not self._takes_masks:
            self.notes.append("takes no mask: it restores the whole picture")


class PublicCall(ModelExecutor):
    """Scope ``call``: ``Restorer.restore``, or of a detector ``Detector.detect`` and its mask.

    Conversion, planning, crops or tiles, and composition are included.
    """

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        path, backend, threads = self._model.path, order.candidate.backend, order.threads
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

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        pool = ModelPool(order.candidate.backend, threads=order.threads)
        self._session = pool.get(self._model.path).session
        self._output = main_output(self._model.info.task)

    def feed(self, frame: Frame) -> Any:
        self._size = frame.masks[0].shape
        multiple = self._model.info.size_multiple
        fed = {"image": [image_tensor(p, "bgr", multiple) for p in frame.pictures]}
        if self._takes_masks:
            fed["mask"] = [mask_tensor(m, multiple) for m in frame.masks]
        return {name: np.concatenate(tensors) for name, tensors in fed.items()}

    def infer(self, fed: Any) -> Any:
        return self._session.run(fed)[self._output]

    def pictures(self, result: Any) -> list[Pixels]:
        """Of a detector: 255 where some kind of damage is at least as probable as not."""
        if self.restores:
            return [to_picture(picture, self._size) for picture in result]
        height, width = self._size
        found = result[:, :, :height, :width].max(axis=1) >= 0.5
        return list(np.multiply(found, 255, dtype=np.uint8))


def to_picture(output: NDArray[Any], size: Sequence[int], white: float = 1.0) -> Pixels:
    """A network's colours [3, H, W], from 0 to ``white``, as uint8 BGR [*size, 3]."""
    planes = to_hwc(output / np.float32(white), "bgr", size[0], size[1], 3)
    return from_float01(planes, np.dtype(np.uint8)).astype(np.uint8, copy=False)


def resized(picture: Pixels, mask: Pixels, size: Size) -> tuple[Pixels, Pixels]:
    """Both in another size: the picture by its area, the mask by nearest neighbour."""
    picture = cv2.resize(picture, size[::-1], interpolation=cv2.INTER_AREA).astype(np.uint8)
    return picture, cv2.resize(mask, size[::-1], interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def find_model(candidate: CandidateKey) -> ModelFile:
    """The candidate's file in the precision that is asked for.

    Beside a file ``photo.onnx`` that is ``photo-int8.onnx``, where it is there.

    Raises:
        ModelError: there is none.
    """
    path, precision = Path(candidate.source), cast(Precision, candidate.precision)
    beside = lower_precision_file(path, precision)
    found = str(beside) if path.suffix and beside.is_file() else candidate.source
    return open_model(found, precision)
