from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from inpaint_export.cli import main
from inpaint_export.data.photos import LargeCrops, PhotoDataConfig
from inpaint_export.errors import ExportError
from inpaint_export.models.sarnn import Sarnn, SarnnConfig
from inpaint_export.onnx_export import export_model
from inpaint_export.precision import convert as conversion
from inpaint_export.precision.convert import convert
from inpaint_export.precision.fp16 import to_fp16
from inpaint_export.precision.int8 import to_int8
from inpaint_export.precision.rounded import in_fp32
from inpaint_export.precision.trunk import full_precision, trunk
from inpaint_export.recipes import load_recipe
from inpaint_export.recipes.base import Recipe
from inpaint_sdk import BackendError, ModelError, Restorer
from inpaint_sdk.backends.tensorrt import zero_points
from inpaint_sdk.backends.tensorrt.builder import build
from inpaint_sdk.backends.tensorrt.library import open_library
from inpaint_sdk.engines.profile import OptimizationProfile, Shape
from inpaint_sdk.models.file import ModelFile, read_model_file
from inpaint_sdk.models.zoo import MODELS

Feed = dict[str, NDArray[np.float32]]


def feed(seed: int = 0, names: tuple[str, ...] = ("image", "mask")) -> Feed:
    rng = np.random.default_rng(seed)
    values = {
        "image": rng.random((1, 3, 64, 96), np.float32),
        "mask": (rng.random((1, 1, 64, 96)) < 0.2).astype(np.float32),
    }
    return {name: values[name] for name in names}


def run(proto: onnx.ModelProto, inputs: Feed) -> NDArray[np.float32]:
    network = conversion._Network(proto)
    outputs = network(*(torch.from_numpy(value) for value in inputs.values()))
    first = outputs if isinstance(outputs, torch.Tensor) else outputs[0]
    array: NDArray[np.float32] = first.numpy()
    return array


def shake(model: torch.nn.Module) -> torch.nn.Module:
    torch.manual_seed(0)
    for parameter in model.parameters():
        parameter.data += 0.03 * torch.randn_like(parameter)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("precision")


@pytest.fixture
def photo(tiny_recipe: Recipe, folder: Path) -> Path:
    path = folder / "photo.onnx"
    if not path.exists():
        export_model(shake(tiny_recipe.build()), tiny_recipe, path)
    return path


@pytest.fixture
def sarnn(folder: Path) -> Path:
    path = folder / "cloud-thin.onnx"
    if not path.exists():
        config = SarnnConfig(widths=(8, 16), state=8, guided=1, refining=1, rounds=1)
        recipe = replace(load_recipe("cloud-thin"), build=partial(Sarnn, config))
        export_model(shake(recipe.build()), recipe, path)
    return path


def types(proto: onnx.ModelProto) -> dict[str, int]:
    """Element types of everything that is known."""
    graph = onnx.shape_inference.infer_shapes(proto).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    found = {value.name: value.type.tensor_type.elem_type for value in values}
    return found | {tensor.name: tensor.data_type for tensor in graph.initializer}


class TestTrunk:
    def test_it_goes_from_the_first_trained_layer_to_the_last(self, photo: Path) -> None:
        model = onnx.load(photo)
        inside = {node.name for node in trunk(model)}
        convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
        for node in convolutions:
            assert (node.name in inside) == node.input[1].endswith(".weight")
        assert any(node.name not in inside for node in convolutions), "the fill has one of its own"
        outside = {node.op_type for node in model.graph.node if node.name not in inside}
        assert {"AveragePool", "Div", "Reciprocal", "DepthToSpace", "ReduceMean"} <= outside
        assert {"LeakyRelu", "Add"} <= {n.op_type for n in model.graph.node if n.name in inside}

    def test_the_scan_is_inside_and_the_exponential_outside(self, sarnn: Path) -> None:
        inside = {node.op_type for node in trunk(onnx.load(sarnn))}
        assert "DirectionalScan" in inside
        assert "Exp" not in inside

    def test_what_is_declared_stays_outside_between_layers_too(self) -> None:
        """Every stage of ``photo-staged`` has a fill, and stages lie between others' layers."""
        model = onnx.load(MODELS / "photo-staged.onnx")
        inside = {node.output[0] for node in trunk(model)}
        fills = [n for n in model.graph.node if n.op_type == "Conv" and "fill" in n.input[1]]
        assert len(fills) == 3
        assert not inside & {node.output[0] for node in fills}
        assert not inside & full_precision(model)
        assert len(full_precision(model)) == 188


