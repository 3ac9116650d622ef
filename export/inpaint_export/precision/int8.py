"""int8 by static calibration: what every tensor's range is, seen on training pictures."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnxruntime import quantization

from inpaint_export.precision.reshaped import reshape_convolutions
from inpaint_export.precision.trunk import trunk

OPERATORS = ["Conv", "ConvTranspose", "LeakyRelu", "Relu", "Add", "Resize", "MaxPool"]
"""What runs on 8 bits: convolutions, and what lies between them. DirectionalScan, MatMul and all
else computes on what is dequantised for it."""

PERCENTILE = 99.999
"""Percent of a tensor's values that its range holds. By their extremes, one training picture in a
hundred stretches a range until all others have a few steps left: ``cloud-thin`` lost 2.2 dB."""

Feed = dict[str, NDArray[np.float32]]


def to_int8(proto: onnx.ModelProto, feeds: Iterable[Feed]) -> onnx.ModelProto:
    """A copy of an fp32 model whose trunk is quantised, as explicit QuantizeLinear nodes and back.

    feeds: inputs to calibrate on. Ranges are symmetric, as TensorRT needs them; activations are
    unsigned with zero at 128, as CPUs are fast with; weights are signed, with a scale for each
    channel; biases stay in fp32, since TensorRT reads no others.
    """
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    _fold_weights(model.graph)
    names = [node.name for node in trunk(model) if node.op_type in OPERATORS]
    reshape_convolutions(model.graph, names)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        source.write_bytes(model.SerializeToString())
        with contextlib.redirect_stdout(io.StringIO()):  # it reports on its histograms
            quantization.quantize_static(
                source,
                target,
                _Feeds(iter(feeds)),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=OPERATORS,
                nodes_to_quantize=names,
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                calibrate_method=quantization.CalibrationMethod.Percentile,
                extra_options={
                    "CalibPercentile": PERCENTILE,
                    "ActivationSymmetric": True,
                    "WeightSymmetric": True,
                    "QuantizeBias": False,
                },
            )
        quantised = onnx.load(target)
    for tensor in quantised.graph.initializer:
        if tensor.data_type == TensorProto.UINT8:  # as bytes, which the SDK can look at
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    _keep_what_is_imported(quantised, proto)
    onnx.checker.check_model(quantised, full_check=True)
    return quantised


class _Feeds(quantization.CalibrationDataReader):  # type: ignore[misc]  # of an untyped package
    """Feeds one at a time, as ONNX Runtime asks for them."""

    def __init__(self, feeds: Iterator[Feed]) -> None:
        self._feeds = feeds

    def get_next(self) -> Feed | None:
        return next(self._feeds, None)


def _fold_weights(graph: onnx.GraphProto) -> None:
    """Computes what is made of weights alone, so that it is quantised as a weight."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kept = []
    for node in graph.node:
        floats = [name for name in node.input if name]
        if node.domain or len(node.output) != 1 or not all(name in stored for name in floats):
            kept.append(node)
            continue
        (value,) = ReferenceEvaluator(node).run(None, {name: stored[name] for name in floats})
        stored[node.output[0]] = np.asarray(value)
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), node.output[0]))
    del graph.node[:]
    graph.node.extend(kept)


def _keep_what_is_imported(model: onnx.ModelProto, original: onnx.ModelProto) -> None:
    """Takes away the domains that the quantiser imports and does not use."""
    domains = {entry.domain for entry in original.opset_import}
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in domains | used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    model.ir_version = original.ir_version
    model.producer_name, model.producer_version = original.producer_name, ""
