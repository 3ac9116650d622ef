"""The public class that reads a line of text, with a model that reads colours."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import BackendError, ImageError, ModelError, OptionError, Restorer, TextReader
from inpaint_sdk.images.image import Image
from inpaint_sdk.runners.read import MAX_RATIO, line_tensor
from support.reader import HEIGHT, write_reader

Pixels = NDArray[np.uint8]
COLOURS = {"r": (255, 0, 0), "g": (0, 255, 0), "b": (0, 0, 255), " ": (128, 128, 128)}
"""In RGB."""


def line(text: str, height: int = HEIGHT) -> Pixels:
    """A picture of 4 / 8 of its height for each letter, uint8 [height, W, 3], RGB."""
    columns = np.array([COLOURS[letter] for letter in text], np.uint8)
    return np.broadcast_to(
        columns.repeat(height // 2, axis=0), (height, len(text) * height // 2, 3)
    ).copy()


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("onnx")
    return write_reader(tmp_path_factory.mktemp("reader") / "colours.onnx")


@pytest.fixture(scope="module")
def reader(model_file: Path) -> TextReader:
    return TextReader.load(model_file, threads=1, channels="rgb")


@pytest.mark.parametrize("beam", [None, 1, 5])
@pytest.mark.parametrize("text", ["r", "rgb", "bgr", "rgbrgbrgbrgb"])
def test_a_line_is_read(reader: TextReader, text: str, beam: int | None) -> None:
    found = reader.read(line(text), beam=beam)
    assert found.text == text
    assert found.confidences == pytest.approx([1.0] * len(text), abs=1e-3)


def test_letters_that_repeat_are_parted_by_a_blank(reader: TextReader) -> None:
    assert reader(line("r rgg g")).text == "rrgg"


@pytest.mark.parametrize("height", [4, 16, 30, 64])
def test_any_height(reader: TextReader, height: int) -> None:
    assert reader.read(line("rgb b", height)).text == "rgbb"


def test_any_form(reader: TextReader, model_file: Path, tmp_path: Path) -> None:
    pixels = line("grb")
    path = tmp_path / "line.png"
    cv2.imwrite(str(path), pixels[..., ::-1])
    bgr = TextReader.load(model_file, threads=1)
    assert bgr.read(pixels[..., ::-1]).text == "grb"
    for form in (path, str(path), path.read_bytes(), pixels / np.float32(255.0)):
        assert reader.read(form).text == "grb"
    assert reader.read(np.full((9, 40), 99, np.uint8)).text == ""


def test_a_line_is_scaled_to_the_models_height() -> None:
    pixels = np.zeros((64, 201, 3), np.uint8)
    pixels[..., 0] = 255
    tensor = line_tensor(Image(pixels, "bgr"), 32, 4)
    assert tensor.shape == (1, 3, 32, 100)
    assert tensor[0, 2].min() == pytest.approx(1.0)
    assert not tensor[0, :2].any()
    assert line_tensor(Image(np.zeros((50, 1), np.uint8)), 32, 4).shape == (1, 3, 32, 4)


def test_what_is_no_line_is_refused(reader: TextReader) -> None:
    with pytest.raises(ImageError, match="no line of text"):
        reader.read(np.zeros((1, MAX_RATIO + 1), np.uint8))
    with pytest.raises(OptionError, match="beam"):
        reader.read(line("r"), beam=0)


def test_other_models_read_nothing(photo: Restorer, model_file: Path) -> None:
    with pytest.raises(ModelError, match="reads no text"):
        TextReader.load("photo")
    with pytest.raises(ModelError, match="colours"):
        Restorer.load(model_file)


def test_an_alphabet_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    wrong = TextReader.load(write_reader(tmp_path / "wrong.onnx", alphabet="rgby"), threads=1)
    with pytest.raises(ModelError, match="5 classes"):
        wrong.read(line("r"))


def test_it_is_pickled_and_closed(reader: TextReader, model_file: Path) -> None:
    copy = pickle.loads(pickle.dumps(reader))
    with copy:
        assert copy.read(line("bg")).text == "bg"
    with pytest.raises(BackendError, match="closed"):
        copy.read(line("bg"))
    assert "TextReader" in repr(reader)
