"""Videos whose damage is found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from inpaint_sdk import DetectionOptions, MaskError, Restorer
from inpaint_sdk.cli.main import main
from inpaint_sdk.video import restore_video
from inpaint_sdk.video.pixels import to_rgb
from inpaint_sdk.video.restore import find_on_lens
from support.detector import MAGENTA

av = pytest.importorskip("av")
Make = Callable[..., Path]
Pixels = NDArray[Any]
EXACT = DetectionOptions(dilation=0)


def scene(index: int) -> Pixels:
    """Smooth colours that move, RGB, uint8 [H, W, 3]."""
    y, x = np.mgrid[:120, :160]
    waves = [np.sin((x + 5 * index) / 17.0), np.cos(y / 11.0), np.sin((x + y) / 29.0)]
    return np.stack([(110 + 60 * wave) for wave in waves], axis=2).astype(np.uint8)


def bird(index: int) -> Pixels:
    """Where something magenta is in one frame only, uint8 [H, W]."""
    mask = np.zeros((120, 160), np.uint8)
    mask[60:66, 10 * index : 10 * index + 6] = 255
    return mask


@pytest.fixture
def damaged(make_video: Make, logo: Pixels) -> Path:
    """Without loss: magenta where the logo is, and where the bird is."""

    def draw(index: int) -> Pixels:
        frame = scene(index)
        frame[(logo > 0) | (bird(index) > 0)] = MAGENTA
        return frame

    return make_video("in.mkv", codec="ffv1", pix_fmt="bgr0", draw=draw)


@pytest.fixture(scope="module")
def rgb(detector_file: Path) -> Restorer:
    return Restorer.load("photo", threads=2, channels="rgb", detector=detector_file)


def frames_of(path: Path) -> list[Pixels]:
    with av.open(str(path)) as container:
        return [to_rgb(frame) for frame in container.decode(video=0)]


def test_damage_in_each_frame(rgb: Restorer, damaged: Path, logo: Pixels, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    report = restore_video(rgb, damaged, output, detection=EXACT)
    share = (np.count_nonzero(logo) + 36) / logo.size
    assert report.damaged == pytest.approx(share)
    for index, (old, new) in enumerate(zip(frames_of(damaged), frames_of(output), strict=True)):
        hole = np.maximum(logo, bird(index))
        np.testing.assert_array_equal(new, rgb.restore(old, hole))


def test_damage_on_the_lens(rgb: Restorer, damaged: Path, logo: Pixels, tmp_path: Path) -> None:
    np.testing.assert_array_equal(find_on_lens(rgb, damaged, EXACT), logo)
    output = tmp_path / "out.mkv"
    report = restore_video(rgb, damaged, output, damage="lens", steady=False, detection=EXACT)
    assert report.damaged == pytest.approx(np.count_nonzero(logo) / logo.size)
    for old, new in zip(frames_of(damaged), frames_of(output), strict=True):
        np.testing.assert_array_equal(new, rgb.restore(old, logo))


@pytest.mark.parametrize("damage", ["frame", "lens"])
def test_nothing_is_found(rgb: Restorer, make_video: Make, tmp_path: Path, damage: Any) -> None:
    source, output = (
        make_video("in.mkv", codec="ffv1", pix_fmt="bgr0", draw=scene),
        tmp_path / "out.mkv",
    )
    assert restore_video(rgb, source, output, damage=damage).damaged == 0.0
    np.testing.assert_array_equal(frames_of(output), frames_of(source))


def test_the_command(
    damaged: Path, detector_file: Path, make_video: Make, tmp_path: Path, logo: Pixels
) -> None:
    options = ["--detector", str(detector_file), "--damage", "lens", "--dilation", "0"]
    output = str(tmp_path / "out.mkv")
    result = CliRunner().invoke(main, ["video", str(damaged), output, *options])
    assert result.exit_code == 0, result.output
    share = 100 * np.count_nonzero(logo) / logo.size
    assert f"damage that was found: {share:.2f} % of the frames' pixels" in result.output
    clean = str(make_video("clean.mkv", codec="ffv1", pix_fmt="bgr0", draw=scene))
    result = CliRunner().invoke(main, ["video", clean, output, *options])
    assert "damage that was found: none" in result.output


def test_what_is_refused(rgb: Restorer, damaged: Path, tmp_path: Path) -> None:
    with pytest.raises(MaskError, match='must be "frame" or "lens"'):
        restore_video(rgb, damaged, tmp_path / "out.mkv", damage="air")  # type: ignore[arg-type]
    assert not (tmp_path / "out.mkv").exists()
