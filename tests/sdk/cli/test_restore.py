from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import inpaint_sdk.cli.folder as folder_command
from inpaint_sdk import Restorer
from inpaint_sdk.images.decoding import ImageFile

Pixels = NDArray[np.uint8]
Run = Callable[..., Result]


@pytest.fixture
def files(tmp_path: Path, image: Pixels, mask: Pixels) -> Path:
    cv2.imwrite(str(tmp_path / "image.png"), image)
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    return tmp_path


@pytest.fixture
def folders(tmp_path: Path, image: Pixels, mask: Pixels) -> Path:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for name in ("a", "b", "c"):
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), image)
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.bmp"), mask)
    return tmp_path


def test_restores_a_picture(run: Run, files: Path, image: Pixels, mask: Pixels) -> None:
    output = files / "out.png"
    result = run("restore", files / "image.png", "--mask", files / "mask.png", "-o", output)
    assert result.exit_code == 0, result.output
    restored = cv2.imread(str(output))
    np.testing.assert_array_equal(restored[mask == 0], image[mask == 0])
    assert (restored[mask > 0] != image[mask > 0]).any()


@pytest.mark.parametrize("source", ["image.png", "mask.png"])
def test_an_input_is_replaced_only_when_told(run: Run, files: Path, source: str) -> None:
    before = (files / source).read_bytes()
    command = ("restore", files / "image.png", "--mask", files / "mask.png", "-o", files / source)
    result = run(*command)
    assert result.exit_code == 1
    assert "is an input" in result.output
    assert (files / source).read_bytes() == before
    assert run(*command, "--overwrite-input").exit_code == 0
    assert (files / source).read_bytes() != before


