"""Writing the scan to ONNX from PyTorch: one node, and the model-local function beside it."""

from collections.abc import Callable, Sequence
from typing import Any

import onnx
import onnx_ir
import onnxscript
import torch

from inpaint_kernels import torch_op
from inpaint_kernels.onnx_body import DOMAIN, NAME, VERSION, Form, directional_scan_function

assert torch_op  # imported for the operator that it registers


def _node() -> Any:
    """The operator as the exporter wants to be told of it."""
    parameter = onnx.defs.OpSchema.FormalParameter
    types = ["tensor(float)", "tensor(float16)", "tensor(bfloat16)", "tensor(double)"]
    schema = onnx.defs.OpSchema(
        NAME,
        DOMAIN,
        VERSION,
        inputs=[parameter("X", "T"), parameter("weight", "P"), parameter("bias", "P")],
        outputs=[parameter("Y", "T")],
        type_constraints=[("T", types, "Images."), ("P", types, "Parameters: T, or float.")],
    )
    return onnxscript.values.Op(onnxscript.values.Opset(DOMAIN, VERSION), NAME, schema)


_directional_scan = _node()


def _translate(x: Any, weight: Any, bias: Any) -> Any:
    return _directional_scan(x, weight, bias)


def translation_table() -> dict[Callable[..., Any], Callable[..., Any]]:
    """For `torch.onnx.export(..., dynamo=True, custom_translation_table=...)`.

    It makes the exporter write the node. The function has to be added afterwards, by
    `attach_function`, because the exporter inlines every function that it knows.
    """
    return {torch.ops.inpaint_sdk.directional_scan.default: _translate}


def attach_function(
    program: torch.onnx.ONNXProgram, form: Form | str = Form.SCAN, max_length: int = 1024
) -> None:
    """Give an exported program the function that its DirectionalScan nodes call, in place.

    Args:
        program: What `torch.onnx.export` returned.
        form: Which body the function has.
        max_length: For `log_step`, the longest side that the model will be given.
    """
    proto = directional_scan_function(form, max_length)
    function = onnx_ir.serde.deserialize_function(proto)
    program.model.functions[function.identifier()] = function
    program.model.opset_imports[DOMAIN] = VERSION


def export(
    model: torch.nn.Module,
    args: Sequence[Any],
    *,
    form: Form | str = Form.SCAN,
    max_length: int = 1024,
    **options: Any,
) -> torch.onnx.ONNXProgram:
    """`torch.onnx.export` for a model that uses the scan.

    Args:
        model: The model.
        args: Example inputs.
        form: Which body the model-local function has.
        max_length: For `log_step`, the longest side that the model will be given.
        options: Other options of `torch.onnx.export`.

    Example:
        >>> model = torch.nn.Conv2d(3, 3, 1).eval()
        >>> program = export(model, (torch.randn(1, 3, 64, 64),), opset_version=18, verbose=False)
        >>> program.save("model.onnx")
    """
    table = translation_table() | options.pop("custom_translation_table", {})
    program = torch.onnx.export(
        model, tuple(args), dynamo=True, custom_translation_table=table, **options
    )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    attach_function(program, form, max_length)
    return program
