from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result
from numpy.typing import NDArray

from inpaint_sdk import Restorer
from support.detector import scratched

Pixels = NDArray[np.uint8]
Run = Callable[..., Result]


def test_a_mask_is_written(run: Run, folder: Path, detector_file: Path, mask: Pixels) -> None:
    output = folder / "mask.png"
    result = run("detect", folder / "damaged.png", "--detector", detector_file, "-o", output)
    assert result.exit_code == 0, result.output
    share = 100 * np.count_nonzero(mask) / mask.size
    assert f"damaged.png: {share:.2f} % of it is damaged" in result.output
    np.testing.assert_array_equal(cv2.imread(str(output), cv2.IMREAD_UNCHANGED), mask)


def test_the_mask_is_what_restore_takes(run: Run, folder: Path, detector_file: Path) -> None:
    source, mask = folder / "damaged.png", folder.parent / "mask.png"
    assert run("detect", source, "--detector", detector_file, "-o", mask).exit_code == 0
    command = ("restore", source, "--detector", detector_file, "--dilation", 0)
    for name, options in (("found.png", ()), ("given.png", ("--mask", mask))):
        result = run(*command, *options, "-o", folder / name)
        assert result.exit_code == 0, result.output
    assert (folder / "found.png").read_bytes() == (folder / "given.png").read_bytes()


def test_a_probability_can_be_written(
    run: Run, folder: Path, detector_file: Path, finder: Restorer, image: Pixels
) -> None:
    output = folder / "map.png"
    command = ("detect", folder / "clean.png", "--detector", detector_file, "--probability")
    result = run(*command, "-o", output)
    assert "clean.png: no damage was found" in result.output
    expected = np.rint(finder.detect(image).probability() * 255)
    np.testing.assert_array_equal(cv2.imread(str(output), cv2.IMREAD_UNCHANGED), expected)


def test_a_folder(run: Run, folder: Path, detector_file: Path, mask: Pixels) -> None:
    (folder / "broken.jpg").write_bytes(b"no picture")
    output = folder.parent / "masks"
    result = run("detect", folder, "--detector", detector_file, "-o", output)
    assert result.exit_code == 1
    assert "skipped" in result.output
    assert "1 of the pictures could not be looked at" in result.output
    assert sorted(p.name for p in output.iterdir()) == ["clean.png", "damaged.png"]
    np.testing.assert_array_equal(cv2.imread(str(output / "damaged.png"), 0), mask)
    assert not cv2.imread(str(output / "clean.png"), 0).any()


def test_a_folder_is_restored_without_masks(
    run: Run, folder: Path, detector_file: Path, finder: Restorer, image: Pixels, mask: Pixels
) -> None:
    output = folder.parent / "restored"
    result = run("restore", folder, "--detector", detector_file, "-o", output)
    assert result.exit_code == 0, result.output
    assert "clean.png: no damage was found, the picture is unchanged" in result.output
    assert "restored 2, finished before 0, failed 0" in result.output
    share = 50 * np.count_nonzero(mask) / mask.size
    assert f"{share:.2f} % of the pixels damaged; pictures without damage: 1" in result.output
    np.testing.assert_array_equal(cv2.imread(str(output / "clean.png")), image)
    expected = finder.restore(scratched(image, mask))
    np.testing.assert_array_equal(cv2.imread(str(output / "damaged.png")), expected)


def test_kinds_are_told_apart(
    run: Run, tmp_path: Path, kinds_file: Path, two_kinds: Pixels, mask: Pixels
) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), two_kinds)
    command = ("detect", tmp_path / "a.png", "--detector", kinds_file, "-o", tmp_path / "m.png")
    stripe = np.zeros_like(mask)
    stripe[84:88, 20:90] = 255
    for kinds, expected in (
        ((), mask),
        (("--kinds", "overlay"), stripe),
        (("--kinds", "overlay,scratch"), mask | stripe),
        (("--kinds", "overlay", "--kinds", "scratch"), mask | stripe),
    ):
        assert run(*command, *kinds).exit_code == 0
        np.testing.assert_array_equal(cv2.imread(str(tmp_path / "m.png"), 0), expected)
    result = run(*command, "--kinds", "overlay,scratch")
    assert "% of it is damaged (scratch " in result.output
    assert ", overlay 2.39 %)" in result.output


