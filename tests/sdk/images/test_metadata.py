"""Metadata keeps its bytes; only an orientation changes, in every place that tells of one."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import MetadataWarning, Restorer
from inpaint_sdk.images.decoding import read_image_file
from inpaint_sdk.images.ifd import read_directories
from inpaint_sdk.images.metadata import jpeg_parts, upright_exif, upright_xmp

Pixels = NDArray[Any]
Entry = tuple[int, int, int, bytes]

XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6" tiff:Make="caf\xc3\xa9"/>'
    b"</rdf:RDF></x:xmpmeta>          <?xpacket end='w'?>"
)


def shorts(*values: int, order: str = "<") -> bytes:
    return struct.pack(f"{order}{len(values)}H", *values)


def directory(entries: list[Entry], at: int, order: str) -> bytes:
    entries = sorted(entries)
    head, tail = struct.pack(f"{order}H", len(entries)), b""
    end = at + 2 + 12 * len(entries) + 4
    for tag, kind, count, data in entries:
        value = data.ljust(4, b"\0")
        if len(data) > 4:
            value = struct.pack(f"{order}I", end + len(tail))
            tail += data + b"\0" * (len(data) % 2)
        head += struct.pack(f"{order}HHI", tag, kind, count) + value
    return head + bytes(4) + tail


def exif(*main: Entry, sub: list[Entry] | None = None, order: str = "<") -> bytes:
    """An EXIF block with a directory of camera settings if there are any."""
    entries = list(main)
    if sub is not None:
        places = [*entries, (0x8769, 4, 1, bytes(4))]
        at = 8 + len(directory(places, 8, order))
        entries.append((0x8769, 4, 1, struct.pack(f"{order}I", at)))
    block = directory(entries, 8, order)
    block += directory(sub, 8 + len(block), order) if sub is not None else b""
    mark = b"II" if order == "<" else b"MM"
    return mark + struct.pack(f"{order}HI", 42, 8) + block


def jpeg(pixels: Pixels, *segments: tuple[int, bytes]) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    parts = (
        b"\xff" + bytes([kind]) + struct.pack(">H", len(data) + 2) + data for kind, data in segments
    )
    return file.getvalue()[:2] + b"".join(parts) + file.getvalue()[2:]


def png(pixels: Pixels, *chunks: tuple[bytes, bytes]) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return file.getvalue()[:33] + b"".join(parts) + file.getvalue()[33:]


ODD = {
    "text for a number": [(256, 2, 4, b"640\0")],
    "resolution as text": [(282, 2, 3, b"72\0"), (283, 2, 3, b"72\0"), (296, 3, 1, shorts(2))],
    "a unit as a fraction": [(296, 5, 1, struct.pack("<II", 2, 1))],
    "an unknown type": [(0x9999, 77, 3, b"abc\0")],
}


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("output", ["out.jpg", "out.png", "out.webp"])
def test_exif_keeps_its_bytes(
    odd: str, orientation: int, output: str, photo: Restorer, image: Pixels, tmp_path: Path
) -> None:
    names = "© 2020 José Núñez".encode("latin-1") + b"\0"
    block = exif(
        (274, 3, 1, shorts(orientation)),
        (315, 2, len(names), names),
        *ODD[odd],
        sub=[(0x927C, 7, 9, b"maker\0\1\2\3"), (0xA005, 2, 4, b"R98\0")],
    )
    source = tmp_path / "in.jpg"
    source.write_bytes(jpeg(image, (0xE1, b"Exif\0\0" + block)))
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[20:30, 40:60] = 255
    photo.restore_file(source, tmp_path / output, mask if orientation == 1 else np.rot90(mask, -1))
    at = upright_place(block)
    expected = block[:at] + b"\1" + block[at + 1 :]
    assert expected in (tmp_path / output).read_bytes()
    assert (expected == block) == (orientation == 1)


def upright_place(block: bytes) -> int:
    return block.index(struct.pack("<HHI", 274, 3, 1)) + 8


@pytest.mark.parametrize("order", ["<", ">"])
def test_one_byte_of_exif_changes(order: str) -> None:
    block = exif((274, 3, 1, shorts(8, order=order)), (270, 2, 5, b"text\0"), order=order)
    found, turn = upright_exif(block)
    assert turn == 8
    assert [a for a, b in zip(block, found, strict=True) if a != b] == [8]
    assert upright_exif(found) == (found, 1)


@pytest.mark.parametrize(
    "block", [b"", b"II*\0", b"XX*\0\x08\0\0\0", exif((270, 2, 5, b"text\0")), exif() + b"\xff" * 9]
)
def test_exif_that_tells_of_none(block: bytes) -> None:
    assert upright_exif(block) == (block, 0)


def test_xmp_keeps_its_length() -> None:
    found, turn = upright_xmp(XMP)
    assert (turn, len(found)) == (6, len(XMP))
    assert found == XMP.replace(b'tiff:Orientation="6"', b" " * 20)
    element = b"<a><tiff:Orientation> 3 </tiff:Orientation></a>"
    assert upright_xmp(element) == (b"<a>" + b" " * (len(element) - 7) + b"</a>", 3)
    upright = XMP.replace(b'"6"', b"'1'")
    assert upright_xmp(upright) == (upright, 1)


@pytest.mark.parametrize("output", ["out.jpg", "out.png", "out.tif", "out.webp"])
def test_xmp_tells_of_the_orientation_too(
    output: str, photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    turned = np.rot90(image).copy()
    (tmp_path / "in.png").write_bytes(png(turned, (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP)))
    photo.restore_file(tmp_path / "in.png", tmp_path / output, mask)
    assert upright_xmp(XMP)[0] in (tmp_path / output).read_bytes()
    if output != "out.jpg":
        found = read_image_file(tmp_path / output).pixels
        np.testing.assert_array_equal(found[mask == 0], image[mask == 0])


@pytest.mark.parametrize("where", ["both", "tag", "xmp"])
def test_a_deep_tiff_is_turned_once(
    where: str, photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    deep = np.rot90(image).astype(np.uint16) * 257
    extra = [(700, 1, len(XMP), XMP, True)] * (where != "tag")
    extra += [(274, 3, 1, 6, True)] * (where != "xmp")
    options = {"photometric": "rgb", "metadata": None}
    tifffile.imwrite(tmp_path / "in.tif", deep, extratags=extra, **options)
    for name in ("out.tif", "out.png"):
        photo.restore_file(tmp_path / "in.tif", tmp_path / name, mask)
        assert b"tiff:Orientation" not in (tmp_path / name).read_bytes()
        with Image.open(tmp_path / name) as picture:
            assert picture.size == (130, 90)
            assert picture.getexif().get(274, 1) == 1


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt"])
def test_a_raw_profile_is_turned_too(
    kind: bytes, photo: Restorer, image: Pixels, mask: Pixels
) -> None:
    """As ImageMagick writes EXIF; what it holds stays, byte for byte."""
    block = exif((274, 3, 1, shorts(6)), (270, 2, 5, b"text\0"))
    digits = (b"Exif\0\0" + block).hex().encode()
    lines = b"\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = b"\nexif\n%8d\n%b\n" % (len(block) + 6, lines)
    body = b"Raw profile type exif\0" + (text if kind == b"tEXt" else b"\0" + zlib.compress(text))
    result = photo(png(np.rot90(image).copy(), (kind, body)), mask)
    with Image.open(BytesIO(result)) as picture:
        assert picture.size == (130, 90)
        assert picture.getexif()[274] == 1
        assert picture.getexif()[270] == "text"
        np.testing.assert_array_equal(np.asarray(picture)[mask == 0], image[mask == 0])
    assert upright_exif(block)[0] in result


@pytest.mark.parametrize("kind", ["xmp", "raw profile"])
def test_a_pil_image_tells_of_no_orientation_afterwards(
    kind: str, photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    """Its texts would turn it once more."""
    block = b"Exif\0\0" + exif((274, 3, 1, shorts(6)), (270, 2, 5, b"text\0"))
    text = b"Raw profile type exif\0\nexif\n%8d\n%b\n" % (len(block), block.hex().encode())
    chunk = (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP) if kind == "xmp" else (b"tEXt", text)
    (tmp_path / "in.png").write_bytes(png(np.rot90(image).copy(), chunk))
    for given in (tmp_path / "in.png", Image.open(tmp_path / "in.png")):
        result = photo(given, mask)
        np.testing.assert_array_equal(np.asarray(result)[mask == 0], image[mask == 0])
        assert result.getexif().get(274, 1) == 1
        if kind == "xmp":
            assert result.info["xmp"] == upright_xmp(XMP)[0]
        else:
            assert result.getexif()[270] == "text"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_keeps_its_tags(
    dtype: type, photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    name = "© José".encode() + b"\0"
    iptc = b"\x1c\x02\x78\0\x07caption"
    extra = [
        (33432, 2, len(name), name, True),
        (33723, 7, len(iptc), iptc, True),
        (33550, 12, 3, (1.5, 2.5, 0.0), True),  # GeoTIFF
        (50000, 1, 3, b"own", True),
        (318, 5, 2, (3127, 10000, 329, 1000), True),  # white point
    ]
    pixels = image.astype(dtype) * (257 if dtype == np.uint16 else 1)
    options = {"photometric": "rgb", "metadata": None, "resolution": (300, 300)}
    tifffile.imwrite(tmp_path / "in.tif", pixels, extratags=extra, **options)
    photo.restore_file(tmp_path / "in.tif", tmp_path / "out.tif", mask)
    before, after = (
        next(read_directories((tmp_path / name).read_bytes())) for name in ("in.tif", "out.tif")
    )
    for tag in (33432, 33723, 33550, 50000, 318, 282, 283, 296):
        assert after[tag].data == before[tag].data, tag
        assert after[tag].kind == before[tag].kind, tag


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_goes_into_a_tiff_and_back(
    order: str, photo: Restorer, image: Pixels, mask: Pixels, tmp_path: Path
) -> None:
    maker = b"maker\0\1\2\3"
    block = exif(
        (270, 2, 5, b"text\0"),
        (282, 5, 1, struct.pack(f"{order}II", 300, 1)),
        sub=[(0x927C, 7, 9, maker), (0x829A, 5, 1, struct.pack(f"{order}II", 1, 200))],
        order=order,
    )
    (tmp_path / "in.jpg").write_bytes(jpeg(image, (0xE1, b"Exif\0\0" + block)))
    photo.restore_file(tmp_path / "in.jpg", tmp_path / "out.tif", mask)
    photo.restore_file(tmp_path / "out.tif", tmp_path / "out.jpg", mask)
    for name in ("out.tif", "out.jpg"):
        with Image.open(tmp_path / name) as written:
            tags = written.getexif()
            assert tags[270] == "text"
            assert tags[282] == 300
            assert tags.get_ifd(0x8769)[0x927C] == maker
            assert tags.get_ifd(0x8769)[0x829A] == pytest.approx(1 / 200)


def test_a_jpeg_keeps_its_segments(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    segments = [
        (0xE1, b"http://ns.adobe.com/xmp/extension/\0extended"),
        (0xE5, b"a maker's own"),
        (0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x08caption!"),
        (0xFE, b"a comment \xe9"),
    ]
    result = photo(jpeg(image, *segments), mask)
    kept = [(part[0], part[1:]) for part in jpeg_parts(result)[0]]
    assert [segment for segment in kept if segment[0] != 0xE0] == segments


def test_what_is_behind_a_jpeg_is_named(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    """Like the film of a motion photo."""
    with pytest.warns(MetadataWarning, match="data behind the picture"):
        photo(jpeg(image) + b"ftypmp42 and more", mask)
    with pytest.warns(MetadataWarning, match="further pictures"):
        photo(jpeg(image, (0xE2, b"MPF\0of two pictures")) + jpeg(image), mask)


def test_what_is_behind_a_png_is_named(photo: Restorer, image: Pixels, mask: Pixels) -> None:
    with pytest.warns(MetadataWarning, match="data behind the picture"):
        photo(png(image) + b"PK and more", mask)


def test_directories_of_damaged_files_end() -> None:
    loop = bytearray(exif((270, 2, 5, b"text\0")))
    loop[8 + 2 + 12 : 8 + 2 + 12 + 4] = struct.pack("<I", 8)
    assert len(list(read_directories(bytes(loop)))) == 1
    nested = exif((0x8769, 4, 1, struct.pack("<I", 8)))
    assert next(read_directories(nested))[0x8769].directory is not None
    greedy = exif(*((300 + n, 1, 1 << 20, bytes(5)) for n in range(100))) + bytes(1 << 20)
    held = sum(len(entry.data) for entry in next(read_directories(greedy)).values())
    assert held <= 2 * len(greedy)


def test_directories_that_overlap_are_not_read_again_and_again() -> None:
    """A thousand, each of 65535 tags, in less than a megabyte."""
    chain = struct.pack("<1000I", *range(12, 4012, 4))
    data = b"II*\0" + struct.pack("<I", 8) + b"\xff" * (2 + 12 * 65535) + chain
    read = read_directories(data)
    assert next(read) == {}
    with pytest.raises(ValueError, match="overlap"):
        list(read)
