"""Parity with the original network on its released weights, pinned by golden vectors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from inpaint_export.survey.comparators.spanet import SpaNet
from inpaint_kernels.onnx_export import export
from inpaint_sdk import get_library_path

Golden = Mapping[str, NDArray[np.generic]]

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> Golden:
    with np.load(shared_data.parent / "golden" / "spanet.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def spanet(shared_data: Path) -> SpaNet:
    path = shared_data.parent / "weights" / "spanet_derain.pt"
    released = torch.load(path, weights_only=True, map_location="cpu")
    model = SpaNet()
    model.load_state_dict(released["net"], strict=True)
    return model.eval()


@pytest.fixture(scope="module")
def model_file(spanet: SpaNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spanet") / "spanet.onnx"
    size = {2: torch.export.Dim("height", min=8), 3: torch.export.Dim("width", min=8)}
    program = export(
        spanet,
        (torch.zeros(1, 3, 24, 32),),
        opset_version=18,
        input_names=["image"],
        output_names=["output", "attention"],
        dynamic_shapes={"image": size},
        verbose=False,
    )
    program.save(path)
    return path


def picture(golden: Golden, index: int) -> Tensor:
    return torch.from_numpy(golden[f"input{index}"]).permute(2, 0, 1)[None].float() / 255.0


def assert_reproduced(
    golden: Golden, index: int, output: NDArray[np.float32], attention: NDArray[np.float32]
) -> None:
    np.testing.assert_allclose(attention[0, 0], golden[f"attention{index}"], atol=TOLERANCE)
    expected = golden[f"output{index}"].transpose(2, 0, 1)
    np.testing.assert_allclose(output[0], expected, atol=TOLERANCE)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_pytorch_reproduces_the_original(golden: Golden, spanet: SpaNet, index: int) -> None:
    with torch.inference_mode():
        output, attention = spanet(picture(golden, index))
    assert_reproduced(golden, index, output.numpy(), attention.numpy())


@pytest.mark.parametrize("native", [False, True], ids=["function", "native operator"])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_onnx_runtime_reproduces_the_original(
    golden: Golden, model_file: Path, index: int, native: bool
) -> None:
    options = onnxruntime.SessionOptions()
    if native:
        options.register_custom_ops_library(str(get_library_path()))
    session = onnxruntime.InferenceSession(model_file, options, providers=["CPUExecutionProvider"])
    feed = {"image": picture(golden, index).numpy()}
    output, attention = session.run(["output", "attention"], feed)
    assert_reproduced(golden, index, output, attention)
