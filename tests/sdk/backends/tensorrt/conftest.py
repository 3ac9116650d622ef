"""Models that compile in a second, and a fake GPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from inpaint_sdk.models.file import ModelFile, content_digest, read_model_file
from inpaint_sdk.models.info import METADATA_KEY, ModelInfo
from inpaint_sdk.models.zoo import MODELS


@pytest.fixture(scope="session")
def photo_file() -> ModelFile:
    return read_model_file(MODELS / "photo.onnx")


@pytest.fixture(scope="session")
def scan_file(tmp_path_factory: pytest.TempPathFactory) -> ModelFile:
    """A restore model of random weights with one DirectionalScan at 1/8 of the resolution."""
    onnx = pytest.importorskip("onnx")
    from inpaint_kernels.onnx_body import attach

    rng = np.random.default_rng(0)

    def constant(name: str, *shape: int) -> object:
        values = rng.normal(0, 0.2, shape).astype(np.float32)
        return onnx.numpy_helper.from_array(values, name)

    node, tensor = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    size = ["batch", 3, "height", "width"]
    graph = onnx.helper.make_graph(
        [
            node("Conv", ["image", "w1"], ["x"], kernel_shape=[8, 8], strides=[8, 8]),
            node("DirectionalScan", ["x", "w", "b"], ["maps"], domain="inpaint_sdk"),
            node("Conv", ["maps", "w2"], ["y"], kernel_shape=[1, 1]),
            node("DepthToSpace", ["y"], ["z"], blocksize=8),
            node("Sigmoid", ["z"], ["output"]),
        ],
        "scan",
        [tensor("image", onnx.TensorProto.FLOAT, size)],
        [tensor("output", onnx.TensorProto.FLOAT, size)],
        [
            constant("w1", 4, 3, 8, 8),
            constant("w", 4, 4),
            constant("b", 4, 4),
            constant("w2", 192, 16, 1, 1),
        ],
    )
    proto = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10
    )
    attach(proto)
    return write_model(proto, tmp_path_factory.mktemp("scan") / "scan.onnx")


def write_model(proto: object, path: Path) -> ModelFile:
    """Writes a graph as a model file of ours."""
    info = replace(
        read_model_file(MODELS / "photo.onnx").info,
        name=path.stem,
        family="sarnn",
        task="enhance",
        size_multiple=8,
        trained_size=64,
        digest=content_digest(proto.SerializeToString()),  # type: ignore[attr-defined]
    )
    assert isinstance(info, ModelInfo)
    proto.metadata_props.add(key=METADATA_KEY, value=info.to_json())  # type: ignore[attr-defined]
    path.write_bytes(proto.SerializeToString())  # type: ignore[attr-defined]
    return read_model_file(path)
