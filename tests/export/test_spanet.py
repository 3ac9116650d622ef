"""Parity with the original network on its released weights, pinned by golden vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from inpaint_export.models.spanet import SpaNet


@pytest.mark.parametrize("index", [0, 1, 2])
def test_spanet_reproduces_the_original(shared_data: Path, index: int) -> None:
    shared = shared_data.parent
    golden = np.load(shared / "golden" / "spanet.npz")
    model = SpaNet().eval()
    path = shared / "weights" / "spanet_derain.pt"
    released = torch.load(path, weights_only=True, map_location="cpu")
    model.load_state_dict(released["net"], strict=True)
    image = torch.from_numpy(golden[f"input{index}"]).permute(2, 0, 1)[None].float() / 255.0
    with torch.inference_mode():
        output, attention = model(image)
    np.testing.assert_allclose(attention[0, 0], golden[f"attention{index}"], atol=1e-4)
    expected = golden[f"output{index}"].transpose(2, 0, 1)
    np.testing.assert_allclose(output[0], expected, atol=1e-4)
