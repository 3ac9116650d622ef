"""The definition against values from elsewhere."""

from __future__ import annotations

import numpy as np
import torch

from inpaint_kernels import naive, naive_torch


def test_golden_values(golden):
    found = naive.directional_scan(golden["x"], golden["weight"], golden["bias"])
    expected = np.concatenate([golden[name] for name in ("up", "right", "down", "left")], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_a_line_by_hand():
    x = np.array([-1.0, 2.0, -3.0, 1.0], np.float32).reshape(1, 1, 1, 4)
    weight = np.array([[0.0], [0.5], [0.0], [-2.0]], np.float32)
    bias = np.array([[0.0], [1.0], [0.0], [1.0]], np.float32)
    out = naive.directional_scan(x, weight, bias)[0, :, 0]
    # up and down have lines of one element: relu alone, no weight, no bias
    np.testing.assert_array_equal(out[0], [0, 2, 0, 1])
    np.testing.assert_array_equal(out[2], [0, 2, 0, 1])
    np.testing.assert_array_equal(out[1], [0, 3, 0, 2])  # right: relu(0.5 * h + 1 + x)
    np.testing.assert_array_equal(out[3], [0, 3, 0, 1])  # left, from the end: relu(-2 * h + 1 + x)


def test_nan_stays_to_the_end_of_its_line():
    x = np.zeros((1, 1, 1, 5), np.float32)
    x[..., 2] = np.nan
    weight, bias = np.zeros((4, 1), np.float32), np.zeros((4, 1), np.float32)
    right = naive.directional_scan(x, weight, bias)[0, 1, 0]
    np.testing.assert_array_equal(np.isnan(right), [False, False, True, True, True])


def test_torch_version_agrees(case):
    x, weight, bias = case.inputs()
    expected = naive.directional_scan(x, weight, bias)
    found = naive_torch.directional_scan(*map(torch.from_numpy, (x, weight, bias)))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6, atol=1e-6)


def test_torch_version_agrees_on_non_finite(non_finite):
    x, weight, bias, expected = non_finite
    found = naive_torch.directional_scan(*map(torch.from_numpy, (x, weight, bias)))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-5, atol=1e-5)
