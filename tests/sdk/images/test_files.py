from __future__ import annotations

import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from inpaint_sdk import ImageError, MetadataWarning, OutputError, Restorer
from inpaint_sdk.images.decoding import ImageFile, orient_array, read_image_file
from inpaint_sdk.images.files import write_image_file
from inpaint_sdk.images.metadata import Metadata

Pixels = NDArray[Any]


def drawn(channels: int = 3, dtype: type = np.uint8, size: tuple[int, int] = (20, 30)) -> Pixels:
    """Random pixels; no channels for a grey picture [H, W]."""
    rng = np.random.default_rng(0)
    shape = (*size, channels) if channels else size
    if dtype == np.float32:
        return rng.random(shape, np.float32)
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def exif(camera: bool = True) -> bytes:
    tags = Image.Exif()
    tags[0x010E] = "a description"
    if camera:
        tags[0x8769] = {0x829A: 0.005}  # exposure time
        tags[0x8825] = {1: "N"}
    return tags.tobytes().removeprefix(b"Exif\0\0")


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def full(**changes: Any) -> Metadata:
    values: dict[str, Any] = {
        "icc": PROFILE,
        "exif": exif(),
        "xmp": b"<x:xmpmeta>caf\xc3\xa9</x:xmpmeta>",
        "dpi": (300.0, 300.0),
    }
    return Metadata(**{**values, **changes})


def description(block: bytes) -> dict[int, Any]:
    tags = Image.Exif()
    tags.load(block)
    return {**dict(tags), "camera": tags.get_ifd(0x8769), "place": tags.get_ifd(0x8825)}  # type: ignore[dict-item]


FORMS = [(0, np.uint8), (2, np.uint8), (3, np.uint8), (4, np.uint8)]
DEEP_FORMS = [(0, np.uint16), (2, np.uint16), (3, np.uint16), (4, np.uint16)]
FLOAT_FORMS = [(0, np.float32), (3, np.float32), (4, np.float32)]


@pytest.mark.parametrize(
    ("suffix", "channels", "dtype"),
    [(".png", *form) for form in FORMS + DEEP_FORMS]
    + [(".tif", *form) for form in FORMS + DEEP_FORMS + FLOAT_FORMS]
    + [(".webp", 3, np.uint8), (".webp", 4, np.uint8), (".bmp", 3, np.uint8)],
)
@pytest.mark.filterwarnings("ignore::inpaint_sdk.MetadataWarning")
def test_pixels_survive_a_file(tmp_path: Path, suffix: str, channels: int, dtype: type) -> None:
    path = tmp_path / f"out{suffix}"
    pixels = drawn(channels, dtype)
    write_image_file(path, ImageFile(pixels, full()))
    found = read_image_file(path).pixels
    assert found.dtype == dtype
    if suffix == ".png" and (channels, dtype) == (2, np.uint16):
        pixels = pixels[..., (0, 0, 0, 1)]  # OpenCV writes no grey with alpha
        with pytest.warns(MetadataWarning, match="lacks the source's grey form$"):
            write_image_file(path, ImageFile(drawn(channels, dtype), full()))
    np.testing.assert_array_equal(found, pixels)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o044, "others cannot read the result"


