"""A detector without training: it takes what is magenta for damage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from support.models import model_info

MAGENTA = (255, 0, 255)
"""In RGB and in BGR alike."""

MAGENTA_FOR_DAMAGE = {"damage": 1}


def write_detector(path: Path, kinds: Mapping[str, int] = MAGENTA_FOR_DAMAGE) -> Path:
    """Writes a model file for the task ``detect``.

    kinds: for each kind of damage the channel, of RGB, that is dark where it is and the other two
    bright: 1 for magenta, whose probability is a sigmoid of R + B - 2G; 0 for cyan, 2 for yellow.
    """
    import onnx
    from onnx import helper, numpy_helper

    from inpaint_sdk.models.file import content_digest
    from inpaint_sdk.models.info import METADATA_KEY

    weight = np.full((len(kinds), 3, 1, 1), 80.0, np.float32)
    weight[range(len(kinds)), list(kinds.values())] = -160.0
    nodes = [
        helper.make_node("Conv", ["image", "weight", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probability"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "magenta",
        [helper.make_tensor_value_info("image", kind, ["batch", 3, "height", "width"])],
        [
            helper.make_tensor_value_info(
                "probability", kind, ["batch", len(kinds), "height", "width"]
            )
        ],
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(np.full(len(kinds), -152.0, np.float32), "bias"),
        ],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    info = model_info(
        name="magenta",
        task="detect",
        description="Takes what is magenta for damage.",
        parameters=4,
        size_multiple=16,
        outputs=("probability",),
        kinds=tuple(kinds),
        digest=content_digest(proto.SerializeToString()),
    )
    proto.metadata_props.add(key=METADATA_KEY, value=info.to_json())
    path.write_bytes(proto.SerializeToString())
    return path


def scratched(image: NDArray[np.uint8], mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture, magenta where the mask is."""
    damaged = image.copy()
    damaged[mask > 0] = MAGENTA
    return damaged
