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
from inpaint_sdk.errors import OptionError
from inpaint_sdk.media.pixels import to_mask, to_rgb
from inpaint_sdk.video import restore_video
from inpaint_sdk.video.encoders import Encoding
from inpaint_sdk.video.pixels import with_restored
from support.videos import Painter, frames_of

av = pytest.importorskip("av")
Make = Callable[..., Path]
Pixels = NDArray[Any]


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


def test_a_mask_and_a_video_of_masks(painter: Painter, make_video: Make, logo: Pixels) -> None:
    source = make_video()
    with pytest.raises(OptionError, match="not both"):
        restore_video(painter, source, source, mask=logo, mask_video=source)


@pytest.mark.parametrize("channels", ["bgr", "rgb"])
def test_colours_whatever_the_order_of_channels(
    photo: Restorer, rgb: Restorer, make_video: Make, logo: Pixels, tmp_path: Path, channels: str
) -> None:
    source, output = (
        make_video("in.mkv", codec="ffv1", pix_fmt="bgr0", count=2),
        tmp_path / "out.mkv",
    )
    restorer = {"bgr": photo, "rgb": rgb}[channels]
    restore_video(restorer, source, output, mask=logo, steady=False)
    for old, new in zip(frames_of(source), frames_of(output), strict=True):
        np.testing.assert_array_equal(new, rgb.restore(old, logo))


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
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path, name: str
) -> None:
    times = [0, 40, 80, 200, 210, 500, 540, 900, 940, 1000, 1001, 1200]  # at no constant rate
    source, output = make_video("in.mkv", audio=True, times=times), tmp_path / name
    restore_video(painter, source, output, mask=logo)
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
    painter: Painter,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    name: str,
    codec: str,
    pix_fmt: str,
) -> None:
    source = make_video(name, codec=codec, pix_fmt=pix_fmt, count=3)
    output = tmp_path / f"out{source.suffix}"
    restore_video(painter, source, output, mask=logo)
    with av.open(str(source)) as before, av.open(str(output)) as after:
        old, new = before.streams.video[0], after.streams.video[0]
        assert new.codec_context.name == old.codec_context.name
        assert new.codec_context.pix_fmt == old.codec_context.pix_fmt
    assert len(frames_of(output)) == 3


