from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from inpaint_sdk import BackendError, ImageError, InpaintError, MaskError, OutputError, Restorer
from inpaint_sdk.cli.main import main
from inpaint_sdk.video import restore_video
from inpaint_sdk.video.pixels import from_rgb, to_rgb
from inpaint_sdk.video.streams import Encoding

av = pytest.importorskip("av")
Make = Callable[..., Path]
Pixels = NDArray[Any]


@pytest.fixture(scope="module")
def rgb() -> Restorer:
    return Restorer.load("photo", threads=2, channels="rgb")


def frames_of(path: Path) -> list[Pixels]:
    with av.open(str(path)) as container:
        return [to_rgb(frame) for frame in container.decode(video=0)]


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


def packets_of(path: Path, kind: str) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as container:
        (stream,) = getattr(container.streams, kind)
        return [
            (float(packet.pts * packet.time_base), bytes(packet))
            for packet in container.demux(stream)
            if packet.dts is not None
        ]


def test_only_what_is_under_the_logo_changes(
    rgb: Restorer, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    source, output = make_video(), tmp_path / "out.mp4"
    report = restore_video(rgb, source, output, mask=logo, encoding=Encoding(crf=1))
    before, after = frames_of(source), frames_of(output)
    assert report.frames == len(before) == len(after) == 12
    far = cv2.dilate(logo, np.ones((5, 5), np.uint8)) == 0
    for old, new in zip(before, after, strict=True):
        assert np.abs(old.astype(int) - new)[far].mean() < 1.0
        assert np.abs(old.astype(int) - new)[logo > 0].mean() > 1.0
    expected = rgb.restore(before[0], logo)
    assert np.abs(expected.astype(int) - after[0])[logo > 0].mean() < 4.0


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_audio_timing_and_titles_are_kept(
    rgb: Restorer, make_video: Make, logo: Pixels, tmp_path: Path, name: str
) -> None:
    times = [0, 40, 80, 200, 210, 500, 540, 900, 940, 1000, 1001, 1200]  # at no constant rate
    source, output = make_video("in.mkv", audio=True, times=times), tmp_path / name
    restore_video(rgb, source, output, mask=logo)
    assert times_of(output) == pytest.approx(times_of(source), abs=0.0011)
    found, given = packets_of(output, "audio"), packets_of(source, "audio")
    assert [data for _, data in found] == [data for _, data in given]
    assert [at for at, _ in found] == pytest.approx([at for at, _ in given], abs=0.0011)
    with av.open(str(output)) as container:
        metadata = {key.lower(): value for key, value in container.metadata.items()}
        assert metadata["title"] == "a title"


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("in.mp4", "libx264", "yuv444p"),
        ("in.mkv", "libx264", "yuv420p10le"),
        ("in.webm", "libvpx-vp9", "yuv420p"),
        ("in.avi", "mpeg4", "yuv420p"),
        ("in.mkv", "ffv1", "yuv422p"),
        ("in.mov", "mjpeg", "yuvj420p"),
    ],
)
def test_codec_and_pixel_format_are_kept(
    rgb: Restorer,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    name: str,
    codec: str,
    pix_fmt: str,
) -> None:
    source = make_video(name, codec=codec, pix_fmt=pix_fmt, count=3)
    output = tmp_path / f"out{source.suffix}"
    restore_video(rgb, source, output, mask=logo)
    with av.open(str(source)) as before, av.open(str(output)) as after:
        old, new = before.streams.video[0], after.streams.video[0]
        assert new.codec_context.name == old.codec_context.name
        assert new.codec_context.pix_fmt == old.codec_context.pix_fmt
    assert len(frames_of(output)) == 3


