"""The PyTorch operator's contract."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from inpaint_kernels import naive_torch, torch_op  # noqa: E402


def inputs(dtype=None, shape=(2, 3, 5, 7)):
    generator = torch.Generator().manual_seed(3)
    c = shape[1]
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    weight = torch.rand(4, c, generator=generator, dtype=torch.float64) * 2.4 - 1.2
    bias = torch.randn(4, c, generator=generator, dtype=torch.float64) * 0.3
    return [t.to(dtype or torch.float32) for t in (x, weight, bias)]


def test_gradcheck():
    leaves = [t.requires_grad_() for t in inputs(torch.float64)]
    assert torch.autograd.gradcheck(torch_op.directional_scan, leaves)


def test_operator_is_registered_as_pytorch_wants():
    leaves = [t.requires_grad_() for t in inputs()]
    torch.library.opcheck(torch.ops.inpaint_sdk.directional_scan.default, leaves)


def test_tensors_need_not_be_contiguous():
    x, weight, bias = inputs()
    strided = x.transpose(2, 3).contiguous().transpose(2, 3).requires_grad_()
    out = torch_op.directional_scan(strided, weight.T.contiguous().T, bias)
    torch.testing.assert_close(out, naive_torch.directional_scan(x, weight, bias))
    out.mean().backward()  # its gradient is expanded, with strides of zero
    assert strided.grad is not None


def test_fp32_parameters_with_16_bit_images():
    x, weight, bias = inputs()
    weight.requires_grad_()
    out = torch_op.directional_scan(x.bfloat16(), weight, bias)
    assert out.dtype == torch.bfloat16
    out.float().sum().backward()
    assert weight.grad.dtype == torch.float32


def test_results_large_enough_for_huge_pages():
    x, weight, bias = (t.requires_grad_() for t in inputs(shape=(1, 3, 600, 700)))
    weight.data.clamp_(-0.9, 0.9)  # else lines of this length overflow
    out = torch_op.directional_scan(x, weight, bias)
    assert out.nbytes > 4 << 20
    torch.testing.assert_close(
        out, naive_torch.directional_scan(x, weight, bias), rtol=1e-4, atol=1e-4
    )
    assert torch.autograd.grad(out.sum(), x)[0].isfinite().all()


def test_meta_tensors_give_shapes():
    x, weight, bias = (t.to("meta") for t in inputs(shape=(2, 3, 50, 70)))
    assert torch_op.directional_scan(x, weight, bias).shape == (2, 12, 50, 70)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, w, b: (x[0], w, b), "x: has 3 dimensions"),
        (lambda x, w, b: (x.int(), w, b), "x: dtype torch.int32"),
        (lambda x, w, b: (x, w[:3], b), r"weight: has shape \(3, 3\), needs \(4, 3\)"),
        (lambda x, w, b: (x, w, b[:, :1]), r"bias: has shape \(4, 1\)"),
        (lambda x, w, b: (x, w.double(), b), "weight: has dtype torch.float64"),
        (lambda x, w, b: (x.half(), w, b.half()), "bias: has dtype torch.float16"),
        (lambda x, w, b: (x, w.to("meta"), b), "weight: is on meta"),
    ],
)
def test_bad_input_raises(change, message):
    with pytest.raises((ValueError, RuntimeError), match=message):
        torch_op.directional_scan(*change(*inputs()))
