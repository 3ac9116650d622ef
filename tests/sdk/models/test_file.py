from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inpaint_sdk import ModelError, Restorer, list_models
from inpaint_sdk.models.file import content_digest, read_model_file
from inpaint_sdk.models.info import METADATA_KEY, ModelInfo
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
    "damage": 3e6,
    "photo": 10e6,
    "photo-codebook": 16e6,
    "photo-staged": 12e6,
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


def test_a_newer_format_is_refused(with_document: Any) -> None:
    path = with_document(lambda d: d.update(format_version=2))
    with pytest.raises(ModelError, match=r"format 2.*reads formats up to 1.*[Uu]pgrade"):
        Restorer.load(path)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d.pop("format_version"), "no valid format_version"),
        (lambda d: d.update(format_version="1"), "no valid format_version"),
        (lambda d: d.pop("family"), "lacks 'family'"),
        (lambda d: d.update(family="resnet"), "family is 'resnet'"),
        (lambda d: d.update(task=3), "'task'.* is 3"),
        (lambda d: d.update(size_multiple=0), "size_multiple is 0"),
        (lambda d: d.update(size_multiple=True), "'size_multiple'"),
        (lambda d: d.update(size_multiple=16.5), "'size_multiple'"),
        (lambda d: d.update(quality={}), "'quality'"),
        (lambda d: d.update(quality=[3]), "damaged"),
        (lambda d: d.update(quality=[{"data": "x"}]), "lacks 'masks'"),
        (lambda d: [], "not an object"),
    ],
)
def test_documents_that_are_refused(
    with_document: Any, edit: Callable[[dict[str, Any]], Any], message: str
) -> None:
    def only_edit(document: dict[str, Any]) -> Any:
        edited = edit(document)
        return edited if isinstance(edited, list) else None

    with pytest.raises(ModelError, match=message):
        read_model_file(with_document(only_edit))


def test_fields_that_are_not_known_are_let_be(with_document: Any) -> None:
    """A later version may add fields without raising the format version."""
    path = with_document(lambda d: d.update(colour="blue"))
    assert read_model_file(path).info.name == "photo"


@pytest.mark.parametrize("change", [{"task": "restore"}, {"outputs": ["output", "attention"]}])
def test_a_description_that_its_network_belies(with_document: Any, change: dict[str, Any]) -> None:
    path = with_document(lambda d: d.update(change))
    with pytest.raises(ModelError, match="which is not what a model for the task"):
        Restorer.load(path)
