from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inpaint_sdk import OutputError
from inpaint_sdk.files import save_picture


def picture(mode: str = "RGB") -> Image.Image:
    values = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".bmp"])
def test_lossless_formats_keep_every_pixel(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"out{suffix}"
    save_picture(picture(), path)
    np.testing.assert_array_equal(np.asarray(Image.open(path)), np.asarray(picture()))


def test_nothing_but_the_picture_is_left(tmp_path: Path) -> None:
    save_picture(picture(), tmp_path / "out.png")
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]
    assert (tmp_path / "out.png").stat().st_mode & 0o044, "others cannot read the result"


def test_colour_profile_and_exif_are_kept(tmp_path: Path) -> None:
    tagged = picture()
    exif = Image.Exif()
    exif[0x010E] = "a description"
    tagged.info.update(icc_profile=b"profile", exif=exif.tobytes())
    save_picture(tagged, tmp_path / "out.png")
    written = Image.open(tmp_path / "out.png")
    assert written.info["icc_profile"] == b"profile"
    assert written.getexif()[0x010E] == "a description"


@pytest.mark.parametrize(
    ("name", "mode", "message"),
    [
        ("out.xyz", "RGB", "no picture format has the suffix '.xyz'"),
        ("out", "RGB", "no picture format"),
        ("out.jpg", "RGBA", "JPEG has no alpha"),
        ("none/out.png", "RGB", "cannot write in"),
    ],
)
def test_outputs_that_are_refused(tmp_path: Path, name: str, mode: str, message: str) -> None:
    with pytest.raises(OutputError, match=message):
        save_picture(picture(mode), tmp_path / name)
    assert not list(tmp_path.rglob("*"))


def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"old")

    def fail(self: Image.Image, file: object, **options: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError("no space left")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OutputError, match="no space left"):
        save_picture(picture(), path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]
