"""AVIF, which libvips reads, and HEIC, which pi-heif does."""

from __future__ import annotations

import contextlib
import struct
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image, features

from inpaint_sdk import ImageError, OutputError, Restorer
from inpaint_sdk.images.decoding import read_image_file
from support.heic import HEIC, HEIC_10_BITS

Pixels = NDArray[Any]

writes_avif = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")

Y, X = np.mgrid[:32, :48]
RAMPS = np.dstack([X * 5, Y * 7, (X + Y) * 3]).astype(np.uint8)


def avif(pixels: Pixels, bits: int) -> bytes:
    height, width, count = pixels.shape
    vips = pyvips.Image.new_from_memory(pixels.tobytes(), width, height, count, "ushort")
    options = {"compression": "av1", "bitdepth": bits, "lossless": True}
    try:
        data: bytes = vips.copy(interpretation="rgb16").heifsave_buffer(**options)
    except pyvips.Error as reason:
        if "colour depth not supported" not in str(reason):
            raise
        pytest.skip(f"libvips {pyvips.version(0)}.{pyvips.version(1)} writes no {bits} bits")
    return data


def test_heic(photo: Restorer, tmp_path: Path) -> None:
    pytest.importorskip("pi_heif")
    data = HEIC
    file = read_image_file(data)
    assert file.format == "HEIF"
    expected = np.rot90(RAMPS, -1)
    assert file.pixels.shape == expected.shape
    assert np.abs(file.pixels.astype(int) - expected).mean() < 4
    (tmp_path / "in.HEIC").write_bytes(data)
    mask = np.zeros(expected.shape[:2], np.uint8)
    mask[20:24, 8:16] = 255
    photo.restore_file(tmp_path / "in.HEIC", tmp_path / "out.jpg", mask)
    with Image.open(tmp_path / "out.jpg") as picture:
        assert picture.size == (32, 48)
        assert picture.getexif()[0x010E] == "a description"
        assert picture.getexif()[0x0112] == 1


def test_heic_of_10_bits_becomes_8(photo: Restorer) -> None:
    pytest.importorskip("pi_heif")
    file = read_image_file(HEIC_10_BITS)
    assert file.metadata.dropped == ("10 bits a channel (8 are read)",)
    assert np.abs(file.pixels.astype(int) - RAMPS).mean() < 4


def test_a_video_is_no_heic() -> None:
    with pytest.raises(ImageError, match="not a picture in a known format"):
        read_image_file(b"\0\0\0\x18ftypisom\0\0\2\0isomavc1" + bytes(100))


def test_heic_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    with pytest.raises(ImageError, match=r"HEIC .* pip install 'inpaint-sdk\[heic\]'"):
        read_image_file(HEIC)


@pytest.mark.parametrize("at", [40, 200, 500])
def test_a_damaged_heic_is_told(at: int, tmp_path: Path) -> None:
    pytest.importorskip("pi_heif")
    (tmp_path / "in.heic").write_bytes(HEIC[:at])
    with pytest.raises(ImageError, match=r"cannot read .*in\.heic; it is damaged"):
        read_image_file(tmp_path / "in.heic")


ITEM = b"\0\0\0\x15infe\2\0\0\1\0\2\0\0Exif\0"


@pytest.mark.parametrize(
    "item",
    [
        ITEM.replace(b"Exif", b"E\xffif"),
        ITEM.replace(b"Exif\0", b"mime\0\xff\0").replace(b"\x15", b"\x17"),
        ITEM.replace(b"\2\0\0\1\0\2", b"\3\0\0\1\0\0\0\2").replace(b"Exif", b"E\xffif"),
        ITEM.replace(b"\x15infe", b"\1infe\0\0\0\0\0\0\0\x1d").replace(b"Exif", b"E\xffif"),
    ],
    ids=["its type", "its content's type", "a long number", "a long length"],
)
def test_a_heic_with_an_item_whose_type_is_no_text(item: bytes) -> None:
    """pi-heif would end the process."""
    pytest.importorskip("pi_heif")
    assert ITEM in HEIC
    with pytest.raises(ImageError, match=r"it is damaged, .* can't decode byte 0xff"):
        read_image_file(HEIC.replace(ITEM, item))


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("channels", [3, 4])
def test_avif_of_more_than_8_bits(
    bits: int, channels: int, photo: Restorer, mask: Pixels, image: Pixels, tmp_path: Path
) -> None:
    deep = np.dstack([image, image[..., :1]])[..., :channels].astype(np.uint16) * 257
    deep[:4] = 65535
    (tmp_path / "in.avif").write_bytes(avif(np.ascontiguousarray(deep), bits))
    photo.restore_file(tmp_path / "in.avif", tmp_path / "out.png", mask)
    found = read_image_file(tmp_path / "out.png").pixels
    assert found.dtype == np.uint16
    assert found[0, 0].tolist() == [65535] * channels
    step = 65536 >> bits
    known = mask == 0
    assert np.abs(found[known].astype(int) - deep[known]).max() <= 1.5 * step


@writes_avif
def test_an_avif_that_says_to_be_huge(image: Pixels, capfd: pytest.CaptureFixture[str]) -> None:
    """GLib would print that its height is out of range."""
    file = BytesIO()
    Image.fromarray(image).save(file, "AVIF")
    size = b"ispe" + struct.pack(">III", 0, *image.shape[1::-1])
    huge = b"ispe" + struct.pack(">III", 0, image.shape[1], 0x7F7F7F7F)
    assert size in file.getvalue()
    with pytest.raises(ImageError, match="too large to be read safely: 130x2139062143 pixels"):
        read_image_file(file.getvalue().replace(size, huge))
    assert capfd.readouterr().err == ""


@writes_avif
def test_avif_is_turned_once(image: Pixels) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = BytesIO()
    Image.fromarray(image).save(file, "AVIF", exif=exif, quality=100)
    found = read_image_file(file.getvalue())
    expected = np.rot90(image, -1)
    assert found.format == "AVIF"
    assert found.pixels.shape == expected.shape
    assert np.abs(found.pixels.astype(int) - expected).mean() < 6


@writes_avif
def test_a_message_that_is_not_text_does_not_stay(image: Pixels) -> None:
    """libvips' messages add up until they are taken; pyvips does not take what it cannot decode."""
    exif = Image.Exif()
    exif[0x0112] = 6
    file, cmyk = BytesIO(), BytesIO()
    Image.fromarray(image).save(file, "AVIF", exif=exif)
    Image.fromarray(image).convert("CMYK").save(cmyk, "JPEG")
    broken = file.getvalue().replace(b"irot", b"iro\xff")  # which libheif quotes
    for _ in range(2):
        with contextlib.suppress(ImageError):  # an older libheif passes over it
            read_image_file(broken)
        assert read_image_file(cmyk.getvalue()).pixels.shape == image.shape


@writes_avif
def test_an_animated_avif_gives_its_first_picture(image: Pixels) -> None:
    file = BytesIO()
    more = [Image.fromarray(255 - image)]
    Image.fromarray(image).save(file, "AVIF", save_all=True, append_images=more, quality=100)
    found = read_image_file(file.getvalue())
    assert np.abs(found.pixels.astype(int) - image).mean() < 6
    assert "further pictures" in found.metadata.dropped


@writes_avif
def test_a_result_is_not_avif(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    data = BytesIO()
    Image.fromarray(image).save(data, "AVIF")
    with pytest.raises(OutputError, match="AVIF files are not written; write a PNG"):
        photo(data.getvalue(), mask)
