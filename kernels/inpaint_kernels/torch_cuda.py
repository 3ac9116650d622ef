"""The scan of CUDA tensors, for `torch_op.register_device`."""

import torch
from torch import Tensor

from inpaint_kernels import native_cuda

DTYPES = {
    torch.float32: native_cuda.FLOAT32,
    torch.float16: native_cuda.FLOAT16,
    torch.bfloat16: native_cuda.BFLOAT16,
}


def _problem(shape: tuple[int, ...], dtype: torch.dtype, weight: Tensor) -> native_cuda.Problem:
    for kind in (dtype, weight.dtype):
        if kind not in DTYPES:
            raise ValueError(f"dtype {kind} has no CUDA kernel; use {', '.join(map(str, DTYPES))}")
    n, c, h, w = shape
    return native_cuda.Problem((n, c, h, w), DTYPES[dtype], DTYPES[weight.dtype])


def _stream(tensor: Tensor) -> int:
    """The cudaStream_t that PyTorch's own kernels on the tensor's device are ordered on."""
    stream: int = torch.cuda.current_stream(tensor.device).cuda_stream
    return stream


def forward(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    n, c, h, w = x.shape
    problem = _problem(x.shape, x.dtype, weight)
    out = x.new_empty((n, 4 * c, h, w))
    with torch.cuda.device(x.device):
        native_cuda.forward(
            problem,
            x.data_ptr(),
            weight.data_ptr(),
            bias.data_ptr(),
            out.data_ptr(),
            _stream(x),
        )
    return out


def backward(weight: Tensor, out: Tensor, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    n, c4, h, w = out.shape
    problem = _problem((n, c4 // 4, h, w), out.dtype, weight)
    grad_x = out.new_empty((n, c4 // 4, h, w))
    grad_weight, grad_bias = (torch.empty_like(weight, dtype=torch.float32) for _ in range(2))
    # The allocator reuses memory in the order of the stream, so the workspace may be let go of
    # before the kernels have run.
    workspace = torch.empty(
        native_cuda.workspace_size(problem), dtype=torch.uint8, device=out.device
    )
    with torch.cuda.device(out.device):
        native_cuda.backward(
            problem,
            out.data_ptr(),
            grad_out.data_ptr(),
            weight.data_ptr(),
            grad_x.data_ptr(),
            grad_weight.data_ptr(),
            grad_bias.data_ptr(),
            workspace.data_ptr(),
            workspace.numel(),
            _stream(out),
        )
    return grad_x, grad_weight.to(weight.dtype), grad_bias.to(weight.dtype)