class TestFp16:
    def test_the_trunk_is_fp16_and_the_rest_is_not(self, photo: Path) -> None:
        original = onnx.load(photo)
        half = to_fp16(original)
        kinds = types(half)
        inside = {node.output[0] for node in trunk(original)}
        for node in half.graph.node:
            name = node.output[0]
            if node.op_type != "Cast":
                expected = TensorProto.FLOAT16 if name in inside else TensorProto.FLOAT
                assert kinds[name] == expected, node.name
        assert kinds["image"] == kinds["mask"] == kinds["output"] == TensorProto.FLOAT
        weights = [t for t in half.graph.initializer if t.name.endswith("weight_fp16")]
        assert weights
        assert all(t.data_type == TensorProto.FLOAT16 for t in weights)

    def test_a_tensor_is_cast_once_at_the_border(self, photo: Path) -> None:
        half = to_fp16(onnx.load(photo))
        casts = [node for node in half.graph.node if node.op_type == "Cast"]
        assert len(casts) <= 6
        made = {node.output[0] for node in casts}
        assert not any(node.input[0] in made for node in casts)

    def test_the_scan_keeps_its_weights(self, sarnn: Path) -> None:
        half = to_fp16(onnx.load(sarnn))
        kinds = types(half)
        nodes = [node for node in half.graph.node if node.op_type == "DirectionalScan"]
        assert nodes
        for node in nodes:
            assert [kinds[name] for name in node.input[1:]] == [TensorProto.FLOAT] * 2
            assert kinds[node.input[0]] == TensorProto.FLOAT16
        assert half.functions == onnx.load(sarnn).functions

    @pytest.mark.parametrize("model", ["photo", "sarnn"])
    def test_its_result_is_near(self, model: str, request: pytest.FixtureRequest) -> None:
        original = onnx.load(request.getfixturevalue(model))
        names = tuple(value.name for value in original.graph.input)
        half = to_fp16(original)
        expected = run(original, feed(names=names))
        for proto in (half, in_fp32(half)):
            difference = np.abs(run(proto, feed(names=names)) - expected).max()
            assert 0 < difference < 5e-3

    def test_the_spelled_out_rounding_is_that_of_fp16(self) -> None:
        """On one node, whose true fp16 result numpy gives."""
        node = helper.make_node
        rng = np.random.default_rng(0)
        small, large = rng.normal(size=1000), rng.normal(size=1000) * 1e4
        x = np.concatenate([small, large, [65519.0, 65504.0, 0.0]]).astype(np.float32)
        graph = helper.make_graph(
            [
                node("Cast", ["x"], ["x16"], to=TensorProto.FLOAT16),
                node("Mul", ["x16", "w"], ["y16"]),
                node("Cast", ["y16"], ["y"], to=TensorProto.FLOAT),
            ],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
            [numpy_helper.from_array(np.float16(1.1), "w")],
        )
        half = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        with np.errstate(over="ignore"):
            expected = (x.astype(np.float16) * np.float16(1.1)).astype(np.float32)
        found = run(in_fp32(half), {"x": x})
        normal = np.abs(expected) >= 2.0**-14
        np.testing.assert_array_equal(found[normal], expected[normal])
        assert np.isinf(expected).any()

    def test_weights_that_are_too_large(self, photo: Path) -> None:
        proto = onnx.load(photo)
        (stem,) = (t for t in proto.graph.initializer if t.name == "stem.weight")
        values = numpy_helper.to_array(stem).copy()
        values[0, 0, 0, 0] = 1e5
        stem.CopyFrom(numpy_helper.from_array(values, stem.name))
        with pytest.raises(ValueError, match=r"stem.weight holds 1e\+05"):
            to_fp16(proto)


