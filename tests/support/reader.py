"""A reader without training: it reads colours as letters."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from support.models import model_info

ALPHABET = "rgb"
HEIGHT = 8


def write_reader(path: Path, alphabet: str = ALPHABET) -> Path:
    """Writes a model file for the task ``read``.

    A step of 4 pixels that is red, green or blue says "r", "g" or "b"; grey is the blank.
    alphabet: that the file says it has.
    """
    import onnx
    from onnx import helper, numpy_helper

    from inpaint_sdk.models.file import content_digest
    from inpaint_sdk.models.info import METADATA_KEY

    # Each colour less the mean of the others, against the blank's constant.
    weight = np.full((3, 3), -20.0, np.float32)
    np.fill_diagonal(weight, 40.0)
    weight = np.concatenate([np.zeros((1, 3), np.float32), weight])[:, :, None, None]
    bias = np.array([10.0, 0.0, 0.0, 0.0], np.float32)
    nodes = [
        helper.make_node(
            "AveragePool", ["image"], ["means"], kernel_shape=[HEIGHT, 4], strides=[HEIGHT, 4]
        ),
        helper.make_node("Conv", ["means", "weight", "bias"], ["scores"]),
        helper.make_node("Squeeze", ["scores", "rows"], ["along"]),
        helper.make_node("Transpose", ["along"], ["steps"], perm=[0, 2, 1]),
        helper.make_node("LogSoftmax", ["steps"], ["log_probability"], axis=2),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("image", kind, ["batch", 3, HEIGHT, "width"])],
        [helper.make_tensor_value_info("log_probability", kind, ["batch", "steps", 4])],
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(bias, "bias"),
            numpy_helper.from_array(np.array([2], np.int64), "rows"),
        ],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    info = model_info(
        name="colours",
        family="ctc",
        task="read",
        description="Reads colours.",
        parameters=16,
        size_multiple=4,
        trained_size=HEIGHT,
        outputs=("log_probability",),
        alphabet=alphabet,
        digest=content_digest(proto.SerializeToString()),
    )
    proto.metadata_props.add(key=METADATA_KEY, value=info.to_json())
    path.write_bytes(proto.SerializeToString())
    return path
