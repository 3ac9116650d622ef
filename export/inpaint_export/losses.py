"""Losses over holes. Pictures are [N, 3, H, W], masks [N, 1, H, W] with 1 in the hole."""

from __future__ import annotations

from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor

EPSILON = 1e-8

SSIM_WINDOW = 7
"""Side of the windows of :func:`hole_ssim`, in pixels."""


def _hole_mean(error: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``error`` [N, C, H, W] over each picture's hole and channels, [N]."""
    area = mask.sum(dim=(1, 2, 3)) * error.shape[1]
    return (error * mask).sum(dim=(1, 2, 3)) / (area + EPSILON)


def hole_l1(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error in the hole, averaged over pictures."""
    return _hole_mean((output - target).abs(), mask).mean()


def hole_rmse(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Root of the mean squared error in each picture's hole, averaged over pictures.

    PSNR is the logarithm of this quantity, so it rewards the conditional mean as PSNR does, and
    weighs pictures that are hard more than PSNR does.
    """
    return torch.sqrt(_hole_mean((output - target).square(), mask) + EPSILON).mean()


def hole_log_mse(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Logarithm of the mean squared error in each picture's hole, averaged over pictures.

    This is the mean PSNR itself, but for sign, scale, and a floor of two grey levels below which a
    picture counts as good enough.
    """
    floor = (2.0 / 255.0) ** 2
    return torch.log(_hole_mean((output - target).square(), mask) + floor).mean()


def hole_gradient_l1(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error of horizontal and vertical differences that touch the hole."""
    error = output - target
    across = (error[..., :, 1:] - error[..., :, :-1]).abs()
    along = (error[..., 1:, :] - error[..., :-1, :]).abs()
    touched_across = torch.maximum(mask[..., :, 1:], mask[..., :, :-1])
    touched_along = torch.maximum(mask[..., 1:, :], mask[..., :-1, :])
    return 0.5 * (_hole_mean(across, touched_across) + _hole_mean(along, touched_along)).mean()


def hole_gradient_energy(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """How much less than the target's the output's mean gradient in the hole is, from 0 to 1.

    A share of each picture's own, averaged over pictures; gradients that are larger cost nothing.
    """
    share = hole_gradient(output, mask) / (hole_gradient(target, mask) + EPSILON)
    return torch.relu(1.0 - share).mean()


def hole_gradient(picture: Tensor, mask: Tensor) -> Tensor:
    """Mean magnitude of the gradient in each picture's hole, [N]."""
    across = (picture[..., :-1, 1:] - picture[..., :-1, :-1]).square()
    along = (picture[..., 1:, :-1] - picture[..., :-1, :-1]).square()
    return _hole_mean(torch.sqrt(across + along + 1e-6), mask[..., :-1, :-1])


def hole_ssim(output: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """1 less the structural similarity, mean over the windows that touch the hole.

    SSIM (Wang et al., 2004) as scikit-image measures it: windows of 7x7 pixels, each channel for
    itself, sample variances.
    """
    size = SSIM_WINDOW**2
    sample = size / (size - 1)
    mean_x, mean_y = _window_mean(output), _window_mean(target)
    var_x = sample * (_window_mean(output.square()) - mean_x.square())
    var_y = sample * (_window_mean(target.square()) - mean_y.square())
    covariance = sample * (_window_mean(output * target) - mean_x * mean_y)
    c1, c2 = 0.01**2, 0.03**2
    alike = (2.0 * mean_x * mean_y + c1) * (2.0 * covariance + c2)
    alike = alike / ((mean_x.square() + mean_y.square() + c1) * (var_x + var_y + c2))
    return _hole_mean(1.0 - alike, F.max_pool2d(mask, SSIM_WINDOW, stride=1)).mean()


def _window_mean(pictures: Tensor) -> Tensor:
    # Shifted sums: on CPUs average pooling takes three times as long.
    height, width = (size - SSIM_WINDOW + 1 for size in pictures.shape[2:])
    rows = reduce(torch.add, (pictures[:, :, i : i + height] for i in range(SSIM_WINDOW)))
    both = reduce(torch.add, (rows[..., i : i + width] for i in range(SSIM_WINDOW)))
    return both / SSIM_WINDOW**2
