"""Small batches that comparators are tried on."""

from __future__ import annotations

import pytest
import torch

from inpaint_export.training.objective import Batch

SIDE = 64


@pytest.fixture
def batch() -> Batch:
    """Four smooth pictures, a hole in each, and a damaged form of them."""
    random = torch.Generator().manual_seed(3)
    coarse = torch.rand(4, 3, 4, 4, generator=random)
    clear = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bilinear")
    mask = torch.zeros(4, 1, SIDE, SIDE)
    mask[..., 16:48, 16:40] = 1.0
    veil = torch.zeros_like(mask)
    veil[..., 20:, 30:] = 0.6
    strength = torch.eye(4, 3)
    return {
        "image": clear * (1.0 - veil) + veil,
        "clear": clear,
        "mask": mask,
        "strength": strength,
    }
