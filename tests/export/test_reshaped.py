"""Convolutions in other shapes compute the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from inpaint_eval.sessions import open_session
from inpaint_export.precision.reshaped import reshape_convolutions


def network(inputs: int, outputs: int, kernel: int, bias: bool, **attributes: Any) -> Any:
    """A convolution named conv, and one that follows it."""
    rng = np.random.default_rng(0)
    groups = attributes.get("group", 1)

    def weights(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(rng.normal(size=shape).astype(np.float32), name)

    stored = [
        weights("weight", outputs, inputs // groups, kernel, kernel),
        weights("bias", outputs),
        weights("last", 16, outputs, 1, 1),
    ]
    given = ["x", "weight", "bias"] if bias else ["x", "weight"]
    shape = [1, inputs, None, None]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", given, ["y"], "conv", **attributes),
            helper.make_node("Conv", ["y", "last"], ["z"], "after"),
        ],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 16, None, None])],
        stored,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def run(model: onnx.ModelProto, x: Any) -> Any:
    return open_session(model.SerializeToString(), native=False, threads=1).run(None, {"x": x})[0]


FOLDED, WIDE = "SpaceToDepth", "Slice"


@pytest.mark.parametrize(
    ("inputs", "outputs", "kernel", "bias", "attributes", "changes"),
    [
        (4, 16, 6, True, {"strides": [2, 2], "pads": [2, 2, 2, 2]}, {FOLDED}),
        (3, 12, 8, False, {"strides": [4, 4], "pads": [2, 2, 2, 2]}, {FOLDED, WIDE}),
        (4, 48, 4, True, {"strides": [2, 2]}, {FOLDED}),
        (16, 12, 3, True, {"pads": [1, 1, 1, 1]}, {WIDE}),
        (16, 5, 3, False, {"pads": [1, 1, 1, 1]}, {WIDE}),
        (4, 16, 4, True, {"strides": [2, 2], "auto_pad": "SAME_UPPER"}, set()),
        (4, 16, 3, True, {"strides": [2, 2], "pads": [2, 2, 2, 2]}, set()),
        (4, 16, 6, True, {"strides": [2, 2], "pads": [2, 2, 1, 1]}, set()),
        (4, 16, 6, True, {"strides": [1, 1], "pads": [2, 2, 2, 2]}, set()),
        (4, 16, 4, True, {"strides": [2, 2], "dilations": [2, 2]}, set()),
        (4, 4, 6, True, {"strides": [2, 2], "pads": [2, 2, 2, 2], "group": 4}, set()),
        (16, 32, 6, True, {"strides": [2, 2], "pads": [2, 2, 2, 2]}, set()),
    ],
)
def test_it_computes_the_same(
    inputs: int,
    outputs: int,
    kernel: int,
    bias: bool,
    attributes: dict[str, list[int]],
    changes: set[str],
) -> None:
    model = network(inputs, outputs, kernel, bias, **attributes)
    x = np.random.default_rng(1).normal(size=(1, inputs, 24, 40)).astype(np.float32)
    expected = run(model, x)
    reshape_convolutions(model.graph, {"conv", "after"})
    onnx.checker.check_model(model, full_check=True)
    assert {node.op_type for node in model.graph.node} - {"Conv"} == changes
    np.testing.assert_allclose(run(model, x), expected, atol=2e-4)


def test_what_stays_in_fp32_keeps_its_shape() -> None:
    model = network(4, 12, 6, True, strides=[2, 2], pads=[2, 2, 2, 2])
    before = model.SerializeToString()
    reshape_convolutions(model.graph, {"after"})
    assert model.SerializeToString() == before


def test_what_is_filled_up_has_the_values_that_it_had() -> None:
    """So that its range, which 8 bits divide, is the same."""
    model = network(16, 4, 3, True, pads=[1, 1, 1, 1])
    x = np.random.default_rng(1).normal(size=(1, 16, 8, 8)).astype(np.float32)
    reshape_convolutions(model.graph, {"conv"})
    model.graph.output[0].name = model.graph.node[0].output[0]
    wide = run(model, x)
    assert wide.shape[1] == 16
    np.testing.assert_allclose(wide[:, 4:8], wide[:, :4], atol=1e-5)
