"""Everything that can be measured does the same work as when it is used directly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_bench.errors import CannotRunError
from inpaint_bench.executors import Frame, Order, open_executor
from inpaint_bench.peers import PEERS
from inpaint_bench.schema.common import CandidateKey
from inpaint_sdk import Detector, Options, Restorer
from support.onnx_peers import write_filler, write_mask_free, write_migan

Pixels = NDArray[np.uint8]

PHOTO = CandidateKey(
    kind="model", name="photo", source="photo", backend="onnxruntime-cpu", precision="fp32"
)


def order(candidate: CandidateKey = PHOTO, **changes: object) -> Order:
    return replace(Order(candidate, "call", threads=1, batch=1), **changes)


@pytest.fixture(scope="module")
def photo() -> Restorer:
    """In the precision that is asked for above, whatever this processor is fastest in."""
    return Restorer.load("photo", threads=1, precision="fp32")


def peer(name: str) -> CandidateKey:
    return CandidateKey(kind="peer", name=name, source="", backend="cpu", precision="uint8")


def onnx(path: Path, **changes: str) -> CandidateKey:
    found = CandidateKey(
        kind="onnx", name="it", source=str(path), backend="onnxruntime-cpu", precision="file's"
    )
    return found.model_copy(update=changes)


def restore(wanted: Order, frame: Frame) -> list[Pixels]:
    executor = open_executor(wanted)
    return executor.pictures(executor.infer(executor.feed(frame)))


@pytest.fixture
def frame(image: Pixels, mask: Pixels) -> Frame:
    return Frame((image,), (mask,))


def test_a_call_is_the_public_api(photo: Restorer, frame: Frame) -> None:
    (found,) = restore(order(), frame)
    np.testing.assert_array_equal(found, photo.restore(frame.pictures[0], frame.masks[0]))


def test_a_model_without_a_mask_is_given_none(frame: Frame) -> None:
    model = PHOTO.model_copy(update={"name": "cloud-thin", "source": "cloud-thin"})
    executor = open_executor(order(model))
    assert executor.notes == ["takes no mask: it restores the whole picture"]
    (found,) = executor.pictures(executor.infer(executor.feed(frame)))
    expected = Restorer.load("cloud-thin", threads=1).restore(frame.pictures[0])
    np.testing.assert_array_equal(found, expected)


DAMAGE = PHOTO.model_copy(update={"name": "damage", "source": "damage"})


def test_a_detector_is_called_as_users_call_it(frame: Frame) -> None:
    detector = Detector.load("damage", threads=1, precision="fp32")
    expected = detector.detect(frame.pictures[0]).mask
    (found,) = restore(order(DAMAGE), frame)
    np.testing.assert_array_equal(found, expected)


def test_a_detector_s_network_gives_a_mask_for_each_picture(image: Pixels, mask: Pixels) -> None:
    """Of a picture that is grey but for a scratch: the scratch."""
    scratched = np.full_like(image, 128)
    cv2.line(scratched, (20, 10), (100, 80), (255, 255, 255), 2)
    frame = Frame((np.full_like(image, 128), scratched), (mask, mask))
    clean, found = restore(order(DAMAGE, scope="network", batch=2), frame)
    assert clean.shape == found.shape == mask.shape
    assert clean.max() == 0
    assert 50 < np.count_nonzero(found) < 500
    executor = open_executor(order(DAMAGE))
    assert not executor.restores
    assert executor.notes == ["finds damage and restores nothing"]


def test_the_network_alone_takes_batches(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    frame = Frame((image, image[::-1].copy()), (mask, mask[::-1].copy()))
    found = restore(order(scope="network", batch=2), frame)
    assert [p.shape for p in found] == [image.shape] * 2
    for restored, picture, hole in zip(found, frame.pictures, frame.masks, strict=True):
        expected = photo.restore(picture, hole, options=Options(strategy="full"))
        # In the hole: outside, the public API puts the known pixels back.
        difference = np.abs(restored[hole > 0].astype(int) - expected[hole > 0])
        assert difference.max() <= 1


@pytest.mark.parametrize("name", PEERS)
def test_peers_fill_the_hole_and_nothing_else(name: str, frame: Frame) -> None:
    (found,) = restore(order(peer(name)), frame)
    picture, hole = frame.pictures[0], frame.masks[0] > 0
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[~hole], picture[~hole])
    damaged = picture.copy()
    damaged[hole] = 0
    (again,) = restore(order(peer(name)), Frame((damaged,), frame.masks))
    np.testing.assert_array_equal(again, found)  # what is under the hole is not looked at


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scope": "network"}, "it has no network"),
        ({"batch": 2}, "one picture a call"),
    ],
)
def test_what_a_peer_cannot_do(changes: dict[str, object], message: str) -> None:
    with pytest.raises(CannotRunError, match=message):
        open_executor(order(peer("opencv-telea"), **changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": "photo-9"}, "there is no model 'photo-9'"),
        ({"source": "missing.onnx"}, "there is no model file"),
        (
            {"source": "cloud-thin", "precision": "fp16"},
            r"cloud-thin comes in fp32, not in fp16",
        ),
        ({"backend": "tensorrt"}, "tensorrt cannot run here"),
        ({"backend": "abacus"}, "there is no backend 'abacus'"),
    ],
)
def test_a_model_that_cannot_run_says_why(changes: dict[str, str], message: str) -> None:
    with pytest.raises(CannotRunError, match=message):
        open_executor(order(PHOTO.model_copy(update=changes)))


def test_the_public_api_takes_no_batches() -> None:
    with pytest.raises(CannotRunError, match="one picture a call"):
        open_executor(order(batch=4))


@pytest.mark.parametrize("white", [1.0, 255.0])
@pytest.mark.parametrize("output", ["output", "painted_image"])
@pytest.mark.parametrize("scope", ["call", "network"])
def test_float_networks(
    tmp_path: Path, frame: Frame, white: float, output: str, scope: str
) -> None:
    """LaMa, and AOT-GAN as Qualcomm exports it; their pixels end at 1 or at 255."""
    path = write_filler(tmp_path / "it.onnx", white=white, output=output)
    (found,) = restore(order(onnx(path), scope=scope), frame)
    hole = frame.masks[0] > 0
    assert (found[hole] == (0, 0, 255)).all()  # red, in OpenCV's order
    np.testing.assert_array_equal(found[~hole], frame.pictures[0][~hole])


def test_byte_networks_have_the_hole_at_zero(tmp_path: Path, frame: Frame) -> None:
    """MI-GAN's pipeline."""
    (found,) = restore(order(onnx(write_migan(tmp_path / "it.onnx"))), frame)
    hole, picture = frame.masks[0] > 0, frame.pictures[0]
    np.testing.assert_array_equal(found[hole], 255 - picture[hole])
    np.testing.assert_array_equal(found[~hole], picture[~hole])


