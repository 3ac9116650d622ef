"""ONNX Runtime, with the custom operator and without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from inpaint_bench.kernels.arrays import Shape, Work, aligned, make_inputs


def _model(shape: Shape) -> bytes:
    from onnx import TensorProto, helper

    from inpaint_kernels import onnx_body

    def value(name: str, sizes: Sequence[int]) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)

    n, c, h, w = shape
    graph = helper.make_graph(
        [helper.make_node("DirectionalScan", ["x", "weight", "bias"], ["y"], domain="inpaint_sdk")],
        "scan",
        [value("x", shape), value("weight", (4, c)), value("bias", (4, c))],
        [value("y", (n, 4 * c, h, w))],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("inpaint_sdk", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx_body.attach(model, onnx_body.Form.SCAN)
    return bytes(model.SerializeToString())


def runtime_work(shape: Shape, threads: int) -> Work:
    """``ort native`` and ``ort function``."""
    import onnxruntime

    from inpaint_sdk.native import get_library_path

    x, weight, bias = make_inputs(shape)
    n, c, h, w = shape
    model = _model(shape)
    work: Work = {}
    for name in ("ort native", "ort function"):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # A pool that waits by spinning would take cores from the candidate that runs next.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if name == "ort native":
            options.register_custom_ops_library(str(get_library_path()))
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        # Bound buffers: what is timed is the node, not the allocation of its output.
        binding = session.io_binding()
        out = aligned((n, 4 * c, h, w))
        for key, array in (("x", x), ("weight", weight), ("bias", bias)):
            binding.bind_input(key, "cpu", 0, np.float32, array.shape, array.ctypes.data)
        binding.bind_output("y", "cpu", 0, np.float32, out.shape, out.ctypes.data)

        def run(session: Any = session, binding: Any = binding, arrays: Any = (x, out)) -> None:
            session.run_with_iobinding(binding)

        work[name] = run
    return work
