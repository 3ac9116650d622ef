"""FFDNet for colour, on its released weights: a denoiser that is told how strong the noise is.

Zhang, Zuo and Zhang, "FFDNet: Toward a fast and flexible solution for CNN-based image denoising",
IEEE Transactions on Image Processing 27(9), 2018.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint_eval.scores import Pixels
from inpaint_eval.sessions import open_session

WEIGHTS = "ffdnet_color.npz"
LAYERS = 12


class FfdNet(nn.Module):
    """The network; see :meth:`load`."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        sizes = [13, *[width] * (LAYERS - 1), 12]
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(sizes))

    @classmethod
    def load(cls, path: Path) -> FfdNet:
        """The released weights: ``w0``, ``b0`` to ``w11``, ``b11``.

        Raises:
            FileNotFoundError: there is no such file.
        """
        network = cls()
        # Folded as (colour, column, row); PyTorch folds as (colour, row, column).
        order = torch.arange(12).reshape(3, 2, 2).transpose(1, 2).flatten()
        with np.load(path) as stored:
            for index, layer in enumerate(network.convolutions):
                weight = torch.from_numpy(stored[f"w{index}"]).float()
                bias = torch.from_numpy(stored[f"b{index}"]).float()
                if index == 0:
                    weight = torch.cat([weight[:, order], weight[:, 12:]], dim=1)
                if index == LAYERS - 1:
                    weight, bias = weight[order], bias[order]
                layer.load_state_dict({"weight": weight, "bias": bias})
        return network.eval()

    def forward(self, image: Tensor, sigma: Tensor) -> Tensor:
        """image: [1, 3, H, W], RGB in [0, 1], H and W even. sigma: [1, 1, 1, 1], of 1."""
        x = F.pixel_unshuffle(image, 2)
        x = torch.cat([x, sigma.expand(-1, -1, x.shape[2], x.shape[3])], dim=1)
        for layer in self.convolutions[:-1]:
            x = F.relu(layer(x))
        return F.pixel_shuffle(self.convolutions[-1](x), 2)


def write_onnx(network: FfdNet, path: Path) -> None:
    """Writes the network for ONNX Runtime, for pictures of any even size."""
    sides = {2: torch.export.Dim("h", min=8) * 2, 3: torch.export.Dim("w", min=8) * 2}
    example = (torch.zeros(1, 3, 32, 48), torch.zeros(1, 1, 1, 1))
    program = torch.onnx.export(
        network,
        example,
        input_names=["image", "sigma"],
        output_names=["output"],
        dynamic_shapes=(sides, None),
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    onnx.save(program.model_proto, path)


class FfdNetRunner:
    """The network on uint8 BGR pictures, in ONNX Runtime on a CPU."""

    def __init__(self, path: Path, threads: int) -> None:
        self._session = open_session(path, native=False, threads=threads)

    def denoise(self, picture: Pixels, sigma: float) -> Pixels:
        """sigma: standard deviation of the noise, of 255."""
        height, width = picture.shape[:2]
        even = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        image = (even[None, ..., ::-1].transpose(0, 3, 1, 2) / 255.0).astype(np.float32)
        level = np.full((1, 1, 1, 1), sigma / 255.0, np.float32)
        (output,) = self._session.run(None, {"image": image, "sigma": level})
        pixels = np.clip(np.rint(output[0] * 255.0), 0, 255).astype(np.uint8)
        return np.ascontiguousarray(pixels.transpose(1, 2, 0)[:height, :width, ::-1])
