"""Small ONNX files with the inputs and outputs of known inpainting networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from onnx import TensorProto, helper

FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8


def write_filler(
    path: Path,
    *,
    white: float,
    output: str = "output",
    size: Sequence[int | str] = ("height", "width"),
    inputs: tuple[str, str] = ("image", "mask"),
) -> Path:
    """A network that fills holes (mask 1) with red: image / 1 outside, of [0, white] both."""
    image, mask = inputs
    graph = helper.make_graph(
        [
            helper.make_node("Mul", [image, "white"], ["scaled"]),
            helper.make_node("Mul", ["red", mask], ["filling"]),
            helper.make_node("Sub", ["one", mask], ["known"]),
            helper.make_node("Mul", ["scaled", "known"], ["kept"]),
            helper.make_node("Add", ["kept", "filling"], [output]),
        ],
        "filler",
        [
            helper.make_tensor_value_info(image, FLOAT, (1, 3, *size)),
            helper.make_tensor_value_info(mask, FLOAT, (1, 1, *size)),
        ],
        [helper.make_tensor_value_info(output, FLOAT, (1, 3, *size))],
        [
            helper.make_tensor("white", FLOAT, (), [white]),
            helper.make_tensor("one", FLOAT, (), [1.0]),
            helper.make_tensor("red", FLOAT, (1, 3, 1, 1), [white, 0.0, 0.0]),
        ],
    )
    return _write(graph, path)


def write_mask_free(path: Path) -> Path:
    """A network that needs no mask: from 0 to 1, it turns a picture into its negative."""
    size = ("height", "width")
    graph = helper.make_graph(
        [helper.make_node("Sub", ["one", "input"], ["clean"])],
        "negative",
        [helper.make_tensor_value_info("input", FLOAT, (1, 3, *size))],
        [helper.make_tensor_value_info("clean", FLOAT, (1, 3, *size))],
        [helper.make_tensor("one", FLOAT, (), [1.0])],
    )
    return _write(graph, path)


def write_migan(path: Path) -> Path:
    """A pipeline of bytes, as MI-GAN's: where the mask is 0 the result is 255 less the image."""
    size = ("height", "width")
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["mask"], ["known"], to=TensorProto.BOOL),
            helper.make_node("Cast", ["image"], ["number"], to=TensorProto.INT32),
            helper.make_node("Sub", ["white", "number"], ["negative"]),
            helper.make_node("Where", ["known", "number", "negative"], ["chosen"]),
            helper.make_node("Cast", ["chosen"], ["result"], to=TensorProto.UINT8),
        ],
        "migan",
        [
            helper.make_tensor_value_info("image", UINT8, (1, 3, *size)),
            helper.make_tensor_value_info("mask", UINT8, (1, 1, *size)),
        ],
        [helper.make_tensor_value_info("result", UINT8, (1, 3, *size))],
        [helper.make_tensor("white", TensorProto.INT32, (), [255])],
    )
    return _write(graph, path)


def _write(graph: object, path: Path) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path
