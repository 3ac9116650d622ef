"""What `torch.onnx.export` needs to write the scan as one node with its model-local function."""

from collections.abc import Callable
from typing import Any

import onnx
import onnxscript
import torch
from onnxscript import opset18 as op

from inpaint_kernels import torch_op
from inpaint_kernels.onnx_body import DOMAIN, VERSION, Form, directional_scan_function

assert torch_op  # imported for the operator that it registers


def translation_table(
    form: Form | str = Form.SCAN, max_length: int = 1024
) -> dict[Callable[..., Any], Callable[..., Any]]:
    """For `torch.onnx.export(..., dynamo=True, custom_translation_table=...)`.

    The exporter's optimiser would inline the function, so export with `optimize=False`.

    Args:
        form: Which body the function has.
        max_length: For `log_step`, the longest side that the model will be given.

    Example:
        >>> table = translation_table()
        >>> program = torch.onnx.export(
        ...     model, (x,), dynamo=True, optimize=False, custom_translation_table=table
        ... )
    """
    body = directional_scan_function(form, max_length)

    # Only its name and signature count: the body below stands in for what is returned instead.
    @onnxscript.script(onnxscript.values.Opset(DOMAIN, VERSION))  # type: ignore[untyped-decorator]
    def DirectionalScan(X, weight, bias):  # type: ignore[no-untyped-def]  # noqa: N802, N803
        return op.Sum(X, weight, bias)

    def to_function_proto() -> onnx.FunctionProto:
        return body

    DirectionalScan.to_function_proto = to_function_proto
    return {torch.ops.inpaint_sdk.directional_scan.default: DirectionalScan}