class TestInt8:
    @pytest.mark.parametrize("model", ["photo", "sarnn"])
    def test_it_is_explicit_and_symmetric(self, model: str, request: pytest.FixtureRequest) -> None:
        original = onnx.load(request.getfixturevalue(model))
        names = tuple(value.name for value in original.graph.input)
        quantised = to_int8(original, [feed(seed, names) for seed in range(4)])
        assert [(o.domain, o.version) for o in quantised.opset_import] == [
            (o.domain, o.version) for o in original.opset_import
        ]
        assert quantised.functions == original.functions
        stored = {t.name: numpy_helper.to_array(t) for t in quantised.graph.initializer}
        points = [
            stored[node.input[2]]
            for node in quantised.graph.node
            if node.op_type in ("QuantizeLinear", "DequantizeLinear")
        ]
        assert {(p.dtype.name, int(v)) for p in points for v in p.flatten()} == {
            ("uint8", 128),
            ("int8", 0),
        }
        producers = {o: node for node in quantised.graph.node for o in node.output}
        for node in quantised.graph.node:
            if node.op_type == "Conv" and node.name in {n.name for n in trunk(original)}:
                assert producers[node.input[0]].op_type == "DequantizeLinear"
                assert producers[node.input[1]].op_type == "DequantizeLinear"
                assert stored[producers[node.input[1]].input[0]].dtype == np.int8
                assert stored[node.input[2]].dtype == np.float32
        error = run(quantised, feed(9, names)) - run(original, feed(9, names))
        assert 0 < np.abs(error).mean() < 0.02

    def test_it_is_calibrated_on_crops_of_two_sizes(
        self, photo: Path, tiny_recipe: Recipe, data_root: Path, tmp_path: Path
    ) -> None:
        large = LargeCrops(crop=128, scale=(1.0, 2.0), masks={"wide": 1.0}, every=3, batch=2)
        recipe = replace(tiny_recipe, data=PhotoDataConfig(("train",), crop=64, large=large))
        convert(photo, "int8", recipe, data_root, tmp_path / "int8.onnx")
        assert read_model_file(tmp_path / "int8.onnx").info.precision == "int8"

    def test_tensorrt_gets_signed_numbers_that_mean_the_same(
        self, photo: Path, tiny_recipe: Recipe, data_root: Path, folder: Path
    ) -> None:
        path = folder / "int8.onnx"
        convert(photo, "int8", tiny_recipe, data_root, path)
        model = read_model_file(path)
        signed = onnx.load_from_string(zero_points.with_signed_zero_points(model))
        kinds = {tensor.data_type for tensor in signed.graph.initializer}
        assert TensorProto.INT8 in kinds
        assert TensorProto.UINT8 not in kinds
        onnx.checker.check_model(signed, full_check=True)
        difference = run(signed, feed()) - run(onnx.load_from_string(model.data), feed())
        assert np.abs(difference).max() < 1e-5

        asymmetric = onnx.load_from_string(model.data)
        for tensor in asymmetric.graph.initializer:
            if tensor.data_type == TensorProto.UINT8:
                tensor.CopyFrom(numpy_helper.from_array(np.uint8(100), tensor.name))
        with pytest.raises(ModelError, match="zero points that TensorRT has not"):
            zero_points.with_signed_zero_points(replace(model, data=asymmetric.SerializeToString()))