def test_a_folder_is_counted_by_kind(
    run: Run, folder: Path, kinds_file: Path, two_kinds: Pixels
) -> None:
    cv2.imwrite(str(folder / "both.png"), two_kinds)
    command = ("detect", folder, "--detector", kinds_file, "--kinds", "scratch,overlay")
    result = run(*command, "-o", folder.parent / "masks")
    assert result.exit_code == 0, result.output
    assert "scratch: in 2 of 3 pictures, " in result.output
    assert "overlay: in 1 of 3 pictures, 0.80 % of the pixels" in result.output


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_an_overlay_shows_kinds_in_colour(
    run: Run, tmp_path: Path, kinds_file: Path, two_kinds: Pixels, mask: Pixels, kind: type
) -> None:
    source, output = tmp_path / "a.png", tmp_path / "shown.png"
    cv2.imwrite(str(source), two_kinds.astype(kind) * (np.iinfo(kind).max // 255))
    command = ("detect", source, "--detector", kinds_file, "--overlay", "-o", output)
    result = run(*command, "--kinds", "scratch,overlay")
    assert "colours: scratch is red, overlay is yellow" in result.output
    blue, green, red = np.moveaxis(cv2.imread(str(output)).astype(int), 2, 0)
    assert (red > green + 80)[mask > 0].all()
    assert (green > blue + 80)[84:88, 20:90].all()
    known = (mask == 0) & (two_kinds.max(axis=2) < 250)
    assert (red == green)[known].all()


def test_restore_says_what_was_found(
    run: Run, folder: Path, detector_file: Path, image: Pixels
) -> None:
    output = folder.parent / "out.png"
    command = ("restore", folder / "damaged.png", "--detector", detector_file, "-o", output)
    assert "damaged.png: detect (magenta); inpaint (photo):" in run(*command).output
    command = ("restore", folder / "clean.png", "--detector", detector_file, "-o", output)
    assert "no damage was found, the picture is unchanged" in run(*command).output
    np.testing.assert_array_equal(cv2.imread(str(output)), image)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("none.png", "-o", "out.png"), "no file"),
        (("damaged.png", "-o", "none/out.png"), "no folder"),
        (("damaged.png", "-o", "out.xyz"), "no picture format"),
        (("damaged.png", "-o", "out.png", "--threshold", "1.5"), "threshold is 1.5"),
        (
            ("damaged.png", "-o", "out.png", "--min-mean-probability", "2"),
            "min_mean_probability is 2",
        ),
        (("damaged.png", "-o", "out.png", "--detector", "photo"), "finds no damage"),
        (("damaged.png", "-o", "damaged.png"), "is an input"),
        ((".", "-o", "."), "is an input"),
        (("damaged.png", "-o", "out.png", "--kinds", "overlay"), "finds damage"),
        (("damaged.png", "-o", "out.png", "--kinds", ","), "give a set of words"),
        (("damaged.png", "-o", "out.png", "--device", "tpu"), "device"),
        (("damaged.png", "-o", "out.png", "--threads", "0"), "threads is 0"),
        (("damaged.png", "-o", "out.png", "--memory-mb", "1"), "memory_mb is 1"),
        (("damaged.png", "-o", "out.png", "--overlay", "--probability"), "not both"),
    ],
)
def test_what_is_refused(
    run: Run,
    folder: Path,
    detector_file: Path,
    options: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    before = (folder / "damaged.png").read_bytes()
    result = run("detect", "--detector", detector_file, *options)
    assert result.exit_code == 1
    assert message in result.output
    assert (folder / "damaged.png").read_bytes() == before


def test_two_pictures_with_one_mask_are_refused(
    run: Run, folder: Path, detector_file: Path
) -> None:
    (folder / "clean.bmp").write_bytes((folder / "clean.png").read_bytes())
    result = run("detect", folder, "--detector", detector_file, "-o", folder.parent / "masks")
    assert result.exit_code == 1
    assert "would have one mask" in result.output
