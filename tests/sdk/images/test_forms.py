"""Pictures in the forms that people have them in, and what is said of them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image, ImageCms, features

from inpaint_sdk import ImageError, MaskError, MetadataWarning, OutputError, Restorer
from inpaint_sdk.images.decoding import orient_array, read_image_file
from inpaint_sdk.images.files import open_image
from inpaint_sdk.images.masks import open_mask

Pixels = NDArray[Any]


@pytest.fixture
def deep(image: Pixels) -> Pixels:
    noise = np.random.default_rng(1).integers(0, 257, image.shape)
    return (image.astype(np.int64) * 257 - noise).clip(0, 65535).astype(np.uint16)


def saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    picture.save(file, format=kind, **options)
    return file.getvalue()


def with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + body))
    return data[:33] + struct.pack(">I", len(body)) + kind + body + checksum + data[33:]


def chunks(data: bytes) -> list[bytes]:
    found, at = [], 8
    while at < len(data):
        found.append(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return found


Form = Callable[[Image.Image], bytes]
FORMS: dict[str, tuple[Form, str, str]] = {
    "palette PNG": (lambda im: saved(im.quantize(32), "PNG"), "RGB", "palette"),
    "palette PNG, transparent": (
        lambda im: saved(im.quantize(32), "PNG", transparency=3),
        "RGBA",
        "palette",
    ),
    "palette BMP": (lambda im: saved(im.quantize(16), "BMP"), "RGB", "palette"),
    "palette TIFF": (lambda im: saved(im.quantize(16), "TIFF"), "RGB", "palette"),
    "GIF": (lambda im: saved(im.quantize(16), "GIF"), "RGB", "palette"),
    "1-bit PNG": (lambda im: saved(im.convert("1"), "PNG"), "L", "1-bit form"),
    "fax TIFF": (
        lambda im: saved(im.convert("1"), "TIFF", compression="group4"),
        "L",
        "1-bit form",
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_other_forms_become_colours_or_grey(
    form: str, photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    make, mode, word = FORMS[form]
    data = make(Image.fromarray(image))
    source, output = tmp_path / "in", tmp_path / "out.png"
    source.write_bytes(data)
    with pytest.warns(MetadataWarning, match=f"lacks the source's {word}$"):
        photo.restore_file(source, output, mask)
    expected = np.asarray(Image.open(BytesIO(data)).convert(mode))
    found = np.asarray(Image.open(output))
    np.testing.assert_array_equal(found[mask == 0], expected[mask == 0])
    for given in (source, Image.open(BytesIO(data))):
        with pytest.warns(MetadataWarning, match=word):
            np.testing.assert_array_equal(photo(given, mask), found)


def test_cmyk_by_its_profile(photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path) -> None:
    smooth = cv2.GaussianBlur(image, (0, 0), 5)
    source, output = tmp_path / "in.jpg", tmp_path / "out.png"
    Image.fromarray(smooth).convert("CMYK").save(source, quality=98)
    with pytest.warns(MetadataWarning, match="CMYK colours"):
        photo.restore_file(source, output, mask)
    found, naive = np.asarray(Image.open(output)), np.asarray(Image.open(source).convert("RGB"))
    assert found.shape == image.shape
    assert np.abs(found.astype(int) - naive).mean() > 5, "converted without a profile"
    assert np.corrcoef(found.ravel(), smooth.ravel())[0, 1] > 0.8
    assert not read_image_file(output).metadata.icc
    with Image.open(source) as opened, pytest.raises(ImageError, match="by its profile"):
        photo(opened, mask)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
def test_deep_tiffs_are_upright(
    orientation: int, compression: str | None, deep: Pixels, tmp_path: Path
) -> None:
    path = tmp_path / "in.tif"
    extra = [(274, "H", 1, orientation, True)]
    options = {"photometric": "rgb", "metadata": None, "extratags": extra}
    if compression == "lzw":
        options.pop("extratags")
        cv2.imwrite(str(path), deep[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])
        path.write_bytes(with_tag(path.read_bytes(), 274, orientation))
    else:
        tifffile.imwrite(path, deep, compression=compression, **options)
    np.testing.assert_array_equal(read_image_file(path).pixels, orient_array(deep, orientation))


def with_tag(data: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF with one more short, its directory moved to the end."""
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    entries = [data[at + 2 + 12 * i : at + 14 + 12 * i] for i in range(count)]
    entries = [entry for entry in entries if entry[:2] != struct.pack("<H", tag)]
    entries.append(struct.pack("<HHIHH", tag, 3, 1, value, 0))
    entries.sort(key=lambda entry: struct.unpack("<H", entry[:2]))
    end = len(data) + len(data) % 2
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return data[:4] + struct.pack("<I", end) + data[8:].ljust(end - 8, b"\0") + directory