def test_an_input_behind_a_link_is_still_an_input(run: Run, files: Path) -> None:
    (files / "link.png").symlink_to(files / "image.png")
    image, mask = files / "image.png", files / "mask.png"
    assert run("restore", image, "--mask", mask, "-o", files / "link.png").exit_code == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image": "none.png"}, "no file"),
        ({"mask": "none.png"}, "no file"),
        ({"-o": "none/out.png"}, "no folder"),
        ({"-o": "out.xyz"}, "no picture format"),
        ({"--model": "none"}, "no model 'none'"),
        ({"--backend": "none"}, "no backend 'none'"),
    ],
)
def test_what_is_refused(
    run: Run, files: Path, options: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    given = {"image": "image.png", "mask": "mask.png", "-o": "out.png", **options}
    image, mask = given.pop("image"), given.pop("mask")
    result = run("restore", image, "--mask", mask, *(part for o in given.items() for part in o))
    assert result.exit_code == 1
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (files / "out.png").exists()


def test_restores_a_folder(run: Run, folders: Path) -> None:
    output = folders / "out" / "deep"
    result = run("restore", folders / "images", "--mask", folders / "masks", "-o", output)
    assert result.exit_code == 0, result.output
    assert sorted(p.name for p in output.iterdir()) == ["a.png", "b.png", "c.png"]


def test_a_bad_file_in_a_folder_is_reported_and_skipped(run: Run, folders: Path) -> None:
    (folders / "images" / "b.png").write_bytes(b"damaged")
    (folders / "masks" / "c.bmp").unlink()
    output = folders / "out"
    result = run("restore", folders / "images", "--mask", folders / "masks", "-o", output)
    assert result.exit_code == 1
    assert "b.png is not a picture" in result.output
    assert "no mask named c" in result.output
    assert "2 of the pictures" in result.output
    assert [p.name for p in output.iterdir()] == ["a.png"]


def test_an_interrupted_folder_goes_on(run: Run, folders: Path) -> None:
    output = folders / "out"
    command = ("restore", folders / "images", "--mask", folders / "masks", "-o", output)
    assert "restored 3, finished before 0, failed 0" in run(*command).output
    (output / "b.png").unlink()
    before = {p.name: p.stat().st_mtime_ns for p in output.iterdir()}
    assert "restored 1, finished before 2, failed 0" in run(*command).output
    after = {p.name: p.stat().st_mtime_ns for p in output.iterdir()}
    assert sorted(after) == ["a.png", "b.png", "c.png"]
    assert before.items() <= after.items(), "a finished picture was written again"
    assert "restored 3, finished before 0" in run(*command, "--force").output


def test_a_picture_that_changed_is_not_finished(run: Run, folders: Path) -> None:
    command = ("restore", folders / "images", "--mask", folders / "masks", "-o", folders / "out")
    run(*command)
    for changed in (folders / "images" / "a.png", folders / "masks" / "c.bmp"):
        os.utime(changed, (time.time() + 100,) * 2)
    assert "restored 2, finished before 1" in run(*command).output


def test_what_a_format_cannot_hold_is_said(run: Run, files: Path, image: Pixels) -> None:
    cv2.imwrite(str(files / "deep.png"), image.astype(np.uint16) * 257)
    command = ("restore", files / "deep.png", "--mask", files / "mask.png", "-o")
    result = run(*command, files / "out.jpg")
    assert result.exit_code == 1
    assert "8 bits a channel; write a PNG or TIFF" in result.output
    assert run(*command, files / "out.png").exit_code == 0
    assert cv2.imread(str(files / "out.png"), cv2.IMREAD_UNCHANGED).dtype == np.uint16

    Image.fromarray(image).save(files / "titled.png", pnginfo=titled())
    result = run(
        "restore", files / "titled.png", "--mask", files / "mask.png", "-o", files / "o.jpg"
    )
    assert result.exit_code == 0
    assert "warning: " in result.output
    assert "the result lacks the source's text" in result.output


def titled() -> PngInfo:
    info = PngInfo()
    info.add_text("Title", "a title")
    return info


def test_what_is_found_can_be_added_to_a_mask(
    run: Run,
    folder: Path,
    detector_file: Path,
    finder: Restorer,
    image: Pixels,
    mask: Pixels,
) -> None:
    own = np.zeros_like(mask)
    own[60:70, 10:20] = 255
    masks = folder.parent / "masks"
    masks.mkdir()
    for name in ("damaged", "clean"):
        cv2.imwrite(str(masks / f"{name}.png"), own)
    options = ("--detector", detector_file, "--detect", "add")
    source, output = folder / "damaged.png", folder.parent / "out.png"
    result = run("restore", source, "--mask", masks / "damaged.png", *options, "-o", output)
    assert "detect (magenta); inpaint (photo)" in result.output
    damaged = cv2.imread(str(source))
    expected = finder(damaged, own | finder.detect(damaged).widened_mask)
    np.testing.assert_array_equal(cv2.imread(str(output)), expected)

    result = run("restore", folder, "--mask", masks, *options, "-o", folder.parent / "all")
    assert "pictures without damage: 1" in result.output
    all_ = {p.stem: cv2.imread(str(p)) for p in (folder.parent / "all").iterdir()}
    np.testing.assert_array_equal(all_["damaged"], expected)
    np.testing.assert_array_equal(all_["clean"], finder(image, own))


def test_adding_to_a_folder_needs_a_model_that_inpaints(run: Run, folders: Path) -> None:
    command = ("restore", folders / "images", "--mask", folders / "masks", "--detect", "add")
    result = run(*command, "--model", "clean", "-o", folders / "out")
    assert result.exit_code == 1
    assert result.output.count("sees damage by itself") == 1
    assert "skipped" not in result.output


def test_an_error_of_another_kind_does_not_end_a_folder(
    run: Run, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = folder_command.write_image_file

    def fail(path: Path, picture: ImageFile) -> None:
        if path.stem == "b":
            raise MemoryError("too large")
        write(path, picture)

    monkeypatch.setattr(folder_command, "write_image_file", fail)
    output = folders / "out"
    result = run("restore", folders / "images", "--mask", folders / "masks", "-o", output)
    assert result.exit_code == 1
    assert "b.png: MemoryError: too large" in result.output
    assert "restored 2, finished before 0, failed 1" in result.output


def test_a_folder_with_a_kind_that_nothing_finds_is_refused_at_once(
    run: Run, folders: Path, detector_file: Path
) -> None:
    output = folders / "out"
    command = ("restore", folders / "images", "--detector", detector_file, "-o", output)
    result = run(*command, "--kinds", "overlay")
    assert result.exit_code == 1
    assert result.output.count("finds damage") == 1
    assert "skipped" not in result.output


def test_a_folder_onto_itself_is_refused(run: Run, folders: Path) -> None:
    before = (folders / "images" / "a.png").read_bytes()
    images = folders / "images"
    result = run("restore", images, "--mask", folders / "masks", "-o", images)
    assert result.exit_code == 2
    assert (images / "a.png").read_bytes() == before


def test_one_mask_serves_a_folder(run: Run, folders: Path) -> None:
    mask = folders / "masks" / "a.bmp"
    command = ("restore", folders / "images", "-o")
    assert run(*command, folders / "one", "--mask", mask).exit_code == 0
    assert run(*command, folders / "each", "--mask", folders / "masks").exit_code == 0
    for name in ("a.png", "b.png", "c.png"):
        one, each = (folders / where / name for where in ("one", "each"))
        assert one.read_bytes() == each.read_bytes()
    result = run(*command, folders / "none", "--mask", folders / "no-such-mask.png")
    assert result.exit_code == 1
    assert "no file or folder" in result.output


def test_masks_are_found_whatever_the_case_of_their_names(run: Run, folders: Path) -> None:
    (folders / "masks" / "a.bmp").rename(folders / "masks" / "A.BMP")
    (folders / "masks" / "C.bmp").write_bytes(b"another, whose name fits less")
    (folders / "masks" / "._b.bmp").write_bytes(b"left by another system")
    command = ("restore", folders / "images", "--mask", folders / "masks", "-o", folders / "out")
    result = run(*command)
    assert result.exit_code == 0, result.output


def test_a_folder_passes_over_what_is_no_picture(run: Run, folders: Path, image: Pixels) -> None:
    images = folders / "images"
    Image.fromarray(image).save(images / "d.jfif", format="JPEG")
    Image.fromarray(image).save(images / "e.JPE", format="JPEG")
    Image.fromarray(image).save(images / "f.ppm")
    (images / "._a.png").write_bytes(b"\0\5\x16\7 of another system")
    (images / ".b.x1y2z3.png").write_bytes(b"")
    (images / "notes.txt").write_text("not a picture")
    (images / "folder.png").mkdir()
    os.mkfifo(images / "pipe.png")  # reading it would wait for a writer
    result = run("restore", images, "--mask", folders / "masks" / "a.bmp", "-o", folders / "out")
    assert result.exit_code == 0, result.output
    names = ["a.png", "b.png", "c.png", "d.jfif", "e.JPE"]
    assert sorted(p.name for p in (folders / "out").iterdir()) == names
    assert "passed over 2 hidden files" in result.output
    assert "passed over 4 that are not pictures" in result.output
    assert "f.ppm, folder.png, notes.txt, pipe.png" in result.output


def test_a_folder_of_which_nothing_comes_out(run: Run, folders: Path) -> None:
    command = ("restore", folders / "images", "--mask", folders / "masks", "-o", folders / "out")
    for name in ("a", "b", "c"):
        (folders / "images" / f"{name}.png").write_bytes(b"damaged")
    assert run(*command).exit_code == 2
    for path in (folders / "images").iterdir():
        path.unlink()
    result = run(*command)
    assert result.exit_code == 2
    assert "there are no pictures" in result.output


def test_a_page_of_a_tiff(run: Run, files: Path, image: Pixels) -> None:
    first, second = Image.fromarray(image), Image.fromarray(255 - image)
    first.save(files / "two.tif", save_all=True, append_images=[second])
    command = ("restore", files / "two.tif", "--mask", files / "mask.png", "-o", files / "out.png")
    result = run(*command)
    assert result.exit_code == 1
    assert "holds 2 pictures; name one by its page" in result.output
    result = run(*command, "--page", 2)
    assert result.exit_code == 0, result.output
    assert "further pictures" in result.output
    mask = cv2.imread(str(files / "mask.png"), 0)
    found = np.asarray(Image.open(files / "out.png"))
    np.testing.assert_array_equal(found[mask == 0], (255 - image)[mask == 0])
    assert "has no page 3" in run(*command, "--page", 3).output


def test_models_and_doctor(run: Run) -> None:
    assert "photo" in run("models").output
    result = run("doctor")
    assert result.exit_code == 0
    assert "backend onnxruntime-cpu" in result.output
