"""The CPU kernel's backward pass, through PyTorch, against autograd over the definition."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from inpaint_kernels import naive_torch, native, torch_op  # noqa: E402

DTYPES = {
    "float32": torch.float32,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float64": torch.float64,
}


def gradients(scan, inputs, grad_out):
    leaves = [tensor.detach().clone().requires_grad_() for tensor in inputs]
    out = scan(*leaves)
    out.backward(grad_out)
    # Where all lines have one element, the definition does not touch weight and bias.
    return [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]


def tensors(case, dtype):
    return [torch.from_numpy(a.astype(np.float64)).to(DTYPES[dtype]) for a in case.inputs()]


def assert_gradients(found, expected, dtype, close):
    for name, a, b in zip(("x", "weight", "bias"), found, expected, strict=True):
        assert a.dtype == b.dtype, name
        # A parameter's gradient is a sum over all pixels: large terms may cancel.
        scale = 4.0 * max(1.0, float(b.abs().max())) if b.numel() else 1.0
        close(a.double().numpy(), b.double().numpy(), dtype, scale)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_autograd(case, dtype, close):
    inputs = tensors(case, dtype)
    grad_out = torch.randn(
        (case.shape[0], 4 * case.shape[1], *case.shape[2:]),
        generator=torch.Generator().manual_seed(0),
        dtype=DTYPES[dtype],
    )
    expected = gradients(naive_torch.directional_scan, inputs, grad_out)
    assert_gradients(gradients(torch_op.directional_scan, inputs, grad_out), expected, dtype, close)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bits(dtype, close):
    """The gradient of what was stored: out is rounded, sums are not."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, 33, 45, generator=generator).to(DTYPES[dtype])
    weight = (torch.rand(4, 3, generator=generator) * 1.4 - 0.7).to(DTYPES[dtype])
    bias = (torch.randn(4, 3, generator=generator) * 0.2).to(DTYPES[dtype])
    grad_out = torch.randn(2, 12, 33, 45, generator=generator).to(DTYPES[dtype])
    found = gradients(torch_op.directional_scan, (x, weight, bias), grad_out)
    wide = [t.float() for t in (x, weight, bias)]
    expected = gradients(naive_torch.directional_scan, wide, grad_out.float())
    assert_gradients(found, [e.to(DTYPES[dtype]) for e in expected], dtype, close)


def run_native(isa, weight, out, grad_out):
    n, c4, h, w = out.shape
    grads = [out.new_empty(n, c4 // 4, h, w), torch.empty_like(weight), torch.empty_like(weight)]
    described = [
        native.describe(t.data_ptr(), t.shape, torch_op.DTYPES[t.dtype])
        for t in (weight, out, grad_out, *grads)
    ]
    native.call("backward", described, isa=isa, threads=2)
    return grads


# Few planes are cut into parts, many are walked whole.
@pytest.mark.parametrize("n", [2, 11], ids=["parts", "whole"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_instruction_set(isa, dtype, n, close):
    generator = torch.Generator().manual_seed(0)
    kind = DTYPES[dtype]
    weight = (torch.rand(4, 3, generator=generator) - 0.4).to(kind)
    out = torch.relu(torch.randn(n, 12, 70, 131, generator=generator)).to(kind)
    grad_out = torch.randn(n, 12, 70, 131, generator=generator).to(kind)
    found = run_native(isa, weight, out, grad_out)
    assert_gradients(found, run_native("portable", weight, out, grad_out), dtype, close)


WIDTHS = [1, 15, 16, 17, 31, 32, 50]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "weight", [0.0, 1e-3, -1e-6, 1e-40, 0.9, -3.0, 20.0, -300.0, np.inf, np.nan]
)
def test_weights_of_any_size(isa, weight, width, close):
    """Whether powers of a weight vanish or overflow; in NaN and infinity too, where they pass."""
    generator = torch.Generator().manual_seed(width)
    out = torch.relu(torch.randn(1, 4, 5, width, generator=generator) + 0.3)
    grad_out = torch.randn(1, 4, 5, width, generator=generator)
    grad_out[:, :, 1, width // 2], grad_out[:, :, 2, width // 3] = np.inf, np.nan
    out[:, :, 3] = 1  # one run of active values, along which nothing comes that could grow
    grad_out[:, 1, 3, 1:] = 0
    grad_out[:, 3, 3, :-1] = 0
    out[:, :, 4, ::3] = 0
    weights = torch.full((4, 1), weight)
    found = run_native(isa, weights, out, grad_out)
    expected = run_native("portable", weights, out, grad_out)
    for a, b in zip(found, expected, strict=True):
        close(a.numpy(), b.numpy(), "float32", 10.0)


@pytest.mark.parametrize("width", WIDTHS)
def test_where_a_line_ends_its_value_has_no_gradient_through_the_weight(isa, width):
    """Infinity there must not become NaN by a product with a step that does not exist."""
    generator = torch.Generator().manual_seed(width)
    out = torch.relu(torch.randn(1, 4, 9, width, generator=generator))
    out[0, 0, 0], out[0, 2, -1], out[0, 1, :, -1], out[0, 3, :, 0] = [np.inf] * 4
    grad_out = torch.randn(1, 4, 9, width, generator=generator)
    weight = torch.tensor([[0.5], [-0.5], [0.9], [-1.1]])
    for grad in run_native(isa, weight, out, grad_out):
        assert torch.isfinite(grad).all()


def test_sums_do_not_depend_on_threads():
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(1, 2, 150, 333, generator=generator), torch.rand(4, 2), torch.rand(4, 2)]
    inputs[1] -= 0.5
    grad_out = torch.randn(1, 8, 150, 333, generator=generator)
    before = torch.get_num_threads()
    results = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        results.append(gradients(torch_op.directional_scan, inputs, grad_out))
    torch.set_num_threads(before)
    for a, b in zip(*results, strict=True):
        assert torch.equal(a, b)


def test_nan_and_infinity(close):
    """relu lets a gradient through where its value is NaN, as torch.relu does."""
    x = torch.randn(1, 2, 9, 35, generator=torch.Generator().manual_seed(1))
    x[0, 0, 4, 7], x[0, 1, 2, 20], x[0, 1, 7, 3] = np.nan, np.inf, -np.inf
    weight = torch.tensor([[0.5, -0.5], [0.3, 0.2], [-0.4, 0.6], [0.1, -0.2]])
    bias = torch.full((4, 2), 0.1)
    grad_out = torch.ones(1, 8, 9, 35)
    found = gradients(torch_op.directional_scan, (x, weight, bias), grad_out)
    expected = gradients(naive_torch.directional_scan, (x, weight, bias), grad_out)
    for a, b in zip(found, expected, strict=True):
        close(a.numpy(), b.numpy(), "float32", 10.0)
