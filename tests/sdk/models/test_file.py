from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inpaint_sdk import ModelError, Restorer, list_models
from inpaint_sdk.models.file import content_digest, read_model_file
from inpaint_sdk.models.info import FORMAT_VERSION, METADATA_KEY, ModelInfo
from inpaint_sdk.models.zoo import MODELS

PHOTO = MODELS / "photo.onnx"


@pytest.fixture
def with_document(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], Any]], Path]:
    """Makes a copy of the bundled model whose description was changed by a function."""
    onnx = pytest.importorskip("onnx")

    def change(edit: Callable[[dict[str, Any]], Any]) -> Path:
        proto = onnx.load(PHOTO)
        (prop,) = (p for p in proto.metadata_props if p.key == METADATA_KEY)
        document = json.loads(prop.value)
        edited = edit(document)
        prop.value = json.dumps(document if edited is None else edited)
        path = tmp_path / "edited.onnx"
        path.write_bytes(proto.SerializeToString())
        return path

    return change


LARGEST = {
    "clean": 6e6,
    "cloud-thick": 10e6,
    "cloud-thin": 10e6,
    "damage": 4e6,
    "film": 6e6,
    "photo": 10e6,
    "photo-staged": 12e6,
    "text-line": 4e6,
}
"""Bytes of each model file, at most."""


def test_the_bundled_models_are_listed_and_whole() -> None:
    models = list_models()
    assert [model.name for model in models] == sorted(LARGEST)
    for model in models:
        path = MODELS / f"{model.name}.onnx"
        assert content_digest(path.read_bytes()) == model.digest
        assert path.stat().st_size <= LARGEST[model.name]
        assert model.licence
        assert model.training_data


def test_lower_precisions_are_smaller() -> None:
    """Weights take a half, or a quarter and what their scales and padding take."""
    sizes = {path.stem: path.stat().st_size for path in MODELS.glob("*.onnx")}
    lower = [name for name in sizes if name.endswith(("-fp16", "-int8"))]
    assert {"photo-fp16", "photo-int8"} <= set(lower)
    for name in lower:
        model, _, precision = name.rpartition("-")
        assert sizes[name] < {"fp16": 0.52, "int8": 0.3}[precision] * sizes[model]


def test_a_model_is_loaded_by_name_or_path(tmp_path: Path) -> None:
    copy = tmp_path / "mine.onnx"
    copy.write_bytes(PHOTO.read_bytes())
    for form in ("photo", PHOTO, str(PHOTO), copy):
        assert Restorer.load(form).model.name == "photo"


def test_a_document_survives_being_written() -> None:
    info = read_model_file(PHOTO).info
    assert ModelInfo.from_json(info.to_json(), "test") == info


@pytest.mark.parametrize("content", [b"", b"x", b"hello world " * 100, b"\x89PNG\r\n" + bytes(99)])
def test_files_that_are_not_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="not an ONNX file"):
        Restorer.load(path)


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5, 0.99, 0.999999])
def test_a_file_that_was_cut_short(tmp_path: Path, share: float) -> None:
    data = PHOTO.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError, match=r"cut short|damaged|not an ONNX|not a model of inpaint"):
        Restorer.load(path)


def test_a_flipped_bit_anywhere_is_found(tmp_path: Path, rng: np.random.Generator) -> None:
    whole = PHOTO.read_bytes()
    path = tmp_path / "flipped.onnx"
    for position in rng.integers(0, len(whole), 40):
        data = bytearray(whole)
        data[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(data)
        with pytest.raises(ModelError):
            Restorer.load(path)


def test_a_model_of_others_is_refused(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    proto = onnx.load(PHOTO)
    del proto.metadata_props[:]
    path = tmp_path / "other.onnx"
    path.write_bytes(proto.SerializeToString())
    with pytest.raises(ModelError, match="not a model of inpaint-sdk"):
        Restorer.load(path)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (FORMAT_VERSION + 1, "[Uu]pgrade"),
        (FORMAT_VERSION - 1, "Export the model again"),
    ],
)
def test_another_format_is_refused(with_document: Any, version: int, message: str) -> None:
    path = with_document(lambda d: d.update(format_version=version))
    with pytest.raises(
        ModelError, match=f"format {version}.*reads format {FORMAT_VERSION}.*{message}"
    ):
        Restorer.load(path)


