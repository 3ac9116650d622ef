"""The CPU kernel's forward pass, in every instruction set, against the definition."""

from __future__ import annotations

import numpy as np
import pytest

from inpaint_kernels import naive, native
from inpaint_kernels.native import KernelError


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_equals_the_definition(case, isa, dtype, close):
    inputs = case.inputs(dtype)
    found = native.directional_scan(*inputs, isa=isa, threads=2)
    with np.errstate(over="ignore"):  # weights above 1 reach fp16's infinity
        expected = naive.directional_scan(*inputs)
    close(found, expected, dtype)


def test_golden_values(golden, isa, close):
    found = native.directional_scan(golden["x"], golden["weight"], golden["bias"], isa=isa)
    expected = np.concatenate([golden[name] for name in ("up", "right", "down", "left")], axis=1)
    close(found, expected, "float32")


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_non_finite_values(non_finite, isa, dtype, close):
    import ml_dtypes  # noqa: F401

    x, weight, bias, _ = non_finite
    x = x.astype(dtype)
    with np.errstate(invalid="ignore", over="ignore"):
        expected = naive.directional_scan(x, weight, bias)
    close(native.directional_scan(x, weight, bias, isa=isa), expected, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_subnormal_states(isa, dtype):
    """A state that decays goes through the subnormals, none of which is taken for 0.

    Where nothing is added there is one rounding, fused or not: equal to the last bit.
    """
    x = np.tile(np.eye(40, dtype=dtype) * 8 * np.finfo(dtype).smallest_normal, (1, 2, 1, 1))
    weight = np.tile(np.array([0.5, 0.7], dtype), (4, 1))
    bias = np.zeros((4, 2), dtype)
    found = native.directional_scan(x, weight, bias, isa=isa)
    assert ((found > 0) & (found < np.finfo(dtype).smallest_normal)).mean() > 0.2
    np.testing.assert_array_equal(found, naive.directional_scan(x, weight, bias))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_every_16_bit_value_survives(isa, dtype):
    """Lines of one element: relu of each value there is, converted both ways."""
    import ml_dtypes  # noqa: F401

    values = np.arange(65536, dtype=np.uint16).view(dtype)
    x = values.reshape(256, 256, 1, 1)
    zeros = np.zeros((4, 256), dtype)
    found = native.directional_scan(x, zeros, zeros, isa=isa)[:, :256].astype(np.float32)
    wide = x.astype(np.float32)
    np.testing.assert_array_equal(found, np.where(wide < 0, np.float32(0), wide))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_rounding_to_16_bits(isa, dtype):
    """Ties, subnormals and overflow round as numpy rounds them."""
    import ml_dtypes  # noqa: F401

    rng = np.random.default_rng(3)
    bits = rng.integers(0, 0x7F800000, 40000, dtype=np.uint32)
    bits[::2] &= np.uint32(0xFFFFF000)  # many ties
    wide = bits.view(np.float32)
    # h = relu(0 * h + (bias + 0)): fp32 parameters let any fp32 value reach the last rounding
    x = np.zeros((1, len(wide), 1, 2), dtype)
    weight = np.zeros((4, len(wide)), np.float32)
    bias = np.broadcast_to(wide, (4, len(wide)))
    found = native.directional_scan(x, weight, bias, isa=isa)[0, len(wide) : 2 * len(wide), 0, 1]
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(found.astype(np.float32), wide.astype(dtype).astype("f4"))


def test_results_do_not_depend_on_threads(isa):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 2, 200, 333)).astype(np.float32)
    weight, bias = rng.uniform(-1, 1, (4, 2)).astype("f4"), rng.normal(size=(4, 2)).astype("f4")
    results = [native.directional_scan(x, weight, bias, isa=isa, threads=t) for t in (1, 2, 3, 64)]
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_outputs_too_large_for_the_caches(isa, dtype, close):
    """Large outputs are written around the caches, by code of their own."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 8 if dtype == "float32" else 16, 272, 512)).astype(dtype)
    weight = rng.uniform(-1, 1, (4, x.shape[1])).astype(dtype)
    bias = rng.normal(0, 0.1, (4, x.shape[1])).astype(dtype)
    found = native.directional_scan(x, weight, bias, isa=isa, threads=2)
    assert found.nbytes >= 1 << 24
    close(found, naive.directional_scan(x, weight, bias), dtype)


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0)])
def test_empty_tensors(shape):
    x = np.zeros(shape, np.float32)
    parameters = np.zeros((4, shape[1]), np.float32)
    found = native.directional_scan(x, parameters, parameters)
    assert found.shape == (shape[0], 4 * shape[1], *shape[2:])


X = np.zeros((1, 3, 4, 5), np.float32)
P = np.zeros((4, 3), np.float32)


@pytest.mark.parametrize(
    ("x", "weight", "bias", "options", "message"),
    [
        (X[0], P, P, {}, "x: has 3 dimensions, needs 4"),
        (X, P[:3], P, {}, r"weight: has shape \[3, 3\], needs \[4, 3\]"),
        (X, P, P[:, :2], {}, r"bias: has shape \[4, 2\], needs \[4, 3\]"),
        (X, P[0], P, {}, "weight: has 1 dimensions, needs 2"),
        (X.astype(np.int32), P, P, {}, "x: dtype -1 is none of float32"),
        (X, P.astype(np.float16), P, {}, "weight: has dtype 1, needs 0"),
        (X.astype(np.float16), P.astype(np.float16), P, {}, "bias: has dtype 0, but weight has 1"),
        (X, P, P, {"threads": -1}, "threads: is -1"),
        (X, P, P, {"isa": "mmx"}, "does not have 'mmx'"),
    ],
)
def test_bad_input_is_refused(x, weight, bias, options, message):
    with pytest.raises(KernelError, match=message):
        native.directional_scan(x, weight, bias, **options)


def tensor(shape, data=1 << 20, dtype=native.FLOAT32):
    return native.describe(data, shape, dtype)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ((tensor((1, 3, 4, 5), 0), tensor((4, 3)), tensor((4, 3)), tensor((1, 12, 4, 5))), "null"),
        ((tensor((1, 3, 4, 5)), tensor((4, 3), 0), tensor((4, 3)), tensor((1, 12, 4, 5))), "null"),
        (
            (tensor((1, 3, 4, -5)), tensor((4, 3)), tensor((4, 3)), tensor((1, 12, 4, 5))),
            "dimension 3 is -5, which is negative",
        ),
        (
            (tensor((2**31, 3, 2**31, 5)), tensor((4, 3)), tensor((4, 3)), tensor((1, 12, 4, 5))),
            "more elements than can be addressed",
        ),
        (
            (tensor((0, 2**62, 4, 5)), tensor((4, 3)), tensor((4, 3)), tensor((1, 12, 4, 5))),
            "more elements than can be addressed",
        ),
        (
            (tensor((1, 3, 4, 5)), tensor((4, 3)), tensor((4, 3)), tensor((1, 12, 4, 6))),
            "out: dimension 3 is 6, needs 5",
        ),
        (
            (tensor((1, 3, 4, 5)), tensor((4, 3)), tensor((4, 3)), tensor((1, 12, 4, 5))),
            "out: shares memory with x",
        ),
    ],
    ids=[
        "null-x",
        "null-weight",
        "negative",
        "overflow",
        "hidden-overflow",
        "out-shape",
        "overlap",
    ],
)
def test_bad_tensors_are_refused(tensors, message):
    """What only a caller of the C interface can get wrong. The addresses are never read."""
    with pytest.raises(KernelError, match=message):
        native.call("forward", list(tensors))