@pytest.mark.parametrize("channels", [0, 3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_others_read_16_bits_as_we_do(tmp_path: Path, suffix: str, channels: int) -> None:
    path = tmp_path / f"out{suffix}"
    pixels = drawn(channels, np.uint16, (300, 40))
    write_image_file(path, ImageFile(pixels, Metadata()))
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if channels:
        found = cv2.cvtColor(found, cv2.COLOR_BGRA2RGBA if channels == 4 else cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(found, pixels)
    if suffix == ".png":
        with Image.open(path) as file:
            file.verify()


@pytest.mark.parametrize(
    ("suffix", "dtype"),
    [
        (".jpg", np.uint8),
        (".png", np.uint8),
        (".webp", np.uint8),
        (".tif", np.uint8),
        (".png", np.uint16),
        (".tif", np.uint16),
    ],
)
def test_metadata_survives_a_file(tmp_path: Path, suffix: str, dtype: type) -> None:
    extra: dict[str, Any] = {}
    if suffix == ".webp":
        extra = {"dpi": None}
    if suffix == ".tif":
        extra = {"iptc": b"8BIM\x04\x04\0\0\0\0\0\x08caption!"}
    given = full(**extra)
    path = tmp_path / f"out{suffix}"
    with warnings.catch_warnings():
        warnings.simplefilter("error", MetadataWarning)
        write_image_file(path, ImageFile(drawn(3, dtype), given))
    found = read_image_file(path).metadata
    assert found.dpi == (pytest.approx(given.dpi, abs=0.5) if given.dpi else None)
    if suffix == ".tif":
        for tag, value in description(given.exif).items():
            if tag not in (0x8769, 0x8825):  # where they are
                assert description(found.exif)[tag] == value
    else:
        assert found.exif == given.exif
    for name in ("icc", "xmp", "iptc"):
        assert getattr(found, name) == getattr(given, name), name


@pytest.mark.parametrize(
    ("name", "dtype", "lost"),
    [
        ("out.webp", np.uint8, "dpi, text, gAMA"),
        ("out.tif", np.uint8, "text, gAMA"),
        ("out.bmp", np.uint8, "icc, exif, xmp, text, gAMA"),
        ("out.jpg", np.uint8, "text, gAMA"),
        ("out.tif", np.uint16, "text, gAMA"),
    ],
)
def test_what_a_format_cannot_hold_is_named(
    tmp_path: Path, name: str, dtype: type, lost: str
) -> None:
    parts = (b"tEXtTitle\0x", b"iTXtA\0\0\0\0\0b", b"gAMA" + bytes(4))
    picture = ImageFile(drawn(3, dtype), full(parts=parts), "PNG")
    with pytest.warns(MetadataWarning, match=f"the result lacks the source's {lost}$"):
        write_image_file(tmp_path / name, picture)


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("out.xyz", drawn(), "no picture format that is written has the suffix '.xyz'"),
        ("out", drawn(), "no picture format"),
        ("out.ppm", drawn(), "has the suffix '.ppm'; use .png"),
        ("out.gif", drawn(), "has the suffix '.gif'"),
        ("out.jpg", drawn(4), "JPEG has no alpha"),
        ("out.jpg", drawn(3, np.uint16), "JPEG has 8 bits a channel; write a PNG or TIFF"),
        ("out.png", drawn(3, np.float32), "PNG cannot hold floats"),
        ("none/out.png", drawn(), "cannot write .*none/out.png: No such file"),
    ],
)
def test_outputs_that_are_refused(tmp_path: Path, name: str, pixels: Pixels, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        write_image_file(tmp_path / name, ImageFile(pixels, Metadata()))
    assert not list(tmp_path.rglob("*"))


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"old")

    def fail(self: Image.Image, file: BinaryIO, **options: object) -> None:
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OutputError, match="no space left"):
        write_image_file(path, ImageFile(drawn(), Metadata()))
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]


