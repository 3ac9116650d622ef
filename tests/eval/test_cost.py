"""What networks cost, against PyTorch's own count."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxscript")
import torch

from inpaint_eval.cost import count_multiply_adds, read_network
from inpaint_export.recipes import load_recipe
from inpaint_export.survey.base import PHOTO_CODEBOOK
from inpaint_sdk.models.zoo import open_model
from support import flops


@pytest.mark.parametrize(
    ("source", "tolerance"),
    [
        # Convolutions with constant kernels, which PyTorch runs as pooling, are not in both.
        ("photo", 0.01),
        ("photo-staged", 0.01),
        ("clean", 0.01),
        ("damage", 0.01),
        ("cloud-thin", 0.01),
        ("cloud-thick", 0.01),
        (PHOTO_CODEBOOK, 0.06),  # PyTorch does not count products inside of attention
    ],
)
def test_multiply_adds_are_those_that_pytorch_counts(source: str | Path, tolerance: float) -> None:
    model = open_model(source)
    recipe = load_recipe(model.info.name)
    inputs = [torch.zeros(1, 3, 256, 256)]
    if recipe.task == "inpaint":
        inputs.append(torch.zeros(1, 1, 256, 256))
    network = read_network(model, 256, 256)
    built = recipe.build()
    assert network.parameters == sum(p.numel() for p in built.parameters())
    expected = flops.count_multiply_adds(built, *inputs)
    assert network.multiply_adds == pytest.approx(expected, rel=tolerance)
    assert sum(layer.multiply_adds for layer in network.layers) == network.multiply_adds
    assert count_multiply_adds(model.data, 256, 256) == network.multiply_adds


def test_bytes() -> None:
    network = read_network(open_model("photo"), 64, 64)
    weights = sum(layer.weights for layer in network.layers)
    assert weights == pytest.approx(4 * network.parameters, rel=0.01)
    # Image and mask in, a picture out, and the weights.
    assert network.bytes_least == weights + 4 * 64 * 64 * (3 + 1 + 3)
    stem = next(layer for layer in network.layers if layer.operator == "Conv")
    assert stem.written == [4 * torch.Size(stem.output).numel()]
    assert network.bytes_layered > network.bytes_least


def test_sizes_are_rounded_up_to_what_the_network_takes() -> None:
    multiple = open_model("photo").info.size_multiple
    assert read_network(open_model("photo"), 65, 64).size == (64 + multiple, 64)


def test_a_size_that_nothing_tells_is_an_error(tmp_path: Path) -> None:
    from onnx import TensorProto, helper

    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ("n", 3, "h", "w"))
    found = helper.make_tensor_value_info("found", TensorProto.INT64, (4, "count"))
    node = helper.make_node("NonZero", ["image"], ["found"])
    model = helper.make_model(helper.make_graph([node], "it", [image], [found]))
    with pytest.raises(ValueError, match=r"the size of the tensor 'found' does not follow"):
        count_multiply_adds(model.SerializeToString(), 8, 8)