@pytest.mark.parametrize("precision", ["fp16", "int8"])
class TestConvert:
    def test_a_file_says_what_it_is_and_what_it_cost(
        self,
        precision: str,
        photo: Path,
        tiny_recipe: Recipe,
        data_root: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr("inpaint_export.export.load_recipe", lambda name: tiny_recipe)
        output, data = tmp_path / "lower.onnx", ["--data", str(data_root)]
        result = CliRunner().invoke(
            main,
            ["export", str(photo), "-o", str(output), "--precision", precision, *data],
        )
        assert result.exit_code == 0, result.output
        assert "dB less than in fp32" in result.output
        info, before = read_model_file(output).info, read_model_file(photo).info
        assert (info.name, info.precision) == ("photo", precision)
        assert info.precision_loss <= conversion.LIMITS["dB"][info.precision]
        assert info.digest != before.digest
        # In int8 so few channels are filled up, which makes this small network larger.
        assert output.stat().st_size < photo.stat().st_size or precision == "int8"
        image, mask = np.full((37, 53, 3), 128, np.uint8), np.eye(37, 53, dtype=bool)
        difference = np.abs(
            Restorer.load(output).restore(image, mask).astype(int)
            - Restorer.load(photo).restore(image, mask)
        )
        assert difference.max() <= 24

    def test_a_precision_that_costs_too_much_is_refused(
        self,
        precision: str,
        photo: Path,
        tiny_recipe: Recipe,
        data_root: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setitem(conversion.LIMITS["dB"], precision, -1.0)
        with pytest.raises(ExportError, match=rf"{precision} costs photo .* dB.*nothing was"):
            convert(photo, precision, tiny_recipe, data_root, tmp_path / "x.onnx")  # type: ignore[arg-type]
        assert not list(tmp_path.iterdir())

    def test_only_fp32_files_can_be_converted(
        self, precision: str, photo: Path, tiny_recipe: Recipe, data_root: Path, tmp_path: Path
    ) -> None:
        convert(photo, "fp16", tiny_recipe, data_root, tmp_path / "x.onnx")
        with pytest.raises(ExportError, match="is fp16; only fp32"):
            convert(tmp_path / "x.onnx", precision, tiny_recipe, data_root, tmp_path / "y.onnx")  # type: ignore[arg-type]

    def test_data_is_needed(self, precision: str, photo: Path, tmp_path: Path) -> None:
        arguments = ["export", str(photo), "-o", str(tmp_path / "x"), "--precision", precision]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 1
        assert "needs --data" in result.output


class Silent:
    """Progress that nobody looks at."""

    def start(self, phase: str, steps: int, outermost: bool) -> None: ...
    def step(self, phase: str) -> None: ...
    def finish(self, phase: str) -> None: ...


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("model", ["photo", "sarnn"])
def test_tensorrt_for_rtx_compiles_it(
    model: str, precision: str, dynamic: bool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """As the SDK does; it needs no GPU for it."""
    try:
        library = open_library("tensorrt_rtx")
    except BackendError as error:
        pytest.skip(str(error))
    source = request.getfixturevalue(model)
    proto = onnx.load(source)
    names = tuple(value.name for value in proto.graph.input)
    if precision == "fp16":
        proto = to_fp16(proto)
    elif precision == "int8":
        proto = to_int8(proto, [feed(seed, names) for seed in range(2)])
    info = replace(read_model_file(source).info, precision=precision)
    file = ModelFile(tmp_path / "x.onnx", info, proto.SerializeToString())
    sizes = (Shape(1, 32, 32), Shape(1, 64, 64), Shape(1, 96, 64)) if dynamic else (
        (Shape(1, 64, 64),) * 3
    )  # fmt: skip
    targets = ("sm_86",)
    built = build(
        library, file, OptimizationProfile(*sizes), targets=targets, plugin=None, progress=Silent()
    )
    assert built.scan == ("none" if model == "photo" else "log_step")
    assert len(built.data) > 1000