def test_a_deep_tiff_compressed_by_others(tmp_path: Path) -> None:
    path = tmp_path / "lzw.tif"
    pixels = drawn(3, np.uint16)
    lzw = [cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_LZW]
    cv2.imwrite(str(path), pixels[..., ::-1], lzw)
    np.testing.assert_array_equal(read_image_file(path).pixels, pixels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_agree_with_pil(orientation: int) -> None:
    from PIL import ImageOps

    picture = Image.fromarray(drawn())
    picture.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(picture))
    np.testing.assert_array_equal(orient_array(drawn(), orientation), expected)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_orientation_is_applied_once(tmp_path: Path, suffix: str, dtype: type) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6
    turned = drawn(3, dtype)
    path = tmp_path / f"turned{suffix}"
    if suffix == ".tif":
        import tifffile

        tifffile.imwrite(path, turned, photometric="rgb", extratags=[(274, "H", 1, 6, True)])
    else:
        xmp = b'<rdf:Description tiff:Orientation="6" a:b="c"/>'
        block = tags.tobytes().removeprefix(b"Exif\0\0")
        metadata = Metadata(exif=block, xmp=xmp)
        write_image_file(path, ImageFile(turned, metadata))
    found = read_image_file(path)
    np.testing.assert_array_equal(found.pixels, np.rot90(turned, -1))
    assert description(found.metadata.exif).get(0x0112, 1) == 1
    assert b"Orientation" not in found.metadata.xmp


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_files_cut_short(tmp_path: Path, suffix: str, dtype: type, share: float) -> None:
    path = tmp_path / f"cut{suffix}"
    write_image_file(path, ImageFile(drawn(3, dtype, (200, 200)), Metadata()))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ImageError):
        read_image_file(path)


def bomb(path: Path, bits: int) -> None:
    """A few bytes that claim to be 50000x50000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", 50_000, 50_000, bits, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 1000)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_decompression_bomb_is_refused(photo: Restorer, tmp_path: Path, bits: int) -> None:
    path = tmp_path / "bomb.png"
    bomb(path, bits)
    with pytest.raises(ImageError, match="too large to be read safely"):
        read_image_file(path)
    with pytest.raises(ImageError, match="too large to be read safely"):
        photo.restore(path, np.ones((1, 1), bool))


def test_a_deep_tiff_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.tif"
    write_image_file(path, ImageFile(drawn(3, np.uint16), Metadata()))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ImageError, match="too large to be read safely: 30x20"):
        read_image_file(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_from_file_to_file(
    photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path, suffix: str
) -> None:
    """Known pixels come back bit for bit, restored ones at 16 bits, and metadata is kept."""
    noise = np.random.default_rng(1).integers(0, 257, image.shape)
    deep = (image.astype(np.uint16) * 257 - noise).clip(0, 65535).astype(np.uint16)
    source, output = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    write_image_file(source, ImageFile(deep, full(exif=exif(camera=False))))
    photo.restore_file(source, output, mask)
    found = read_image_file(output)
    np.testing.assert_array_equal(found.pixels[mask == 0], deep[mask == 0])
    restored = found.pixels[mask > 0]
    assert (restored != deep[mask > 0]).any()
    assert (restored % 257 != 0).mean() > 0.9
    assert found.metadata == read_image_file(source).metadata


def test_a_jpeg_keeps_what_its_camera_wrote(
    photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    source, output = tmp_path / "in.jpg", tmp_path / "out.jpg"
    parts = (b"\xfehello", b"\xedPhotoshop 3.0\x008BIM", b"\xe5own")
    write_image_file(source, ImageFile(image, full(parts=parts), "JPEG"))
    photo.restore_file(source, output, mask)
    assert read_image_file(output).metadata == read_image_file(source).metadata
    after, before = read_image_file(output).pixels, read_image_file(source).pixels
    far = cv2.dilate(mask, np.ones((33, 33), np.uint8)) == 0
    assert np.abs(after.astype(int) - before)[far].mean() < 1.0


@pytest.mark.parametrize("mine", [True, False], ids=["the application's", "ours"])
def test_libvips_keeps_no_pictures(image: Pixels, tmp_path: Path, mine: bool) -> None:
    """Unless the application uses it, too."""
    cv2.imwrite(str(tmp_path / "in.png"), image)
    script = "import pyvips\n" if mine else ""
    script += (
        "from inpaint_sdk.images.decoding import read_image_file\n"
        "from pathlib import Path\n"
        f"read_image_file(Path({str(tmp_path / 'in.png')!r}))\n"
        "import pyvips; print(pyvips.cache_get_max())"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(run.stdout) == (100 if mine else 0)