DEEP_FORMS: dict[str, tuple[Callable[[Pixels], Pixels], dict[str, Any], Callable[..., Pixels]]] = {
    "planes": (
        lambda p: np.ascontiguousarray(np.moveaxis(p, 2, 0)),
        {"photometric": "rgb", "planarconfig": "separate"},
        lambda p: p,
    ),
    "tiles": (lambda p: p, {"photometric": "rgb", "tile": (16, 32)}, lambda p: p),
    "big-endian": (lambda p: p, {"photometric": "rgb", "byteorder": ">"}, lambda p: p),
    "BigTIFF": (lambda p: p, {"photometric": "rgb", "bigtiff": True}, lambda p: p),
    "white is zero": (
        lambda p: p[..., 0].copy(),
        {"photometric": "miniswhite"},
        lambda p: 65535 - p[..., 0],
    ),
    "half floats": (
        lambda p: (p / 65535).astype(np.float16),
        {"photometric": "rgb"},
        lambda p: (p / 65535).astype(np.float16).astype(np.float32),
    ),
    "an extra channel": (
        lambda p: np.dstack([p, p[..., :2]]),
        {"photometric": "rgb"},
        lambda p: p,
    ),
}


@pytest.mark.parametrize("form", DEEP_FORMS)
@pytest.mark.filterwarnings("ignore::inpaint_sdk.MetadataWarning")
def test_deep_tiffs_of_every_form(
    form: str, photo: Restorer, deep: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    make, options, expect = DEEP_FORMS[form]
    source, output, expected = tmp_path / "in.tif", tmp_path / "out.tif", expect(deep)
    tifffile.imwrite(source, make(deep), metadata=None, **options)
    photo.restore_file(source, output, mask)
    with tifffile.TiffFile(output) as file:
        page = file.pages[0]
        found = page.asarray()
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert page.photometric.name == ("RGB" if found.ndim == 3 else "MINISBLACK")
    np.testing.assert_array_equal(found[mask == 0], expected[mask == 0])
    assert (found[mask > 0] != expected[mask > 0]).any()


def test_alpha_that_is_multiplied_into_the_colours(deep: Pixels, tmp_path: Path) -> None:
    alpha = np.full(deep.shape[:2], 32768, np.uint16)
    path = tmp_path / "in.tif"
    pixels = np.dstack([deep // 2, alpha])
    options = {"photometric": "rgb", "extrasamples": ["assocalpha"], "metadata": None}
    tifffile.imwrite(path, pixels, **options)
    file = read_image_file(path)
    assert np.abs(file.pixels[..., :3].astype(int) - deep).max() <= 2
    np.testing.assert_array_equal(file.pixels[..., 3], alpha)
    assert file.metadata.dropped == ("premultiplied alpha",)


@pytest.mark.parametrize("parts", [{"tile": (16, 16)}, {"rowsperstrip": 8}])
def test_a_tiff_without_all_its_parts(image: Pixels, tmp_path: Path, parts: dict[str, Any]) -> None:
    """Of a width of 262 144 pixels and 4 tiles, libvips looked for the others for 15 s."""
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, image, photometric="rgb", metadata=None, **parts)
    read_image_file(path)
    with tifffile.TiffFile(path) as file:
        tag = file.pages[0].tags["ImageWidth" if "tile" in parts else "ImageLength"]
    data = bytearray(path.read_bytes())
    size = 2 if tag.dtype == 3 else 4
    data[tag.valueoffset : tag.valueoffset + size] = (60_000).to_bytes(size, "little")
    path.write_bytes(data)
    with pytest.raises(ImageError, match="is damaged: it holds less than"):
        read_image_file(path)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_lab_is_refused(dtype: type, deep: Pixels, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", deep.astype(dtype), photometric="cielab", metadata=None)
    with pytest.raises(ImageError, match="is in CIELAB; convert it to RGB"):
        read_image_file(tmp_path / "in.tif")


def test_cmyk_with_alpha(image: Pixels, tmp_path: Path) -> None:
    cmyk = np.dstack([image, image[::-1, :, :2]])
    options = {"photometric": "separated", "metadata": None, "extrasamples": ["unassalpha"]}
    tifffile.imwrite(tmp_path / "in.tif", cmyk, **options)
    Image.fromarray(cmyk[..., :4], "CMYK").save(tmp_path / "plain.tif")
    found, plain = (read_image_file(tmp_path / name).pixels for name in ("in.tif", "plain.tif"))
    np.testing.assert_array_equal(found[..., 3], cmyk[..., 4])
    np.testing.assert_array_equal(found[..., :3], plain)


@pytest.mark.parametrize("channels", [4, 5])
def test_cmyk_of_16_bits_is_refused(channels: int, deep: Pixels, tmp_path: Path) -> None:
    cmyk = np.dstack([deep, deep[::-1, :, :2] // 2])[..., :channels]
    options = {"photometric": "separated", "metadata": None}
    options["extrasamples"] = ["unassalpha"] * (channels - 4)
    tifffile.imwrite(tmp_path / "in.tif", cmyk, **options)
    with pytest.raises(ImageError, match="is CMYK of 16 bits a channel; convert it to 8 bits"):
        read_image_file(tmp_path / "in.tif")


def test_what_has_other_values_is_refused(deep: Pixels, tmp_path: Path) -> None:
    path = tmp_path / "in.tif"
    tifffile.imwrite(path, deep[..., 0].astype(np.uint32), metadata=None)
    with pytest.raises(ImageError, match="convert it to 8 or 16 bits"):
        read_image_file(path)
    tifffile.imwrite(path, deep.astype(np.float32), photometric="rgb", metadata=None)
    with pytest.raises(ImageError, match="values are from 0 to 1"):
        read_image_file(path)


@pytest.mark.parametrize("name", ["photo.dng", "photo.tif"])
def test_raw_files_are_told(name: str, image: Pixels, tmp_path: Path) -> None:
    """Their first picture is a preview; the real one is a sensor's, in a sub-directory."""
    options = {"photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(tmp_path / name) as file:
        file.write(image, subfiletype=1, subifds=1, **options)
        file.write(np.kron(image, np.ones((4, 4, 1), np.uint8)), subfiletype=0, **options)
    with pytest.raises(ImageError, match="raw file"):
        read_image_file(tmp_path / name)


def test_pages_of_a_tiff(photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path) -> None:
    source, output = tmp_path / "in.tif", tmp_path / "out.tif"
    options = {"photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(source) as file:
        file.write(image, **options)
        file.write(image[::4, ::4].copy(), subfiletype=1, **options)
    with pytest.warns(MetadataWarning, match="further pictures"):
        photo.restore_file(source, output, mask)  # a preview is no page
    np.testing.assert_array_equal(tifffile.imread(output)[mask == 0], image[mask == 0])
    with tifffile.TiffWriter(source) as file:
        for pixels in (image, 255 - image):
            file.write(pixels, **options)
    with pytest.raises(ImageError, match="holds 2 pictures; name one"):
        photo.restore_file(source, output, mask)
    for page, expected in ((1, image), (2, 255 - image)):
        with pytest.warns(MetadataWarning, match="further pictures"):
            photo.restore_file(source, output, mask, page=page)
        np.testing.assert_array_equal(tifffile.imread(output)[mask == 0], expected[mask == 0])
    for page in (0, 3):
        with pytest.raises(ImageError, match=f"has no page {page}"):
            photo.restore_file(source, output, mask, page=page)
    with pytest.raises(MaskError, match="holds 2 pictures"):
        open_mask(source)


def test_animations_give_their_first_picture(image: Pixels) -> None:
    first, second = Image.fromarray(image), Image.fromarray(255 - image)
    for kind in ("GIF", "PNG", "WEBP"):
        data = saved(first, kind, save_all=True, append_images=[second], lossless=True)
        file = read_image_file(data)
        assert set(file.metadata.dropped) - {"palette"} == {"further pictures"}
        assert np.abs(file.pixels.astype(int) - image).mean() < 20


@pytest.mark.parametrize("keep", [0.999, 0.5])
def test_a_jpeg_that_is_cut_short(
    keep: float, photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    whole = saved(Image.fromarray(image), "JPEG", quality=90)
    source, output = tmp_path / "in.jpg", tmp_path / "out.png"
    source.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.warns(MetadataWarning, match="what can be read is taken: .*premature end"):
        photo.restore_file(source, output, mask)
    top = slice(0, int(90 * keep) - 24)
    expected = np.asarray(Image.open(BytesIO(whole)))
    known = mask[top] == 0
    np.testing.assert_array_equal(np.asarray(Image.open(output))[top][known], expected[top][known])
    with pytest.raises(MaskError):  # of a mask the rest would be left as it is
        open_mask(source)


@pytest.mark.filterwarnings("ignore:.*lacks the source's grey form:inpaint_sdk.MetadataWarning")
def test_a_transparent_colour_becomes_alpha(
    photo: Restorer, image: Pixels, deep: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    grey16 = cv2.imencode(".png", deep[..., 0])[1].tobytes()
    for data, colour in (
        (saved(Image.fromarray(image), "PNG", transparency=tuple(map(int, image[5, 5]))), image),
        (saved(Image.fromarray(image[..., 0]), "PNG", transparency=int(image[5, 5, 0])), image),
        (with_chunk(grey16, b"tRNS", struct.pack(">H", int(deep[5, 5, 0]))), deep),
    ):
        (tmp_path / "in.png").write_bytes(data)
        photo.restore_file(tmp_path / "in.png", tmp_path / "out.png", mask)
        found = read_image_file(tmp_path / "out.png").pixels
        assert found[5, 5, -1] == 0
        assert found[..., -1].max() == np.iinfo(colour.dtype).max


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (b"gAMA", struct.pack(">I", 100_000)),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)),
        (b"cICP", bytes([9, 16, 0, 1])),
        (b"prVt", b"a private chunk"),
    ],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_how_a_png_is_shown_stays(
    kind: bytes,
    body: bytes,
    dtype: type,
    photo: Restorer,
    deep: Pixels,
    mask: Pixels,
    tmp_path: Path,
) -> None:
    pixels = deep if dtype == np.uint16 else (deep >> 8).astype(np.uint8)
    source, output = tmp_path / "in.png", tmp_path / "out.png"
    source.write_bytes(with_chunk(cv2.imencode(".png", pixels)[1].tobytes(), kind, body))
    photo.restore_file(source, output, mask)
    assert kind in chunks(output.read_bytes())
    assert body in output.read_bytes()
    if dtype == np.uint8:
        with pytest.warns(MetadataWarning, match=kind.decode()):
            photo.restore_file(source, tmp_path / "out.jpg", mask)


def test_chunks_that_depend_on_the_pixels_are_named(
    photo: Restorer, image: Pixels, mask: Pixels
) -> None:
    data = with_chunk(saved(Image.fromarray(image), "PNG"), b"prVT", b"unsafe to copy")
    with pytest.warns(MetadataWarning, match="prVT"):
        assert b"prVT" not in chunks(photo(data, mask))


def with_profile(data: bytes) -> bytes:
    """A BMP of 24 bits with a header of version 5 and a profile behind its pixels."""
    pixels, size = data[54:], 124
    header = struct.pack("<I", size) + data[18:54] + struct.pack("<4I", 0, 0, 0, 0) + b"DEBM"
    header += bytes(48) + struct.pack("<4I", 4, size + len(pixels), len(PROFILE), 0)
    start = struct.pack("<2sIII", b"BM", 14 + size + len(pixels) + len(PROFILE), 0, 14 + size)
    return start + header + pixels + PROFILE


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_a_bmps_profile_is_read(
    photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    """PIL does not."""
    smooth = np.ascontiguousarray(image[:, :128])
    (tmp_path / "in.bmp").write_bytes(with_profile(saved(Image.fromarray(smooth), "BMP")))
    photo.restore_file(tmp_path / "in.bmp", tmp_path / "out.png", mask[:, :128])
    assert read_image_file(tmp_path / "out.png").metadata.icc == PROFILE
    with pytest.warns(MetadataWarning, match="lacks the source's icc$"):
        photo.restore_file(tmp_path / "in.bmp", tmp_path / "out.bmp", mask[:, :128])


def boxed_profile(data: bytes) -> bytes:
    """A JPEG 2000 whose colours are told by a profile in place of a number."""
    at = data.index(b"colr") - 4
    (length,) = struct.unpack_from(">I", data, at)
    box = b"colr\2\0\0" + PROFILE
    more = 4 + len(box) - length
    (header,) = struct.unpack_from(">I", data, data.index(b"jp2h") - 4)
    data = data[:at] + struct.pack(">I", 4 + len(box)) + box + data[at + length :]
    start = data.index(b"jp2h") - 4
    return data[:start] + struct.pack(">I", header + more) + data[start + 4 :]


def test_what_other_formats_hold_and_results_do_not_is_named(
    photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    picture = Image.fromarray(image)
    webp = saved(picture, "WEBP", lossless=True, icc_profile=PROFILE)
    webp += b"ownX" + struct.pack("<I", 3) + b"abc\0"
    forms = {
        "in.webp": (webp, "ownX"),
        "behind.webp": (webp[:-12] + b"PK and more", "data behind the picture"),
        "in.ico": (saved(picture, "ICO", sizes=[(16, 16), (128, 88)]), "further pictures"),
        "in.jp2": (boxed_profile(saved(picture, "JPEG2000")), "colour profile"),
    }
    for name, (data, lost) in forms.items():
        (tmp_path / name).write_bytes(data)
        given = np.resize(mask, read_image_file(data).pixels.shape[:2])
        with pytest.warns(MetadataWarning, match=f"lacks the source's .*{lost}"):
            photo.restore_file(tmp_path / name, tmp_path / "out.webp", given)


@pytest.mark.parametrize("bits", [2, 4])
def test_grey_of_few_bits_is_told(bits: int, photo: Restorer, tmp_path: Path) -> None:
    rows = bytes(5) * 3  # each a filter's number, and 4 bytes
    size = struct.pack(">IIBBBBB", 32 // bits, 3, bits, 0, 0, 0, 0)
    body = ((b"IHDR", size), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n"
    for kind, held in body:
        data += struct.pack(">I", len(held)) + kind + held
        data += struct.pack(">I", zlib.crc32(kind + held))
    (tmp_path / "in.png").write_bytes(data)
    mask = np.full((3, 32 // bits), 255, np.uint8)
    mask[:, :2] = 0
    with pytest.warns(MetadataWarning, match=f"lacks the source's {bits}-bit form"):
        photo.restore_file(tmp_path / "in.png", tmp_path / "out.jpg", mask)


def test_masks_of_paint_programs(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    expected = photo(image, mask)
    opaque = np.dstack([mask, mask, mask, np.full_like(mask, 255)])
    for pixels in (opaque, opaque[..., (0, 3)]):
        picture = Image.fromarray(np.ascontiguousarray(pixels))
        for given in (picture, saved(picture, "PNG")):
            np.testing.assert_array_equal(photo(image, given), expected)
    for picture in (Image.fromarray(mask).convert("1"), Image.fromarray(mask).convert("P")):
        for given in (picture, saved(picture, "PNG")):
            np.testing.assert_array_equal(photo(image, given), expected)
    deep = cv2.imencode(".png", mask.astype(np.uint16))[1].tobytes()  # 255 of 65535
    np.testing.assert_array_equal(photo(image, deep), expected)
    opaque[3, 3, 3] = 254
    for given in (Image.fromarray(opaque), saved(Image.fromarray(opaque), "PNG")):
        with pytest.raises(MaskError, match="alpha channel"):
            photo(image, given)
    with pytest.raises(MaskError, match=r"cv2.IMREAD_GRAYSCALE, or take mask.max\(axis=2\)"):
        photo(image, opaque[..., :3])
    for empty in (np.zeros((0, 3), np.uint8), np.zeros((3, 0, 1), bool)):
        with pytest.raises(MaskError, match="no pixels"):
            open_mask(empty)


def test_limits_of_formats_are_told_before_the_work(photo: Restorer, tmp_path: Path) -> None:
    Image.new("L", (70_000, 2)).save(tmp_path / "wide.png")
    for name in ("out.jpg", "out.webp"):
        with pytest.raises(OutputError, match="pixels a side"):
            photo.restore_file(tmp_path / "wide.png", tmp_path / name)
    exif = Image.Exif()
    exif[0x010E] = "long " * 20_000
    Image.new("RGB", (30, 20)).save(tmp_path / "long.png", exif=exif)
    with pytest.raises(OutputError, match="64 KB for EXIF"):
        photo.restore_file(tmp_path / "long.png", tmp_path / "out.jpg")


def test_a_path_gives_what_restore_file_writes(
    photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 8, "a description"
    path = tmp_path / "in.jpg"
    Image.fromarray(np.rot90(image, -1).copy()).save(path, exif=exif, icc_profile=profile)
    photo.restore_file(path, tmp_path / "out.png", mask)
    for given in (path, Image.open(path)):
        result = photo(given, mask)
        np.testing.assert_array_equal(
            np.asarray(result), np.asarray(Image.open(tmp_path / "out.png"))
        )
        assert result.info["icc_profile"] == profile
        assert result.getexif()[0x0112] == 1
        assert result.getexif()[0x010E] == "a description"


def test_reading_survives_a_fork(image: Pixels, deep: Pixels) -> None:
    """libvips' pool of threads would not."""
    kinds = ["JPEG", "PNG", "TIFF", *["AVIF"] * features.check("avif")]
    files = [saved(Image.fromarray(image), kind) for kind in kinds]
    files.append(cv2.imencode(".png", deep)[1].tobytes())
    threads = Path("/proc/self/task")
    if not threads.is_dir():
        pytest.skip("threads are counted in /proc/self/task, which is not there")
    open_image(files[0], "rgb")
    before = set(threads.iterdir())
    for data in files:
        open_image(data, "rgb")
    assert set(threads.iterdir()) <= before


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_scanners_infrared_is_no_alpha(dtype: type, deep: Pixels, tmp_path: Path) -> None:
    """A fourth channel of no known meaning."""
    pixels = (deep >> 8 if dtype == np.uint8 else deep).astype(dtype)
    options = {"photometric": "rgb", "extrasamples": ["unspecified"], "metadata": None}
    tifffile.imwrite(tmp_path / "in.tif", np.dstack([pixels, pixels[..., 0]]), **options)
    file = read_image_file(tmp_path / "in.tif")
    np.testing.assert_array_equal(file.pixels, pixels)
    assert file.metadata.dropped == ("further channels",)


@pytest.mark.parametrize("orientation", [1, 5, 6, 7, 8])
@pytest.mark.parametrize("order", ["<", ">"])
def test_big_tiffs_have_pages_and_tags(
    orientation: int, order: str, photo: Restorer, deep: Pixels, tmp_path: Path
) -> None:
    name = "José".encode("latin-1") + b"\0"
    extra = [(274, 3, 1, orientation, True), (315, 2, len(name), name, True)]
    options = {"photometric": "rgb", "metadata": None, "extratags": extra}
    with tifffile.TiffWriter(tmp_path / "in.tif", bigtiff=True, byteorder=order) as file:
        file.write(deep[::4, ::4].copy(), subfiletype=1, **options)
        file.write(deep, **options)
    expected = orient_array(deep, orientation)
    mask = np.zeros(expected.shape[:2], np.uint8)
    mask[20:24, 30:40] = 255
    with pytest.warns(MetadataWarning, match="further pictures"):
        photo.restore_file(tmp_path / "in.tif", tmp_path / "out.tif", mask)
    found = read_image_file(tmp_path / "out.tif")
    np.testing.assert_array_equal(found.pixels[mask == 0], expected[mask == 0])
    assert name in found.metadata.exif
    with tifffile.TiffWriter(tmp_path / "in.tif", bigtiff=True, byteorder=order) as file:
        file.write(deep, **options)
        file.write(deep, **options)
    with pytest.raises(ImageError, match="holds 2 pictures"):
        read_image_file(tmp_path / "in.tif")


def test_a_progressive_jpeg_that_is_cut_anywhere(image: Pixels) -> None:
    """In the tables of a scan too, where a decoder finds no whole picture."""
    whole = saved(Image.fromarray(image), "JPEG", quality=90, progressive=True)
    first = whole.index(b"\xff\xda", whole.index(b"\xff\xda") + 2)
    starts = [at for at in range(first, len(whole)) if whole[at : at + 2] == b"\xff\xda"]
    for start in starts:
        for cut in (start - 3, start + 1, start + 5, start + 9, start + 20):
            with pytest.warns(MetadataWarning, match="what can be read is taken"):
                found = read_image_file(whole[:cut])
            assert found.pixels.shape == image.shape


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"cannot read .*: Is a directory$"):
        read_image_file(tmp_path)


def test_a_damaged_profile_is_named(image: Pixels) -> None:
    data = with_chunk(saved(Image.fromarray(image), "PNG"), b"iCCP", b"bad\0\0not deflated")
    assert read_image_file(data).metadata.dropped == ("damaged colour profile",)


def test_what_pil_reads_with_fewer_bits_is_told(image: Pixels, deep: Pixels) -> None:
    header = b"P6\n%d %d\n" % deep.shape[1::-1]
    ppm = header + b"65535\n" + deep.astype(">u2").tobytes()
    jp2 = cv2.imencode(".jp2", deep)[1].tobytes()
    for data in (ppm, jp2):
        file = read_image_file(data)
        assert "16 bits a channel (8 are read)" in file.metadata.dropped
    ppm = header + b"255\n" + image.tobytes()
    for data in (ppm, saved(Image.fromarray(image), "JPEG2000")):
        assert "channel" not in str(read_image_file(data).metadata.dropped)
    np.testing.assert_array_equal(read_image_file(ppm).pixels, image)


def test_no_other_program_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As Ghostscript would be for PostScript, whatever the file is called."""
    path = tmp_path / "in.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    monkeypatch.setattr("subprocess.check_call", lambda *_, **__: pytest.fail("a program was run"))
    with pytest.raises(ImageError, match="not a picture in a known format"):
        read_image_file(path)
