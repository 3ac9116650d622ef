"""Pictures as the bytes of files."""

from __future__ import annotations

import contextlib
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import Detector, ImageError, MaskError, MetadataWarning, OutputError, Restorer
from inpaint_sdk.images.decoding import ImageFile, read_image_file
from inpaint_sdk.images.files import encode_image, open_image
from inpaint_sdk.images.masks import open_mask
from inpaint_sdk.images.metadata import Metadata

Pixels = NDArray[np.uint8]


def encoded(pixels: NDArray[np.generic], kind: str) -> bytes:
    return encode_image(ImageFile(pixels, Metadata(), kind))


@pytest.fixture
def wide(mask: Pixels) -> Pixels:
    """What JPEG and its neighbours may change of the mask's surroundings."""
    return cv2.dilate(mask, np.ones((33, 33), np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF"])
def test_bytes_come_back_in_their_format(
    photo: Restorer, image: Pixels, mask: Pixels, kind: str
) -> None:
    rgb = np.ascontiguousarray(image[..., ::-1])
    result = photo(encoded(rgb, kind), mask)
    assert isinstance(result, bytes)
    with Image.open(BytesIO(result)) as picture:
        assert picture.format == kind
        np.testing.assert_array_equal(np.asarray(picture), photo(image, mask)[..., ::-1])


def test_a_jpeg_is_hardly_changed(
    photo: Restorer, image: Pixels, mask: Pixels, wide: Pixels
) -> None:
    smooth = cv2.GaussianBlur(image, (0, 0), 3)
    data = encoded(smooth, "JPEG")
    result = photo(data, mask)
    assert result[:3] == b"\xff\xd8\xff"
    before, after = read_image_file(data).pixels, read_image_file(result).pixels
    assert np.abs(after.astype(int) - before)[wide == 0].mean() < 1.0


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("channels", [0, 3, 4])
def test_16_bits_stay_16_bits(
    photo: Restorer, image: Pixels, mask: Pixels, kind: str, channels: int
) -> None:
    deep = image.astype(np.uint16) * 257
    deep = deep[..., 0] if channels == 0 else np.dstack([deep, deep[..., 0]])[..., :channels]
    deep = np.ascontiguousarray(deep)
    found = read_image_file(photo(encoded(deep, kind), mask))
    assert (found.format, found.pixels.dtype) == (kind, np.uint16)
    np.testing.assert_array_equal(found.pixels[mask == 0], deep[mask == 0])
    assert (found.pixels[mask > 0] % 257 != 0).any(), "restored pixels have only 8 bits"


def test_metadata_and_orientation(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    turned = np.ascontiguousarray(np.rot90(image))
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a description"
    file = BytesIO()
    Image.fromarray(turned).save(file, format="PNG", exif=exif, dpi=(300, 300))
    found = read_image_file(photo(file.getvalue(), mask))
    assert found.metadata.dpi == pytest.approx((300, 300), abs=0.5)
    tags = Image.Exif()
    tags.load(found.metadata.exif)
    assert tags[0x010E] == "a description"
    assert tags[0x0112] == 1
    np.testing.assert_array_equal(found.pixels[mask == 0], image[mask == 0])


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_every_kind_of_bytes(photo: Restorer, image: Pixels, mask: Pixels, form: type) -> None:
    data = encoded(image, "PNG")
    assert photo(form(data), form(encoded(mask, "PNG"))) == photo(data, mask)


def test_masks_as_bytes(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    colours = np.dstack([mask * 0, mask, mask * 0])
    for data in (encoded(mask, "PNG"), encoded(colours, "BMP")):
        np.testing.assert_array_equal(photo(image, data), photo(image, mask))
        np.testing.assert_array_equal(photo.frames(data)(image), photo(image, mask))


def test_other_ways_in(photo: Restorer, detector_file: Path, image: Pixels, mask: Pixels) -> None:
    data = encoded(image, "PNG")
    expected = photo(data, mask)
    assert list(photo.restore_many([(data, mask)])) == [expected]
    assert photo.frames(mask)(data) == expected
    assert photo.run(data, mask).image == expected
    assert Detector.load(detector_file, threads=1)(data).mask.shape == mask.shape


@pytest.mark.parametrize("keep", [0, 10, 60, 1000])
@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        ("JPEG", np.uint8),
        ("PNG", np.uint8),
        ("PNG", np.uint16),
        ("TIFF", np.uint8),
        ("TIFF", np.uint16),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")
def test_bytes_cut_short(
    photo: Restorer, image: Pixels, mask: Pixels, keep: int, kind: str, dtype: type
) -> None:
    data = encoded(image.astype(dtype), kind)[:keep]
    with pytest.raises(ImageError, match="the image's bytes"):
        photo(data, mask)
    with pytest.raises(MaskError):
        photo(image, data)


@pytest.mark.parametrize("kind", ["PPM", "TGA", "ICO"])
def test_formats_that_are_read_and_not_written(
    finder: Restorer, image: Pixels, mask: Pixels, kind: str
) -> None:
    file = BytesIO()
    Image.fromarray(image).save(file, format=kind)
    assert finder.detect(file.getvalue()).mask.ndim == 2
    with pytest.raises(OutputError, match=f"the result: {kind} files are not written; write a PNG"):
        finder(file.getvalue(), np.resize(mask, finder.detect(file.getvalue()).mask.shape))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_what_is_not_changed_is_not_encoded_again(
    finder: Restorer, image: Pixels, mask: Pixels, kind: str, tmp_path: Path
) -> None:
    """A JPEG would lose by it."""
    data = encoded(cv2.GaussianBlur(image, (0, 0), 3), kind)
    assert finder(data) == finder(data, mask * 0) == data
    source, output = tmp_path / f"in.{kind.lower()}", tmp_path / f"out.{kind.lower()}"
    source.write_bytes(data)
    finder.restore_file(source, output)
    assert output.read_bytes() == data
    finder.restore_file(source, tmp_path / "out.png")
    pixels = read_image_file(tmp_path / "out.png").pixels
    np.testing.assert_array_equal(pixels, read_image_file(source).pixels)


@pytest.mark.filterwarnings(
    "ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning"
)  # of what it reads in spite of damage
@pytest.mark.parametrize("kind", ["TIFF", "TIFF16", "PNG", "PNG16", "JPEG", "WEBP", "BMP"])
def test_damaged_bytes_are_told(image: Pixels, kind: str) -> None:
    """Whatever a decoder raises, or reads from them."""
    rng = np.random.default_rng(7)
    small = image[:24, :32]
    pixels = small.astype(np.uint16) * 257 if kind.endswith("16") else small
    data = np.frombuffer(encoded(pixels, kind.removesuffix("16")), np.uint8)
    for _ in range(150):
        broken = data.copy()
        where = rng.integers(0, min(len(broken), 400), rng.integers(1, 12))
        broken[where] = rng.integers(0, 256, len(where))
        with contextlib.suppress(ImageError):
            open_image(broken.tobytes(), "bgr")
        with contextlib.suppress(MaskError):
            open_mask(broken.tobytes())


def test_a_jpeg_with_a_second_picture(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    file = BytesIO()
    first, second = Image.fromarray(image), Image.new("RGB", (40, 30))
    first.save(file, format="MPO", save_all=True, append_images=[second])
    with pytest.warns(MetadataWarning, match="further pictures"):
        result = photo(file.getvalue(), mask)
    with Image.open(BytesIO(result)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (130, 90))


@pytest.mark.parametrize("given", [5, None, ["in.png"]])
def test_what_is_no_picture_is_told(given: object) -> None:
    kind = type(given).__name__
    with pytest.raises(ImageError, match=f"the image is a numpy array, .* or bytes, not {kind}"):
        open_image(given, "bgr")  # type: ignore[arg-type]
    with pytest.raises(MaskError, match=f"the mask is a numpy array, .* or bytes, not {kind}"):
        open_mask(given)  # type: ignore[arg-type]