def test_lossless_video_is_unchanged_beside_the_logo(
    rgb: Restorer, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    """Down to the sample: luma and chroma are not converted where nothing is restored."""
    source, output = make_video("in.mkv", codec="ffv1", count=3), tmp_path / "out.mkv"
    restore_video(rgb, source, output, mask=logo)
    with av.open(str(source)) as before, av.open(str(output)) as after:
        for old, new in zip(before.decode(video=0), after.decode(video=0), strict=True):
            luma, known = old.to_ndarray()[:120] != new.to_ndarray()[:120], logo == 0
            assert not luma[known].any()
            assert luma[logo > 0].any()


@pytest.mark.parametrize("colour_range", [1, 2], ids=["limited", "full"])
def test_colours_survive_the_way_there_and_back(make_video: Make, colour_range: int) -> None:
    with av.open(str(make_video(count=1, colour_range=colour_range))) as container:
        frame = next(container.decode(video=0))
        back = from_rgb(to_rgb(frame), frame, None)
        for ours, theirs in zip(back.to_ndarray(), frame.to_ndarray(), strict=True):
            assert np.abs(ours.astype(int) - theirs).mean() < 2.0


def test_a_turned_video_is_shown_as_before(
    rgb: Restorer, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    source, output = make_video(rotation=90, count=3), tmp_path / "out.mp4"
    shown = frames_of(source)[0]
    assert shown.shape == (160, 120, 3)
    restore_video(rgb, source, output, mask=np.rot90(logo).copy())
    assert np.abs(frames_of(output)[0].astype(int) - shown).mean() < 5.0


def test_a_video_of_masks(rgb: Restorer, make_video: Make, tmp_path: Path) -> None:
    def mask(index: int) -> Pixels:
        picture = np.zeros((120, 160, 3), np.uint8)
        picture[40:60, 10 + 8 * index : 30 + 8 * index] = 255
        return picture

    source = make_video(count=6)
    masks = make_video("masks.mkv", codec="ffv1", count=6, draw=mask)
    output = tmp_path / "out.mp4"
    restore_video(rgb, source, output, mask_video=masks, encoding=Encoding(crf=1))
    for index, (old, new) in enumerate(zip(frames_of(source), frames_of(output), strict=True)):
        hole = mask(index)[..., 0] > 0
        far = cv2.dilate(mask(index)[..., 0], np.ones((7, 7), np.uint8)) == 0
        difference = np.abs(old.astype(int) - new).mean(axis=2)
        assert difference[hole].mean() > 2 * difference[far].mean()


@pytest.mark.parametrize(("count", "problem"), [(3, "fewer"), (9, "more")])
def test_masks_that_do_not_match(
    rgb: Restorer, make_video: Make, tmp_path: Path, count: int, problem: str
) -> None:
    source, masks = make_video(count=6), make_video("masks.mkv", count=count)
    with pytest.raises(MaskError, match=f"{problem} frames than the video"):
        restore_video(rgb, source, tmp_path / "out.mp4", mask_video=masks)
    assert not list(tmp_path.glob("*out*"))


def test_a_failure_leaves_no_half_file(
    rgb: Restorer, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    output.write_bytes(b"old")

    def stop(done: int, total: int | None) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_video(rgb, make_video(), output, mask=logo, progress=stop)
    assert output.read_bytes() == b"old"
    assert [p.name for p in tmp_path.glob("*out*")] == ["out.mp4"]


@pytest.mark.parametrize(
    ("source", "output", "error", "message"),
    [
        ("none.mp4", "out.mp4", ImageError, "no file"),
        ("text.mp4", "out.mp4", ImageError, "may be damaged"),
        ("in.mp4", "out.xyz", OutputError, "no container"),
        ("in.mp4", "none/out.mp4", OutputError, "cannot write in"),
        ("sound.mkv", "out.webm", OutputError, "cannot hold the source's audio"),
    ],
)
def test_files_that_are_refused(
    rgb: Restorer,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    source: str,
    output: str,
    error: type[InpaintError],
    message: str,
) -> None:
    make_video("in.mp4", count=2)
    make_video("sound.mkv", count=2, audio=True)
    (tmp_path / "text.mp4").write_text("not a video" * 100)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(error, match=message):
        restore_video(rgb, tmp_path / source, tmp_path / output, mask=logo)
    assert sorted(tmp_path.iterdir()) == before


def test_a_mask_of_another_size(
    rgb: Restorer, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    with pytest.raises(ImageError, match="the image is 160x120, the mask is 160x100"):
        restore_video(rgb, make_video(), tmp_path / "out.mp4", mask=logo[:100])


def test_flicker_is_held_down(
    rgb: Restorer, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    """Under camera noise what is restored varies less in time than what is beside it."""

    def noisy(index: int) -> Pixels:
        rng = np.random.default_rng(index)
        coarse = np.random.default_rng(99).integers(60, 200, (5, 7, 3)).astype(np.uint8)
        picture = cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC).astype(float)
        return np.clip(picture + rng.normal(0, 5, picture.shape), 0, 255).astype(np.uint8)

    source = make_video("in.mkv", codec="ffv1", pix_fmt="yuv444p", draw=noisy)
    deviation = {}
    for steady in (True, False):
        output = tmp_path / f"{steady}.mkv"
        restore_video(rgb, source, output, mask=logo, steady=steady)
        frames = np.stack(frames_of(output)).astype(float)
        deviation[steady] = frames.std(axis=0).mean(axis=2)
    beside = deviation[True][logo == 0].mean()
    assert beside > 3.0
    assert deviation[True][logo > 0].mean() < 0.1 * beside
    assert deviation[False][logo > 0].mean() <= beside


def test_without_pyav_the_extra_is_named(
    rgb: Restorer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)  # as if it were not installed
    with pytest.raises(BackendError, match=r"pip install 'inpaint-sdk\[video\]'"):
        restore_video(rgb, tmp_path / "in.mp4", tmp_path / "out.mp4")


def test_the_command(make_video: Make, logo: Pixels, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "logo.png"), logo)
    source, output = make_video(), tmp_path / "out.mp4"

    def run(*arguments: object) -> Any:
        command = ["video", *map(str, arguments), "--mask", str(tmp_path / "logo.png")]
        return CliRunner().invoke(main, command)

    result = run(source, output)
    assert result.exit_code == 0, result.output
    assert "restored 12 frames in" in result.output
    refused = run(source, source)
    assert refused.exit_code == 1
    assert "is an input" in refused.output
    assert run(source, output, "--codec", "none").exit_code == 1
    assert len(frames_of(output)) == 12
