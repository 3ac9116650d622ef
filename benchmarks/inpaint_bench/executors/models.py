"""Our models: through the public API from pixels to pixels, or the network alone."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from inpaint_bench.executors.base import CannotRunError, Frame, Order, Pixels
from inpaint_bench.executors.sessions import find_model, open_model_session
from inpaint_eval.machine.nvml import process_mb
from inpaint_sdk import Restorer
from inpaint_sdk.backends.base import Tensor
from inpaint_sdk.pictures.tensors import from_unit, image_tensor, mask_tensor, to_planes

GPU_BACKENDS = ("onnxruntime-cuda", "tensorrt", "tensorrt_rtx")


class ModelCall:
    """``Restorer.restore``: conversion, planning, crops or tiles, and composition included."""

    def __init__(self, order: Order) -> None:
        if order.batch != 1:
            raise CannotRunError(
                "the public API takes one picture a call; scope network has batches"
            )
        self._order = order
        self._restorer: Restorer | None = None
        self._masks = False
        self.notes: list[str] = []
        self.gpu = order.candidate.backend in GPU_BACKENDS

    def load(self) -> None:
        model = find_model(self._order.candidate)
        session = open_model_session(model, self._order.candidate.backend, self._order.threads)
        self._restorer = Restorer(model.info, session, "bgr")
        self._masks = model.info.task == "inpaint"
        if not self._masks:
            self.notes.append("takes no mask: it restores the whole picture")

    def feed(self, frame: Frame) -> tuple[Pixels, Pixels | None]:
        return frame.pictures[0], frame.masks[0] if self._masks else None

    def infer(self, fed: tuple[Pixels, Pixels | None]) -> Pixels:
        assert self._restorer is not None
        return self._restorer.restore(*fed)

    def pictures(self, result: Pixels) -> list[Pixels]:
        return [result]

    def device_mb(self) -> float | None:
        return process_mb(os.getpid()) if self.gpu else None

    def close(self) -> None:
        self._restorer = None


class ModelNetwork:
    """One run of the network on float tensors of whole pictures, padded to what it takes."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._session: Any = None
        self._multiple = 1
        self._masks = False
        self._size: tuple[int, ...] = ()
        self.notes: list[str] = []
        self.gpu = order.candidate.backend in GPU_BACKENDS

    def load(self) -> None:
        model = find_model(self._order.candidate)
        self._session = open_model_session(
            model, self._order.candidate.backend, self._order.threads
        )
        self._multiple = model.info.size_multiple
        self._masks = model.info.task == "inpaint"
        if not self._masks:
            self.notes.append("takes no mask: it restores the whole picture")

    def feed(self, frame: Frame) -> dict[str, Tensor]:
        self._size = frame.masks[0].shape
        images = [image_tensor(p, "bgr", self._multiple) for p in frame.pictures]
        fed = {"image": np.concatenate(images)}
        if self._masks:
            fed["mask"] = np.concatenate([mask_tensor(m, self._multiple) for m in frame.masks])
        return fed

    def infer(self, fed: dict[str, Tensor]) -> Tensor:
        output: Tensor = self._session.run(fed)["output"]
        return output

    def pictures(self, result: Tensor) -> list[Pixels]:
        height, width = self._size
        dtype = np.dtype(np.uint8)
        planes = (to_planes(picture, "bgr", height, width, 3) for picture in result)
        return [from_unit(p, dtype).astype(np.uint8, copy=False) for p in planes]

    def device_mb(self) -> float | None:
        return process_mb(os.getpid()) if self.gpu else None

    def close(self) -> None:
        self._session = None
