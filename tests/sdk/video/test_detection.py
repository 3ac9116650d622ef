"""Videos whose damage is found, and models that see for themselves what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from inpaint_sdk import DetectionOptions, ImageError, Options, Restorer
from inpaint_sdk.cli.main import main
from inpaint_sdk.errors import OptionError
from inpaint_sdk.video import restore, restore_video
from inpaint_sdk.video.restore import find_static_damage
from support.detector import MAGENTA
from support.videos import Painter, frames_of

pytest.importorskip("av")
Make = Callable[..., Path]
Pixels = NDArray[Any]
EXACT = Options(detection=DetectionOptions(dilation=0))
LOSSLESS = {"name": "in.mkv", "codec": "ffv1", "pix_fmt": "bgr0"}


def scene(index: int) -> Pixels:
    """Smooth colours that move, RGB, uint8 [H, W, 3]."""
    y, x = np.mgrid[:120, :160]
    waves = [np.sin((x + 5 * index) / 17.0), np.cos(y / 11.0), np.sin((x + y) / 29.0)]
    return np.stack([(110 + 60 * wave) for wave in waves], axis=2).astype(np.uint8)


def noisy_scene(index: int) -> Pixels:
    noise = np.random.default_rng(index).normal(0.0, 25.0, (120, 160, 3))
    return np.clip(scene(index) + noise, 0, 255).astype(np.uint8)


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

    return make_video(**LOSSLESS, draw=draw)


@pytest.fixture(scope="module")
def finding(detector_file: Path) -> Restorer:
    """For comparing with frames in RGB."""
    return Restorer.load("photo", threads=2, channels="rgb", detector=detector_file)


def test_damage_in_each_frame(
    finding: Restorer, damaged: Path, logo: Pixels, tmp_path: Path
) -> None:
    output = tmp_path / "out.mkv"
    report = restore_video(finding, damaged, output, options=EXACT)
    share = (np.count_nonzero(logo) + 36) / logo.size
    assert report.masked_fraction == pytest.approx(share)
    for index, (old, new) in enumerate(zip(frames_of(damaged), frames_of(output), strict=True)):
        mask = np.maximum(logo, bird(index))
        np.testing.assert_array_equal(new, finding.restore(old, mask))


def test_static_damage(finding: Restorer, damaged: Path, logo: Pixels, tmp_path: Path) -> None:
    np.testing.assert_array_equal(find_static_damage(finding, damaged, 12, EXACT), logo)
    output = tmp_path / "out.mkv"
    report = restore_video(finding, damaged, output, damage="static", steady=False, options=EXACT)
    assert report.masked_fraction == pytest.approx(np.count_nonzero(logo) / logo.size)
    for old, new in zip(frames_of(damaged), frames_of(output), strict=True):
        np.testing.assert_array_equal(new, finding.restore(old, logo))


@pytest.mark.parametrize("name", ["in.mkv", "in.mp4", "in.h264"])
@pytest.mark.parametrize("count", [5, 47])
def test_static_damage_is_looked_for_in_some_frames(
    painter: Painter,
    make_video: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    count: int,
) -> None:
    """Whether or not the file says how many it has."""
    monkeypatch.setattr(restore, "SAMPLED_FRAMES", 8)
    source, output = make_video(name, count=count), tmp_path / "out.mkv"
    assert restore_video(painter, source, output, damage="static").frames == count
    assert min(count, 8) <= painter.looked_at <= 16


@pytest.mark.parametrize("damage", ["frame", "static"])
def test_nothing_is_found(finding: Restorer, make_video: Make, tmp_path: Path, damage: Any) -> None:
    source, output = make_video(**LOSSLESS, draw=scene), tmp_path / "out.mkv"
    report = restore_video(finding, source, output, damage=damage)
    assert (report.masked_fraction, report.left_alone) == (0.0, 0)
    np.testing.assert_array_equal(frames_of(output), frames_of(source))


def test_frames_that_are_damaged_everywhere_stay_as_they_are(
    finding: Restorer, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    def draw(index: int) -> Pixels:
        frame = scene(index)
        frame[(logo > 0) | (index in (3, 5))] = MAGENTA
        return frame

    source, output = make_video(**LOSSLESS, draw=draw), tmp_path / "out.mkv"
    report = restore_video(finding, source, output, options=EXACT)
    assert (report.frames, report.left_alone) == (12, 2)
    for index, (old, new) in enumerate(zip(frames_of(source), frames_of(output), strict=True)):
        expected = old if index in (3, 5) else finding.restore(old, logo)
        np.testing.assert_array_equal(new, expected)


def test_static_damage_everywhere_leaves_a_video_as_it_is(
    finding: Restorer, make_video: Make, tmp_path: Path
) -> None:
    def draw(index: int) -> Pixels:
        return np.full_like(scene(index), MAGENTA)

    source, output = make_video(**LOSSLESS, draw=draw), tmp_path / "out.mkv"
    report = restore_video(finding, source, output, damage="static")
    assert (report.frames, report.left_alone) == (12, 12)
    np.testing.assert_array_equal(frames_of(output), frames_of(source))


def test_masks_of_everything_leave_their_frames_alone(
    finding: Restorer, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    def draw(index: int) -> Pixels:
        mask = np.full_like(logo, 255) if index == 2 else logo
        return np.repeat(mask[..., None], 3, axis=2)

    source = make_video(**LOSSLESS, count=4, draw=scene)
    masks = make_video("masks.mkv", codec="ffv1", pix_fmt="gray", count=4, draw=draw)
    output = tmp_path / "out.mkv"
    report = restore_video(finding, source, output, mask_video=masks)
    assert (report.frames, report.left_alone) == (4, 1)
    for index, (old, new) in enumerate(zip(frames_of(source), frames_of(output), strict=True)):
        np.testing.assert_array_equal(new, old if index == 2 else finding.restore(old, logo))


@pytest.mark.parametrize("model", ["auto", "clean", "cloud-thin"])
def test_frames_are_restored_as_pictures_are(
    make_video: Make, detector_file: Path, tmp_path: Path, model: str
) -> None:
    """``auto`` cleans noise; models that see damage by themselves look for no other."""
    source, output = make_video(**LOSSLESS, count=2, draw=noisy_scene), tmp_path / "out.mkv"
    restorer = Restorer.load(
        model,
        threads=2,
        channels="rgb",
        detector=detector_file,
        options=Options(enhance=model == "auto"),
    )
    report = restore_video(restorer, source, output)
    assert report.masked_fraction == (0.0 if model == "auto" else None)
    for old, new in zip(frames_of(source), frames_of(output), strict=True):
        assert np.abs(old.astype(int) - new).mean() > 0.5
        np.testing.assert_array_equal(new, restorer.restore(old))


def test_the_command(
    damaged: Path, detector_file: Path, make_video: Make, tmp_path: Path, logo: Pixels
) -> None:
    options = ["--detector", str(detector_file), "--damage", "static", "--dilation", "0"]
    output = str(tmp_path / "out.mkv")
    result = CliRunner().invoke(main, ["video", str(damaged), output, *options])
    assert result.exit_code == 0, result.output
    share = 100 * np.count_nonzero(logo) / logo.size
    assert f"damage that was found: {share:.2f} % of the frames' pixels" in result.output
    clean = str(make_video(**{**LOSSLESS, "name": "clean.mkv"}, draw=scene))
    result = CliRunner().invoke(main, ["video", clean, output, *options])
    assert "damage that was found: none" in result.output


def test_what_is_refused(finding: Restorer, damaged: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mkv"
    with pytest.raises(OptionError, match="damage is 'air'; it must be one of 'frame', 'static'"):
        restore_video(finding, damaged, output, damage="air")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="sees damage by itself"):
        restore_video(Restorer.load("cloud-thin"), damaged, output, damage="static")
    with pytest.raises(ImageError, match="there is no file"):
        restore_video(finding, tmp_path / "none.mkv", output, damage="static")
    assert not output.exists()
