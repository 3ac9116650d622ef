"""SpA-GAN's released weights as an ONNX file, as ``inpaint-bench --onnx`` takes it.

    python -m inpaint_export.models.spagan_onnx WEIGHTS OUTPUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from inpaint_export.models.spagan import SpaGan


class _Rgb(nn.Module):
    """Takes and gives red, green, blue; SpA-GAN has them the other way round."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        output, _ = self.network(image.flip(1))  # the other is its attention
        restored: Tensor = output.flip(1)
        return restored


def main(weights: Path, output: Path) -> None:
    """Exports for pictures of 256x256, RICE's size."""
    network = _Rgb(SpaGan.load(weights)).eval()
    example = (torch.zeros(1, 3, 256, 256),)
    torch.onnx.export(
        network,
        example,
        output,
        dynamo=True,
        verbose=False,
        external_data=False,
        input_names=["image"],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
