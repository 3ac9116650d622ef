"""`torch.ops.inpaint_sdk.directional_scan`: the scan as a PyTorch operator.

Importing this module registers the operator. It runs on CPU tensors through the compiled kernel,
on CUDA tensors where the CUDA kernels were built, has gradients, works under `torch.compile`, and
is written to ONNX as one node (`onnx_export`).

Another device adds its kernels with `register_device`.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from inpaint_kernels import native, torch_cuda

# The C interface's codes for the dtypes that it takes.
DTYPES = {
    torch.float32: native.FLOAT32,
    torch.float16: native.FLOAT16,
    torch.bfloat16: native.BFLOAT16,
    torch.float64: native.FLOAT64,
}

Forward = Callable[[Tensor, Tensor, Tensor], Tensor]
Backward = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


def directional_scan(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Scan in four directions; `inpaint_kernels.naive` is the definition.

    Args:
        x: [N, C, H, W], float32, float16, bfloat16 or float64.
        weight: [4, C], dtype of `x` or float32; rows are up, right, down, left.
        bias: [4, C], dtype of `weight`.

    Returns:
        [N, 4C, H, W], dtype of `x`.

    Raises:
        ValueError: A shape, dtype or device is wrong.

    Example:
        >>> x, weight, bias = torch.randn(1, 3, 8, 8), torch.rand(4, 3), torch.zeros(4, 3)
        >>> directional_scan(x, weight, bias).shape
        torch.Size([1, 12, 8, 8])
    """
    out: Tensor = torch.ops.inpaint_sdk.directional_scan(x, weight, bias)
    return out


def register_device(device_type: str, forward: Forward, backward: Backward) -> None:
    """Give the operator kernels for another kind of device.

    Args:
        device_type: As in `torch.device.type`, for example "cuda".
        forward: (x, weight, bias) -> out, all contiguous, shapes and dtypes checked.
        backward: (weight, out, grad_out) -> (grad_x, grad_weight, grad_bias), likewise.
    """

    @_scan.register_kernel(device_type)
    def _(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        _check(x, weight, bias)
        return forward(x.contiguous(), weight.contiguous(), bias.contiguous())

    @_scan_backward.register_kernel(device_type)
    def _(weight: Tensor, out: Tensor, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return backward(weight.contiguous(), out.contiguous(), grad_out.contiguous())


def _check(x: Tensor, weight: Tensor, bias: Tensor) -> None:
    if x.dim() != 4:
        raise ValueError(f"x: has {x.dim()} dimensions, needs 4 (N, C, H, W)")
    if x.dtype not in DTYPES:
        raise ValueError(f"x: dtype {x.dtype} is none of {', '.join(map(str, DTYPES))}")
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter.dim() != 2 or parameter.shape[0] != 4 or parameter.shape[1] != x.shape[1]:
            raise ValueError(f"{name}: has shape {tuple(parameter.shape)}, needs (4, {x.shape[1]})")
        if parameter.dtype not in (x.dtype, torch.float32) or parameter.dtype != weight.dtype:
            raise ValueError(
                f"{name}: has dtype {parameter.dtype}; weight and bias need one dtype, "
                f"{x.dtype} or torch.float32"
            )
        if parameter.device != x.device:
            raise ValueError(f"{name}: is on {parameter.device}, x is on {x.device}")


def _call(name: str, *tensors: Tensor) -> None:
    described = [native.describe(t.data_ptr(), t.shape, DTYPES[t.dtype]) for t in tensors]
    # PyTorch's own threads: those that wait for its next operator would be in the way of others.
    native.call(name, described, threads=torch.get_num_threads(), openmp=True)


def _new_empty(like: Tensor, shape: Sequence[int]) -> Tensor:
    """Memory for a result, in huge pages where it is large, as numpy has it.

    Memory that is new to the process otherwise comes in pages of 4 KiB, which takes longer than the
    scan.
    """
    tensor = like.new_empty(shape)
    native.advise_huge_pages(tensor.data_ptr(), tensor.nbytes)
    return tensor


@torch.library.custom_op("inpaint_sdk::directional_scan", mutates_args=(), device_types="cpu")
def _scan(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    _check(x, weight, bias)
    x, weight, bias = x.contiguous(), weight.contiguous(), bias.contiguous()
    n, c, h, w = x.shape
    out = _new_empty(x, (n, 4 * c, h, w))
    _call("forward", x, weight, bias, out)
    return out


@_scan.register_fake
def _(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    _check(x, weight, bias)
    n, c, h, w = x.shape
    return x.new_empty((n, 4 * c, h, w))


@torch.library.custom_op(
    "inpaint_sdk::directional_scan_backward", mutates_args=(), device_types="cpu"
)
def _scan_backward(weight: Tensor, out: Tensor, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    weight, out, grad_out = weight.contiguous(), out.contiguous(), grad_out.contiguous()
    n, c4, h, w = out.shape
    grad_x = _new_empty(out, (n, c4 // 4, h, w))
    grad_weight, grad_bias = torch.empty_like(weight), torch.empty_like(weight)
    _call("backward", weight, out, grad_out, grad_x, grad_weight, grad_bias)
    return grad_x, grad_weight, grad_bias


@_scan_backward.register_fake
def _(weight: Tensor, out: Tensor, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    n, c4, h, w = out.shape
    grad_x = out.new_empty((n, c4 // 4, h, w))
    return grad_x, torch.empty_like(weight), torch.empty_like(weight)


def _save(ctx: object, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
    _, weight, _ = inputs
    ctx.save_for_backward(weight, output)  # type: ignore[attr-defined]


def _backward(ctx: object, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    weight, out = ctx.saved_tensors  # type: ignore[attr-defined]
    # In mixed precision autograd may hand over a gradient that is wider.
    grads: tuple[Tensor, Tensor, Tensor] = torch.ops.inpaint_sdk.directional_scan_backward(
        weight, out, grad_out.to(out.dtype)
    )
    return grads


_scan.register_autograd(_backward, setup_context=_save)
register_device("cuda", torch_cuda.forward, torch_cuda.backward)
