from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from inpaint_sdk import Restorer
from inpaint_sdk.cli.main import main
from support.detector import scratched

Pixels = NDArray[np.uint8]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def folder(tmp_path: Path, image: Pixels, mask: Pixels) -> Path:
    """A damaged picture, a clean one, and a file that is none."""
    made = tmp_path / "pictures"
    made.mkdir()
    cv2.imwrite(str(made / "damaged.png"), scratched(image, mask))
    cv2.imwrite(str(made / "clean.png"), image)
    return made


def test_a_mask_is_written(folder: Path, detector_file: Path, mask: Pixels) -> None:
    output = folder / "mask.png"
    result = run("detect", folder / "damaged.png", "--detector", detector_file, "-o", output)
    assert result.exit_code == 0, result.output
    share = 100 * np.count_nonzero(mask) / mask.size
    assert f"damaged.png: {share:.2f} % of it is damaged" in result.output
    np.testing.assert_array_equal(cv2.imread(str(output), cv2.IMREAD_UNCHANGED), mask)


def test_the_mask_is_what_restore_takes(folder: Path, detector_file: Path) -> None:
    source, mask = folder / "damaged.png", folder.parent / "mask.png"
    assert run("detect", source, "--detector", detector_file, "-o", mask).exit_code == 0
    command = ("restore", source, "--detector", detector_file, "--dilation", 0)
    for name, options in (("found.png", ()), ("given.png", ("--mask", mask))):
        result = run(*command, *options, "-o", folder / name)
        assert result.exit_code == 0, result.output
    assert (folder / "found.png").read_bytes() == (folder / "given.png").read_bytes()


def test_a_probability_can_be_written(
    folder: Path, detector_file: Path, finder: Restorer, image: Pixels
) -> None:
    output = folder / "map.png"
    command = ("detect", folder / "clean.png", "--detector", detector_file, "--probability")
    result = run(*command, "-o", output)
    assert "clean.png: no damage was found" in result.output
    expected = np.rint(finder.detect(image).probability * 255)
    np.testing.assert_array_equal(cv2.imread(str(output), cv2.IMREAD_UNCHANGED), expected)


def test_a_folder(folder: Path, detector_file: Path, mask: Pixels) -> None:
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
    folder: Path, detector_file: Path, finder: Restorer, image: Pixels, mask: Pixels
) -> None:
    output = folder.parent / "restored"
    result = run("restore", folder, "--detector", detector_file, "-o", output)
    assert result.exit_code == 0, result.output
    assert "clean.png: no damage was found, the picture is unchanged" in result.output
    assert "restored 2, finished before 0, failed 0" in result.output
    np.testing.assert_array_equal(cv2.imread(str(output / "clean.png")), image)
    expected = finder.restore(scratched(image, mask))
    np.testing.assert_array_equal(cv2.imread(str(output / "damaged.png")), expected)


def test_restore_says_what_was_found(folder: Path, detector_file: Path, image: Pixels) -> None:
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
            ("damaged.png", "-o", "out.png", "--min_mean_probability", "1.5"),
            "min_mean_probability is 1.5",
        ),
        (("damaged.png", "-o", "out.png", "--detector", "photo"), "finds no damage"),
        (("damaged.png", "-o", "damaged.png"), "is an input"),
        ((".", "-o", "."), "is an input"),
    ],
)
def test_what_is_refused(
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


def test_two_pictures_with_one_mask_are_refused(folder: Path, detector_file: Path) -> None:
    (folder / "clean.bmp").write_bytes((folder / "clean.png").read_bytes())
    result = run("detect", folder, "--detector", detector_file, "-o", folder.parent / "masks")
    assert result.exit_code == 1
    assert "would have one mask" in result.output
