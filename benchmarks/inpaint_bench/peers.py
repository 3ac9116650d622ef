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
from inpaint_bench.executors import Executor, Frame
from inpaint_eval.scores import Pixels
from inpaint_eval.sessions import open_session

RADIUS = 3.0
"""As in OpenCV's own examples."""


@dataclass(frozen=True)
class Peer:
    """title: as tables have it. method: OpenCV's number for it."""

    title: str
    method: int
    library: str = "opencv-python-headless"

    def restore(self, picture: Pixels, mask: Pixels) -> Pixels:
        """A picture, uint8 BGR [H, W, 3], with its hole filled; mask: uint8 [H, W], 255 there."""
        return cv2.inpaint(picture, mask, RADIUS, self.method).astype(np.uint8, copy=False)


PEERS = {
    "opencv-telea": Peer("OpenCV Telea", cv2.INPAINT_TELEA),
    "opencv-ns": Peer("OpenCV Navier-Stokes", cv2.INPAINT_NS),
}


class Classical(Executor):
    """A peer as an executor. Its threads are those that OpenCV was told to use."""

    def load(self) -> None:
        self._peer = PEERS[self.order.candidate.name]

    def infer(self, fed: tuple[Pixels, Pixels]) -> Pixels:
        return self._peer.restore(*fed)


PROVIDERS = {"onnxruntime-cpu": "CPUExecutionProvider", "onnxruntime-cuda": "CUDAExecutionProvider"}

Range = Literal["uint8", "unit", "byte"]
"""Pixels' values: bytes; floats from 0 to 1; floats from 0 to 255."""

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
        ValueError: it is none that is known; the message says what the file has.
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
    raise ValueError(
        f"its inputs ({found}) are of no known network; there must be image and mask, both float "
        "(LaMa, AOT-GAN) or both uint8 (MI-GAN), or one float image and no mask"
    )


def output_range(output: NDArray[Any]) -> Range:
    """Of what a network made of a picture that is grey all over, 0.5 of 1."""
    if output.dtype == np.uint8:
        return "uint8"
    return "byte" if float(np.median(output)) > 2.0 else "unit"


class OnnxFile(Executor):
    """Scope ``call`` includes conversion and composition, scope ``network`` does not.

    A file of fixed size is given the picture reduced to it, and the filling is enlarged.
    """

    _range: Range = "unit"
    _fixed: tuple[int, int] | None = None

    def load(self) -> None:
        path = Path(self.order.candidate.source)
        self._session = _open_session(path, self.order.candidate.backend, self.order.threads)
        inputs = self._session.get_inputs()
        try:
            self._convention = recognise(inputs, self._session.get_outputs())
        except ValueError as error:
            raise CannotRunError(f"{path}: {error}") from error
        shape = next(port.shape for port in inputs if port.name == self._convention.image)
        if all(isinstance(n, int) for n in shape[2:]):
            self._fixed = (int(shape[2]), int(shape[3]))
            self.notes.append(f"runs at its fixed size, {self._fixed[0]}x{self._fixed[1]}")
        height, width = self._fixed or (256, 256)
        grey = np.full((height, width, 3), 128, np.uint8)
        hole = np.zeros((height, width), np.uint8)
        hole[height // 2 : height // 2 + 8, width // 2 : width // 2 + 8] = 255
        self._range = output_range(self._run(self._tensors(grey, hole)))
        self.notes.append(f"{self._convention}; its output is {self._range}, as seen on grey")

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
            size = self._fixed[::-1]
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
            mask = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST).astype(np.uint8)
        image = np.ascontiguousarray(picture[..., ::-1].transpose(2, 0, 1)[None])
        hole = mask[None, None] > 0
        if self._convention.numbers == "uint8":
            tensors = (image, np.multiply(~hole, 255, dtype=np.uint8))
        else:
            tensors = (image.astype(np.float32) / np.float32(255), hole.astype(np.float32))
        names = (self._convention.image, self._convention.mask)
        return {name: t for name, t in zip(names, tensors, strict=True) if name is not None}

    def _compose(self, output: NDArray[Any], picture: Pixels, mask: Pixels) -> Pixels:
        pixels = output[0].transpose(1, 2, 0)[..., ::-1]
        if self._range != "uint8":
            scale = 255.0 if self._range == "unit" else 1.0
            pixels = np.rint(np.clip(pixels * scale, 0, 255))
        filled = np.ascontiguousarray(pixels).astype(np.uint8)
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
