"""How the ONNX files of known inpainting networks take pictures: told by their inputs' names.

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
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Range = Literal["uint8", "unit", "byte"]
"""Pixels' values: bytes; floats from 0 to 1; floats from 0 to 255."""


@dataclass(frozen=True)
class Convention:
    """image, mask: inputs' names, the latter None where the network needs no mask.

    hole: the mask's value in the hole, 1 or 0 (of 255 for bytes).
    """

    image: str
    mask: str | None
    output: str
    numbers: Range
    hole: Literal[0, 1]

    def __str__(self) -> str:
        if self.mask is None:
            return f"{self.image} as {self.numbers}, no mask: it restores the whole picture"
        return f"{self.image} and {self.mask} as {self.numbers}, {self.hole} in the hole"


@dataclass(frozen=True)
class Port:
    """An input or output of an ONNX file: its name, ONNX Runtime's type, shape with names."""

    name: str
    type: str
    shape: Sequence[Any]


OUTPUTS = ("output", "painted_image", "result", "inpainted")


def recognise(inputs: Sequence[Port], outputs: Sequence[Port]) -> Convention:
    """The convention of a file.

    Raises:
        ValueError: it is none that is known; the message says what the file has.
    """
    ports = {port.name: port for port in inputs}
    output = next((port.name for port in outputs if port.name in OUTPUTS), None)
    if set(ports) == {"image", "mask"} and (output is not None or len(outputs) == 1):
        output = output or outputs[0].name
        types = {ports["image"].type, ports["mask"].type}
        if types == {"tensor(uint8)"}:
            return Convention("image", "mask", output, "uint8", hole=0)
        if types == {"tensor(float)"}:
            return Convention("image", "mask", output, "unit", hole=1)
    if len(ports) == 1 and inputs[0].type == "tensor(float)" and list(inputs[0].shape[1:2]) == [3]:
        return Convention(inputs[0].name, None, output or outputs[0].name, "unit", hole=1)
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