def test_a_network_that_needs_no_mask(tmp_path: Path, frame: Frame) -> None:
    (found,) = restore(order(onnx(write_mask_free(tmp_path / "it.onnx"))), frame)
    np.testing.assert_array_equal(found, 255 - frame.pictures[0])


def test_a_network_of_fixed_size(tmp_path: Path, frame: Frame) -> None:
    path = write_filler(tmp_path / "it.onnx", white=1.0, size=(64, 64))
    executor = open_executor(order(onnx(path)))
    assert executor.notes[0] == "runs at its fixed size, 64x64"
    (found,) = executor.pictures(executor.infer(executor.feed(frame)))
    hole = frame.masks[0] > 0
    assert found.shape == frame.pictures[0].shape
    np.testing.assert_array_equal(found[~hole], frame.pictures[0][~hole])
    inside = cv2.erode(frame.masks[0], np.ones((7, 7), np.uint8)) > 0
    assert np.abs(found[inside].astype(int) - (0, 0, 255)).max() < 20


def test_a_network_of_no_known_inputs(tmp_path: Path) -> None:
    path = write_filler(tmp_path / "it.onnx", white=1.0, inputs=("picture", "hole"))
    with pytest.raises(CannotRunError, match=r"its inputs \(picture .*, hole .*\) are of no known"):
        open_executor(order(onnx(path)))
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(CannotRunError, match="cannot load"):
        open_executor(order(onnx(tmp_path / "text.onnx")))
