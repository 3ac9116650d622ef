"""ONNX files of others' inpainting networks, in ONNX Runtime; told by their inputs' names.

| network | inputs | hole | output |
| --- | --- | --- | --- |
| LaMa, as exported for ONNX Runtime | ``image``, ``mask`` float, image from 0 to 1 | 1 | ``output``, from 0 to 1 or from 0 to 255 |
| LaMa-Dilated and AOT-GAN, as Qualcomm exports them | ``image``, ``mask`` float, image from 0 to 1 | 1 | ``painted_image``, from 0 to 1 |
| MI-GAN's pipeline | ``image``, ``mask`` uint8 | 0 | ``result``, uint8 |
| any that needs no mask | one, float, from 0 to 1 | | the first, from 0 to 1 or from 0 to 255 |

Colours are RGB, tensors [N, C, H, W].
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_bench.errors import CannotRunError
from inpaint_bench.executors import Executor, Frame, Order, resized, to_picture
from inpaint_eval.scores import Pixels
from inpaint_eval.sessions import open_session
from inpaint_sdk.images.tensors import image_tensor, mask_tensor


@dataclass(frozen=True)
class Peer:
    """title: as tables have it. method: OpenCV's number for it."""

    title: str
    method: int

    def restore(self, picture: Pixels, mask: Pixels) -> Pixels:
        """A picture, uint8 BGR [H, W, 3], with its hole filled; mask: uint8 [H, W], 255 there."""
        # The radius is that of OpenCV's own examples.
        return cv2.inpaint(picture, mask, 3.0, self.method).astype(np.uint8, copy=False)


PEERS = {
    "opencv-telea": Peer("OpenCV Telea", cv2.INPAINT_TELEA),
    "opencv-ns": Peer("OpenCV Navier-Stokes", cv2.INPAINT_NS),
}


class Classical(Executor):
    """A peer as an executor. Its threads are those that OpenCV was told to use."""

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        self._peer = PEERS[order.candidate.name]

    def infer(self, fed: tuple[Pixels, Pixels]) -> Pixels:
        return self._peer.restore(*fed)


PROVIDERS = {"onnxruntime-cpu": "CPUExecutionProvider", "onnxruntime-cuda": "CUDAExecutionProvider"}

OUTPUTS = ("output", "painted_image", "result", "inpainted")


@dataclass(frozen=True)
class Convention:
    """image, mask, output: names; no mask where the network needs none.

    numbers: of its inputs. In the hole, a mask of bytes is 0, one of floats 1.
    """

    image: str
    mask: str | None
    output: str
    numbers: Literal["uint8", "unit"] = "unit"

    def __str__(self) -> str:
        if self.mask is None:
            return f"{self.image} as {self.numbers}, no mask: it restores the whole picture"
        hole = 0 if self.numbers == "uint8" else 1
        return f"{self.image} and {self.mask} as {self.numbers}, {hole} in the hole"


def recognise(inputs: Sequence[Any], outputs: Sequence[Any]) -> Convention:
    """The convention of a file, from ONNX Runtime's descriptions of its inputs and outputs.

    Raises:
        CannotRunError: it is none that is known; the message says what the file has.
    """
    ports = {port.name: port for port in inputs}
    types = {port.type for port in inputs}
    named = next((port.name for port in outputs if port.name in OUTPUTS), None)
    output = named or outputs[0].name
    if set(ports) == {"image", "mask"} and (named or len(outputs) == 1):
        if types == {"tensor(uint8)"}:
            return Convention("image", "mask", output, "uint8")
        if types == {"tensor(float)"}:
            return Convention("image", "mask", output)
    if len(ports) == 1 and types == {"tensor(float)"} and list(inputs[0].shape[1:2]) == [3]:
        return Convention(inputs[0].name, None, output)
    found = ", ".join(f"{port.name} {port.type}" for port in inputs)
    raise CannotRunError(
        f"its inputs ({found}) are of no known network; there must be image and mask, both float "
        "(LaMa, AOT-GAN) or both uint8 (MI-GAN), or one float image and no mask"
    )


