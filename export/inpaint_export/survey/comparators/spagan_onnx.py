"""SpA-GAN's released weights as an ONNX file, as ``inpaint-bench --onnx`` takes it.

python -m inpaint_export.survey.comparators.spagan_onnx WEIGHTS OUTPUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from inpaint_export.survey.comparators.spagan import SpaGan


class _Picture(nn.Module):
    """Gives the picture alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        restored: Tensor = self.network(image)[0]
        return restored


def main(weights: Path, output: Path) -> None:
    """Exports for pictures of 256x256, RICE's size."""
    torch.onnx.export(
        _Picture(SpaGan.load(weights)).eval(),
        (torch.zeros(1, 3, 256, 256),),
        output,
        dynamo=True,
        verbose=False,
        external_data=False,
        input_names=["image"],
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
