"""Detectors without training: one takes what is magenta for damage, one tells kinds apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.backends.pool import LoadedModel
from support.models import FakeSession, Tensors, model_info

MAGENTA = (255, 0, 255)
"""In RGB and in BGR alike."""


def write_detector(path: Path) -> Path:
    """Writes a model file for the task ``detect``; the probability is a sigmoid of R + B - 2G."""
    import onnx
    from onnx import helper, numpy_helper

    from inpaint_sdk.models.file import content_digest
    from inpaint_sdk.models.info import METADATA_KEY

    weight = np.array([80.0, -160.0, 80.0], np.float32).reshape(1, 3, 1, 1)
    nodes = [
        helper.make_node("Conv", ["image", "weight", "bias"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probability"]),
    ]
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "magenta",
        [helper.make_tensor_value_info("image", kind, ["batch", 3, "height", "width"])],
        [helper.make_tensor_value_info("probability", kind, ["batch", 1, "height", "width"])],
        [
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(np.array([-152.0], np.float32), "bias"),
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


KINDS = ("scratch", "speck", "stain", "overlay", "sensor")


class KindsSession(FakeSession):
    """Sees damage of the kind ``KINDS[k]`` in grey of the value that ``paint`` gives for it."""

    inputs = ("image",)
    outputs = ("probability",)

    def run(self, inputs: Tensors) -> Tensors:
        values = np.rint(inputs["image"][:, :1] * 255)
        planes = [np.where(values == paint(kind), 0.9, 0.05 * k) for k, kind in enumerate(KINDS)]
        return {"probability": np.concatenate(planes, axis=1).astype(np.float32)}


def paint(kind: str) -> int:
    """The grey that stands for a kind of damage."""
    return 40 * (KINDS.index(kind) + 1)


def kinds_model() -> LoadedModel:
    """A detector, named ``kinds``, that tells five kinds apart."""
    info = model_info(name="kinds", task="detect", kinds=KINDS, outputs=("probability",))
    return LoadedModel(info, KindsSession())
