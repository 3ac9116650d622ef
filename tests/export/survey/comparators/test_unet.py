from __future__ import annotations

import torch

from inpaint_export.survey.comparators.unet import UNet


def test_a_u_net_starts_as_the_identity() -> None:
    image = torch.rand(1, 3, 64, 96)
    output, attention = UNet()(image)
    torch.testing.assert_close(output, image)
    assert attention.shape == (1, 1, 64, 96)