def test_a_family_is_an_open_word(with_document: Any) -> None:
    path = with_document(lambda d: d.update(family="my-family-2"))
    assert Restorer.load(path).model.family == "my-family-2"


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.pop("format_version"), "no valid format_version"),
        (lambda d: d.update(format_version="1"), "no valid format_version"),
        (lambda d: d.update(format_version=True), "no valid format_version"),
        (lambda d: d.pop("family"), "lacks 'family'"),
        (lambda d: d.update(family="My family"), "family has 'My family'"),
        (lambda d: d.update(family="a" * 41), "family has"),
        (lambda d: d.update(family=["cnn"]), r"'family' is \['cnn'\], expected str"),
        (lambda d: d.update(name=["photo"]), r"'name' is \['photo'\], expected str"),
        (lambda d: d.update(name=""), "name is empty"),
        (lambda d: d.update(name="\ud800"), "'name'"),
        (lambda d: d.update(task=3), "'task' is 3; it must be one of inpaint, enhance, detect"),
        (lambda d: d.update(task=["detect"]), "'task' is"),
        (lambda d: d.update(precision="fp8"), "'precision' is 'fp8'"),
        (lambda d: d.update(size_multiple=0), "size_multiple is 0"),
        (lambda d: d.update(size_multiple=True), "'size_multiple'"),
        (lambda d: d.update(size_multiple=16.5), "'size_multiple'"),
        (lambda d: d.update(parameters=10**4000), "'parameters'"),
        (lambda d: d.update(window=8), "window is 8; it must be at least size_multiple, 16"),
        (lambda d: d.pop("memory"), "lacks 'memory'"),
        (lambda d: d.update(memory=100), "'memory' is 100, expected Memory"),
        (lambda d: d.update(memory={}), "lacks 'memory.bytes_per_pixel'"),
        (lambda d: d["memory"].update(bytes_per_pixel=-1), "neither may be negative"),
        (lambda d: d["memory"].update(bytes_per_pixel=0), "one must be positive"),
        (lambda d: d["memory"].update(bytes_per_pixel=10**400), "'memory.bytes_per_pixel'"),
        (lambda d: d.update(colour_order="bgr"), "'colour_order' is 'bgr'"),
        (lambda d: d.update(value_range=[0, 255]), "value_range is .*in \\[0.0, 1.0\\]"),
        (lambda d: d.update(task="enhance", kinds=["damage"]), "kinds are damage; .*has none"),
        (lambda d: d.update(outputs="output"), "'outputs'"),
        (lambda d: d.update(outputs=[["output"]]), r"'outputs\[0\]'"),
        (lambda d: d.update(outputs=[]), "outputs are none; .*must have 'output'"),
        (lambda d: d.update(quality={}), "'quality'"),
        (lambda d: d.update(quality=[3]), r"'quality\[0\]' is 3, expected Quality"),
        (lambda d: d.update(quality=[{"data": "x"}]), r"lacks 'quality\[0\].masks'"),
        (lambda d: [], "not an object"),
    ],
)
def test_documents_that_are_refused(
    with_document: Any, edit: Callable[[dict[str, Any]], Any], message: str
) -> None:
    def only_edit(document: dict[str, Any]) -> Any:
        edited = edit(document)
        return edited if isinstance(edited, list) else None

    with pytest.raises(ModelError, match=message) as refusal:
        read_model_file(with_document(only_edit))
    assert len(str(refusal.value)) < 500


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"format_version": 2, "a": ' + '{"a":' * 50_000 + "1" + "}" * 50_001, "too deeply"),
        ('{"format_version": 2, "parameters": ' + "1" * 5000 + "}", "digits"),
        ('{"format_version": 2, "precision_loss": NaN}', "NaN is not JSON"),
        ('{"format_version": 2', "damaged"),
        ("", "damaged"),
    ],
    ids=["deep list", "deep object", "many digits", "NaN", "cut short", "empty"],
)
def test_text_that_is_no_document(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=f"mine.onnx: .*{message}"):
        ModelInfo.from_json(text, "mine.onnx")


def test_a_number_too_large_for_a_float() -> None:
    text = (
        read_model_file(PHOTO)
        .info.to_json()
        .replace('"precision_loss": 0.0', '"precision_loss": 1e999')
    )
    with pytest.raises(ModelError, match="'precision_loss' is inf"):
        ModelInfo.from_json(text, "mine.onnx")


def test_fields_that_are_not_known_are_let_be(with_document: Any) -> None:
    """A later version may add fields without raising the format version."""
    path = with_document(lambda d: d.update(colour="blue"))
    assert read_model_file(path).info.name == "photo"


def test_further_outputs_are_let_be(with_document: Any) -> None:
    """A network may give more than the SDK asks for; what it says must be there."""
    path = with_document(lambda d: d.update(outputs=["output", "edges"]))
    assert read_model_file(path).info.outputs == ("output", "edges")
    with pytest.raises(ModelError, match="which is not what a model for the task"):
        Restorer.load(path)


@pytest.mark.parametrize("change", [{"task": "enhance"}, {"outputs": ["output", "attention"]}])
def test_a_description_that_its_network_belies(with_document: Any, change: dict[str, Any]) -> None:
    path = with_document(lambda d: d.update(change))
    with pytest.raises(ModelError, match="which is not what a model for the task"):
        Restorer.load(path)