class OnnxFile(Executor):
    """Scope ``call`` includes conversion and composition, scope ``network`` does not.

    A file of fixed size is given the picture reduced to it, and the filling is enlarged.
    """

    _fixed: tuple[int, int] | None = None

    def __init__(self, order: Order) -> None:
        super().__init__(order)
        path = Path(order.candidate.source)
        self._session = _open_session(path, order.candidate.backend, order.threads)
        inputs = self._session.get_inputs()
        self._convention = recognise(inputs, self._session.get_outputs())
        shape = next(port.shape for port in inputs if port.name == self._convention.image)
        if all(isinstance(n, int) for n in shape[2:]):
            self._fixed = (int(shape[2]), int(shape[3]))
            self.notes.append(f"runs at its fixed size, {self._fixed[0]}x{self._fixed[1]}")
        height, width = self._fixed or (256, 256)
        grey = np.full((height, width, 3), 128, np.uint8)
        hole = np.zeros((height, width), np.uint8)
        hole[height // 2 : height // 2 + 8, width // 2 : width // 2 + 8] = 255
        made = self._run(self._tensors(grey, hole))
        self._white = 255.0 if float(np.median(made)) > 2.0 else 1.0
        self.notes.append(f"{self._convention}; its white is {self._white:g}, as seen on grey")

    def feed(self, frame: Frame) -> Any:
        self._pair = super().feed(frame)
        return self._tensors(*self._pair) if self.order.scope == "network" else self._pair

    def infer(self, fed: Any) -> Any:
        if self.order.scope == "network":
            return self._run(fed)
        return self._compose(self._run(self._tensors(*fed)), *fed)

    def pictures(self, result: Any) -> list[Pixels]:
        network = self.order.scope == "network"
        return [self._compose(result, *self._pair) if network else result]

    def _run(self, tensors: dict[str, NDArray[Any]]) -> NDArray[Any]:
        output: NDArray[Any] = self._session.run([self._convention.output], tensors)[0]
        return output

    def _tensors(self, picture: Pixels, mask: Pixels) -> dict[str, NDArray[Any]]:
        if self._fixed is not None and picture.shape[:2] != self._fixed:
            picture, mask = resized(picture, mask, self._fixed)
        image: NDArray[Any]
        if self._convention.numbers == "uint8":
            image = np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1)[None])
            hole: NDArray[Any] = 255 - mask[None, None]
        else:
            image, hole = image_tensor(picture, "bgr", 1), mask_tensor(mask, 1)
        tensors = {self._convention.image: image}
        return (
            tensors if self._convention.mask is None else {**tensors, self._convention.mask: hole}
        )

    def _compose(self, output: NDArray[Any], picture: Pixels, mask: Pixels) -> Pixels:
        filled = to_picture(output[0], output.shape[2:], self._white)
        if filled.shape != picture.shape:
            size = (picture.shape[1], picture.shape[0])
            filled = cv2.resize(filled, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
        if self._convention.mask is None:
            return filled
        return np.where(mask[..., None] > 0, filled, picture)


def _open_session(path: Path, backend: str, threads: int) -> Any:
    import onnxruntime

    provider = PROVIDERS.get(backend)
    if provider is None or provider not in onnxruntime.get_available_providers():
        raise CannotRunError(
            f"ONNX files of others run in the installed ONNX Runtime, on {' or '.join(PROVIDERS)} "
            f"if it has that; not on {backend}"
        )
    try:
        session = open_session(path, native=False, threads=threads, provider=provider)
    except Exception as error:  # its exceptions share no base class below Exception
        raise CannotRunError(f"ONNX Runtime cannot load {path}: {error}") from error
    if session.get_providers()[0] != provider:
        raise CannotRunError(f"ONNX Runtime has {provider} but cannot start it")
    return session