def test_lossless_video_is_unchanged_beside_the_logo(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    """Down to the sample: luma and chroma are not converted where nothing is restored."""
    source, output = make_video("in.mkv", codec="ffv1", count=3), tmp_path / "out.mkv"
    restore_video(painter, source, output, mask=logo)
    with av.open(str(source)) as before, av.open(str(output)) as after:
        for old, new in zip(before.decode(video=0), after.decode(video=0), strict=True):
            luma, known = old.to_ndarray()[:120] != new.to_ndarray()[:120], logo == 0
            assert not luma[known].any()
            assert luma[logo > 0].any()


@pytest.mark.parametrize("colour_range", [1, 2], ids=["limited", "full"])
def test_colours_survive_the_way_there_and_back(make_video: Make, colour_range: int) -> None:
    with av.open(str(make_video(count=1, colour_range=colour_range))) as container:
        frame = next(container.decode(video=0))
        back = with_restored(frame, to_rgb(frame), None)
        for ours, theirs in zip(back.to_ndarray(), frame.to_ndarray(), strict=True):
            assert np.abs(ours.astype(int) - theirs).mean() < 2.0


def test_a_turned_video_is_shown_as_before(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    source, output = make_video(rotation=90, count=3), tmp_path / "out.mp4"
    shown = frames_of(source)[0]
    assert shown.shape == (160, 120, 3)
    restore_video(painter, source, output, mask=np.rot90(logo).copy())
    assert np.abs(frames_of(output)[0].astype(int) - shown).mean() < 5.0


MASK_VIDEOS = [
    ("ffv1", "yuv420p", None),
    ("ffv1", "yuv420p10le", None),
    ("libx265", "yuv420p10le", None),
    ("ffv1", "yuv444p12le", None),
    ("ffv1", "gray", None),
    ("ffv1", "gray", (16, 235)),
    ("ffv1", "gray10le", (64, 940)),
    ("ffv1", "gray16le", (4096, 60160)),
]


@pytest.mark.parametrize(("codec", "pix_fmt", "levels"), MASK_VIDEOS)
def test_a_video_of_masks(
    painter: Painter,
    make_video: Make,
    tmp_path: Path,
    codec: str,
    pix_fmt: str,
    levels: tuple[int, int] | None,
) -> None:
    """Of any depth and range of levels, which are those of black and white."""

    def mask(index: int) -> Pixels:
        """Where chroma is not mixed over the border."""
        picture = np.zeros((120, 160), np.uint8)
        picture[40:60, 10 + 8 * index : 30 + 8 * index] = 255
        return picture

    def draw(index: int) -> Any:
        if levels is None:
            return np.repeat(mask(index)[..., None], 3, axis=2)
        grey = np.where(mask(index) > 0, levels[1], levels[0])
        dtype = np.uint8 if pix_fmt == "gray" else np.uint16
        return av.VideoFrame.from_ndarray(grey.astype(dtype), format=pix_fmt)

    source = make_video("in.mkv", codec="ffv1", pix_fmt="bgr0", count=6)
    masks = make_video("masks.mkv", codec=codec, pix_fmt=pix_fmt, count=6, draw=draw)
    output = tmp_path / "out.mkv"
    report = restore_video(painter, source, output, mask_video=masks)
    assert report.masked_fraction == pytest.approx(400 / 19200)
    for index, (old, new) in enumerate(zip(frames_of(source), frames_of(output), strict=True)):
        expected = np.where(mask(index)[..., None] > 0, np.uint8(127), old)
        np.testing.assert_array_equal(new, expected)


@pytest.mark.parametrize("bits", [8, 10])
def test_masks_are_what_is_over_half_as_bright_as_white(bits: int) -> None:
    levels = np.arange(2**bits, dtype=np.uint16).reshape(16, -1)
    grey = levels.astype(np.uint8) if bits == 8 else levels
    frame = av.VideoFrame.from_ndarray(grey, format="gray" if bits == 8 else "gray10le")
    np.testing.assert_array_equal(to_mask(frame) > 0, levels >= 2 ** (bits - 1))


@pytest.mark.parametrize(("count", "problem"), [(3, "fewer"), (9, "more")])
def test_masks_that_do_not_match(
    painter: Painter, make_video: Make, tmp_path: Path, count: int, problem: str
) -> None:
    source, masks = make_video(count=6), make_video("masks.mkv", count=count)
    with pytest.raises(MaskError, match=f"{problem} frames than the video"):
        restore_video(painter, source, tmp_path / "out.mp4", mask_video=masks)
    assert sorted(tmp_path.iterdir()) == sorted([source, masks])


def test_a_failure_leaves_no_half_file(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    output = tmp_path / "out.mp4"
    output.write_bytes(b"old")

    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_video(painter, make_video(), output, mask=logo, progress=stop)
    assert output.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_what_the_callback_raises_passes_as_it_is(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    source, problem = make_video(), ValueError("the caller's own")

    def fail(done: int, total: int) -> None:
        assert (done, total) == (1, 12)
        raise problem

    with pytest.raises(ValueError, match="own") as raised:
        restore_video(painter, source, tmp_path / "out.mp4", mask=logo, progress=fail)
    assert raised.value is problem
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(
    ("name", "codec", "audio"),
    [
        ("in.mkv", "libx264", False),
        ("in.mkv", "ffv1", True),
        ("in.webm", "libvpx-vp9", False),
        ("in.mp4", "libx264", True),
        ("in.flv", "flv", False),
    ],
)
def test_a_source_that_is_cut_short(
    painter: Painter,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    name: str,
    codec: str,
    audio: bool,
) -> None:
    """Known before the work begins: some files end without an error, as if they were whole."""
    source = make_video(name, codec=codec, audio=audio, count=50)
    data = source.read_bytes()
    output = tmp_path / f"out{source.suffix}"
    restore_video(painter, source, output, mask=logo)
    output.unlink()
    source.write_bytes(data[: 2 * len(data) // 3])
    with pytest.raises(ImageError, match=f"{source}(, it may be damaged| is cut short)"):
        restore_video(painter, source, output, mask=logo)
    assert list(tmp_path.iterdir()) == [source]


def test_a_source_that_is_damaged_within(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    source = make_video("in.mp4", count=50)
    data = bytearray(source.read_bytes())
    data[len(data) // 3 : 9 * len(data) // 10] = bytes(9 * len(data) // 10 - len(data) // 3)
    source.write_bytes(data)
    with pytest.raises(
        ImageError, match=r"it may be damaged: \d\d of its packets cannot be decoded"
    ):
        restore_video(painter, source, tmp_path / "out.mp4", mask=logo)
    assert list(tmp_path.iterdir()) == [source]


def test_frames_with_nothing_to_restore_are_not_converted(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    """In a format that cannot be put together from planes."""
    source, output = make_video("in.nut", codec="rawvideo", pix_fmt="yuyv422"), tmp_path / "out.nut"
    restore_video(painter, source, output, mask=0 * logo)
    assert packets_of(output, "video") == packets_of(source, "video")


@pytest.mark.parametrize(
    ("source", "output", "error", "message"),
    [
        ("none.mp4", "out.mp4", ImageError, "no file"),
        ("text.mp4", "out.mp4", ImageError, "may be damaged"),
        ("in.mp4", "out.xyz", OutputError, "no container"),
        ("in.mp4", "none/out.mp4", OutputError, "cannot write .*none/out.mp4: No such file"),
        ("in.mp4", "out.webm", OutputError, "a webm file cannot hold video of libx264"),
        ("sound.mkv", "out.webm", OutputError, "cannot hold the source's audio"),
        ("in.mp4", "preset.mp4", OutputError, "cannot write .*/preset.mp4 with libx264: "),
    ],
)
def test_files_that_are_refused(
    painter: Painter,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    source: str,
    output: str,
    error: type[InpaintError],
    message: str,
) -> None:
    make_video("in.mp4", count=2)
    make_video("sound.mkv", count=2, codec="libvpx-vp9", audio=True)
    (tmp_path / "text.mp4").write_text("not a video" * 100)
    before = sorted(tmp_path.iterdir())
    encoding = Encoding(preset="none") if output == "preset.mp4" else None
    with pytest.raises(error, match=message):
        restore_video(painter, tmp_path / source, tmp_path / output, mask=logo, encoding=encoding)
    assert sorted(tmp_path.iterdir()) == before


def test_a_mask_of_another_size(
    rgb: Restorer, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    with pytest.raises(ImageError, match="the frame is 160x120, the mask is 160x100"):
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
    painter: Painter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)  # as if it were not installed
    with pytest.raises(BackendError, match=r"pip install 'inpaint-sdk\[video\]'"):
        restore_video(painter, tmp_path / "in.mp4", tmp_path / "out.mp4")


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
