"""AVIF, which libvips reads, and HEIC, which pi-heif does."""

from __future__ import annotations

import base64
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import ImageError, OutputError, Restorer
from inpaint_sdk.images.decoding import read_image_file

Pixels = NDArray[Any]

HEIC = """
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAchtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAA
AAADRpbG9jAAAAAERAAAIAAQAAAAAB7AABAAAAAAAAAR0AAgAAAAADCQABAAAAAAAAAD4AAAA4aWluZgAAAAAAAgAAABVpbmZl
AgAAAAABAABodmMxAAAAABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAABB2lwcnAAAADmaXBjbwAAAHZodmNDAQ
NwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAe
oCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAE
AAAAAoY2xhcAAAADAAAAABAAAAIAAAAAH////wAAAAAv///+AAAAACAAAAEHBpeGkAAAAAAwgICAAAAAlpcm90AwAAABlpcG1h
AAAAAAAAAAEAAQaBAgMFhIYAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAAAWNtZGF0AAABGSgBrwY4iRGrvr4D2ba+BfqHdF
wlUfdjITIe/3/s0W+iBQB4hslafUzQffZt42ZkP9OyP/hhaaDn2Hsdz443FA/2tBlXvfZ/TFn0LjdqlOkWz0G+S9PuMWLKRfhJ
XezA34KbD1mhQioYR6/5H/Dn+jPymZO3Rkh+EP2Js63Tb2ptuieiRDzMiuouYeHJQMf+22GI/2B3PPH7/5XwKDp/cU/XYfxk9d
GF3a16DU7ux9ew7JZeOzyUcJWw5FZFFFRttNSFAIGKuQs+ZAsW3bUvKYrQ4u/CdkDrg3Mbwh2ki3D+cYBw+7Enyei2NuIOQVbP
d9fNMZ1JqNiCLdx1KGoCgp1l4I4OnYurfBU/EYDo/u173ChLvpJryEeAAAAABkV4aWYAAE1NACoAAAAIAAIBDgACAAAADgAAAC
YBEgADAAAAAQAGAAAAAAAAYSBkZXNjcmlwdGlvbgA=
"""
"""48x32 pixels of colours that rise to the right and down, turned by orientation 6, described."""

HEIC_10_BITS = """
AAAAHGZ0eXBoZWl4AAAAAG1pZjFoZWl4bWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAA
AAACJpbG9jAAAAAERAAAEAAQAAAAABoAABAAAAAAAAAREAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5w
aXRtAAAAAAABAAAA/GlwcnAAAADcaXBjbwAAAHVodmNDAQQIAAAAnbgAAAAAHvAA/P36+gAADwNgAAEAF0ABDAH//wQIAAADAJ
24AAADAAAeugJAYQABACpCAQEECAAAAwCduAAAAwAAHqAggQTZbq5Ka5uAhoMCAAADADIAAAMAAhBiAAEABkQBwXPAiQAAABNj
b2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFwAAAAMAAAAAEAAAAgAAAAAf////AAAAAC////4AAAAA
IAAAAQcGl4aQAAAAADCgoKAAAAGGlwbWEAAAAAAAAAAQABBYECAwWEAAABGW1kYXQAAAENKAGvBji8jzZs9j37plMA1bcDAv+C
fb9kRMJbyv6uws53WWW+T2bsaesgaBi/gnuN3x+/+V39O5VKxddUn6lGkC/XG/cf0kPSB6tG0gvk5sf4gsZbi3Y9b9rdONKrXy
2ZE3COKeg64X1ocvxoatqMZYLyMLBhhcLpFdnzDfRZ6lOpFtRZhWyN0WmSaa4O44A/rdmBUg8EYa4uXUk3ruvKHLaL1xHRqbY5
mNqfkT6Bk0WIx4syQfHWFsAvniZX/Vr4Mbg0bo0i7bNGAHs+wKzYGKaGzoo3r91rZstljLxpMaxrysJUp3auiyQSguss2yu+yI
QmhGe0RQpapdVfH8ZJu9p0VWpF56Si+nEt/8A=
"""
"""The same, with 10 bits a channel and not turned."""

Y, X = np.mgrid[:32, :48]
RAMPS = np.dstack([X * 5, Y * 7, (X + Y) * 3]).astype(np.uint8)


def avif(pixels: Pixels, bits: int) -> bytes:
    height, width, count = pixels.shape
    vips = pyvips.Image.new_from_memory(pixels.tobytes(), width, height, count, "ushort")
    options = {"compression": "av1", "bitdepth": bits, "lossless": True}
    data: bytes = vips.copy(interpretation="rgb16").heifsave_buffer(**options)
    return data


def test_heic(photo: Restorer, tmp_path: Path) -> None:
    pytest.importorskip("pi_heif")
    data = base64.b64decode(HEIC)
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
    file = read_image_file(base64.b64decode(HEIC_10_BITS))
    assert file.metadata.converted == "10 bits a channel, of which 8 are read"
    assert np.abs(file.pixels.astype(int) - RAMPS).mean() < 4


def test_a_video_is_no_heic() -> None:
    with pytest.raises(ImageError, match="not a picture in a known format"):
        read_image_file(b"\0\0\0\x18ftypisom\0\0\2\0isomavc1" + bytes(100))


def test_heic_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    with pytest.raises(ImageError, match=r"HEIC .* pip install 'inpaint-sdk\[heic\]'"):
        read_image_file(base64.b64decode(HEIC))


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


def test_an_animated_avif_gives_its_first_picture(image: Pixels) -> None:
    file = BytesIO()
    more = [Image.fromarray(255 - image)]
    Image.fromarray(image).save(file, "AVIF", save_all=True, append_images=more, quality=100)
    found = read_image_file(file.getvalue())
    assert np.abs(found.pixels.astype(int) - image).mean() < 6
    assert "further pictures" in found.metadata.dropped


def test_a_result_is_not_avif(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    data = BytesIO()
    Image.fromarray(image).save(data, "AVIF")
    with pytest.raises(OutputError, match="AVIF files are not written; write a PNG"):
        photo(data.getvalue(), mask)
