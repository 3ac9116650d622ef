"""Codecs, pixel formats and containers as people have them."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import Encoding, FileWarning, OutputError
from inpaint_sdk.video import restore_video
from support.videos import Painter, frames_of

av = pytest.importorskip("av")
Make = Callable[..., Path]
Pixels = NDArray[Any]

pytestmark = pytest.mark.filterwarnings("error::inpaint_sdk.MetadataWarning")


def first_frame(path: Path) -> Any:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def stream_of(path: Path) -> dict[str, Any]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        return {
            "codec": context.codec.canonical_name,
            "pix_fmt": context.pix_fmt,
            "profile": context.profile,
            "interlaced": next(container.decode(video=0)).interlaced_frame,
        }


def times_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [frame.time for frame in container.decode(video=0)]


INTERLACED = {"flags": "+ildct+ilme"}


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "options"),
    [
        ("in.mpg", "mpeg1video", "yuv420p", {}),
        ("in.mpg", "mpeg2video", "yuv420p", {}),
        ("in.vob", "mpeg2video", "yuv420p", {}),
        ("in.ts", "mpeg2video", "yuv422p", INTERLACED),
        ("in.mp4", "mpeg4", "yuv420p", INTERLACED),
        ("in.mp4", "libx264", "yuv420p", {**INTERLACED, "preset": "ultrafast"}),
        ("in.mp4", "libx264", "yuv420p", {"profile": "baseline"}),
        ("in.mp4", "libx264rgb", "rgb24", {}),
        ("in.mkv", "libx264", "gray", {}),
        ("in.mp4", "libx265", "yuv422p12le", {"x265-params": "log-level=none"}),
        ("in.mp4", "libsvtav1", "yuv420p10le", {"preset": "12"}),
        ("in.webm", "libvpx", "yuv420p", {}),
        ("in.webm", "libvpx-vp9", "yuv440p", {}),
        ("in.mov", "prores_ks", "yuv422p10le", {"profile": "1"}),
        ("in.mov", "prores_ks", "yuv422p10le", {"profile": "3"}),
        ("in.mov", "prores_ks", "yuv422p10le", {**INTERLACED, "profile": "2"}),
        ("in.mov", "v210", "yuv422p10le", {}),
        ("in.mov", "png", "rgb48be", {}),
        ("in.mov", "qtrle", "rgb24", {}),
        ("in.nut", "rawvideo", "nv12", {}),
        ("in.nut", "rawvideo", "yuyv422", {}),
        ("in.wmv", "wmv2", "yuv420p", {}),
        ("in.flv", "flv", "yuv420p", {}),
        ("in.mkv", "ffv1", "gbrp12le", {}),
    ],
)
def test_a_source_is_restored_in_its_own_form(
    painter: Painter,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    name: str,
    codec: str,
    pix_fmt: str,
    options: dict[str, str],
) -> None:
    source = make_video(name, codec=codec, pix_fmt=pix_fmt, options=options, count=4)
    output = tmp_path / f"out{source.suffix}"
    report = restore_video(painter, source, output, mask=logo)
    assert report.frames == len(frames_of(output)) == 4
    assert stream_of(output) == stream_of(source)
    old, new = frames_of(source)[0].astype(int), frames_of(output)[0].astype(int)
    scale = 257 if first_frame(source).format.components[0].bits > 8 else 1
    known = np.abs(old - new)[40:] / scale  # far from the logo
    assert known.mean() < 3.0
    assert np.abs(new[12:28, 105:145] / scale - 127).mean() < 6.0


LOSSLESS = [
    ("in.mkv", "ffv1", "yuv420p10le"),
    ("in.mkv", "ffv1", "yuva444p16le"),
    ("in.mkv", "ffv1", "yuv411p"),
    ("in.mkv", "ffv1", "gbrp12le"),
    ("in.mkv", "ffv1", "gray16le"),
    ("in.nut", "rawvideo", "uyvy422"),
    ("in.nut", "rawvideo", "nv21"),
    ("in.nut", "rawvideo", "bgr24"),
    ("in.mov", "png", "rgba64be"),
    ("in.avi", "utvideo", "gbrap"),
]


@pytest.mark.parametrize(("name", "codec", "pix_fmt"), LOSSLESS)
def test_every_sample_beside_the_mask_is_the_source_s(
    painter: Painter,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    name: str,
    codec: str,
    pix_fmt: str,
) -> None:
    """To the bit, in every pixel format, at every position of the mask within a chroma sample."""
    logo = np.roll(logo, (3, 5), axis=(0, 1))
    source = make_video(name, codec=codec, pix_fmt=pix_fmt, count=2)
    output = tmp_path / f"out{source.suffix}"
    restore_video(painter, source, output, mask=logo)
    with av.open(str(source)) as before, av.open(str(output)) as after:
        for old, new in zip(before.decode(video=0), after.decode(video=0), strict=True):
            assert old.format.name == new.format.name
            theirs, ours = (f.reformat(format="yuva444p16le").planes for f in (old, new))
            for index, (a, b) in enumerate(zip(theirs, ours, strict=True)):
                x, y = (np.frombuffer(p, np.uint16).reshape(120, -1)[:, :160] for p in (a, b))
                near = 0 if index in (0, 3) else 4  # chroma samples span pixels
                far = np.ones(logo.shape, bool)
                rows, columns = np.nonzero(logo)
                far[
                    max(0, rows.min() - near) : rows.max() + near + 1,
                    max(0, columns.min() - near) : columns.max() + near + 1,
                ] = False
                np.testing.assert_array_equal(x[far], y[far])


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("in.mov", "qtrle", "argb"),
        ("in.mov", "png", "rgba"),
        ("in.mkv", "ffv1", "yuva420p"),
        ("in.avi", "utvideo", "gbrap"),
        ("in.apng", "apng", "rgba"),
        ("in.mov", "prores_ks", "yuva444p10le"),
        ("in.webm", "libvpx-vp9", "yuva420p"),
        ("in.webm", "libvpx", "yuva420p"),
    ],
)
@pytest.mark.filterwarnings("ignore:prores_ks cannot hold the source's bits")  # read as 12
def test_transparency_is_kept(
    painter: Painter,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    name: str,
    codec: str,
    pix_fmt: str,
) -> None:
    alpha = np.full((120, 160, 1), 40, np.uint8)
    alpha[:, :80] = 255

    def draw(index: int) -> Pixels:
        colours = np.full((120, 160, 3), 60 + 5 * index, np.uint8)
        return np.concatenate([colours, alpha], axis=2)

    options = {"auto-alt-ref": "0"} if codec == "libvpx" else {}
    source = make_video(name, codec=codec, pix_fmt=pix_fmt, draw=draw, count=3, options=options)
    output = tmp_path / f"out{source.suffix}"
    restore_video(painter, source, output, mask=logo)
    decoder = codec if codec.startswith("libvpx") else None
    with av.open(str(output)) as container:
        stream = container.streams.video[0]
        context = av.CodecContext.create(decoder, "r") if decoder else stream.codec_context
        frames = [f for packet in container.demux(stream) for f in context.decode(packet)]
    assert len(frames) == 3
    for frame in frames:
        found = frame.to_ndarray(format="rgba")[..., 3].astype(int)
        assert np.abs(found - alpha[..., 0])[:, 4:76].max() < 6
        assert np.abs(found - alpha[..., 0])[:, 84:].max() < 6


def test_12_bits_of_prores_4444(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    """FFmpeg decodes 12 bits and encodes 10: that is told, with what keeps them."""
    options = {"profile": "4444"}
    source = make_video("in.mov", codec="prores_ks", pix_fmt="yuv444p10le", options=options)
    lost = "bits a channel: yuv444p12le becomes yuv444p10le; --codec ffv1 and .mkv keep all"
    with pytest.warns(FileWarning, match=lost):
        restore_video(painter, source, tmp_path / "out.mov", mask=logo)
    kept = tmp_path / "out.mkv"
    restore_video(painter, source, kept, mask=logo, encoding=Encoding("ffv1"))
    with av.open(str(source)) as before, av.open(str(kept)) as after:
        for old, new in zip(before.decode(video=0), after.decode(video=0), strict=True):
            assert new.format.name == "yuv444p12le"
            x, y = (np.frombuffer(f.planes[0], np.uint16).reshape(120, -1) for f in (old, new))
            known = logo == 0
            np.testing.assert_array_equal(x[:, :160][known], y[:, :160][known])


def test_transparency_that_would_be_lost_is_an_error(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    def draw(index: int) -> Pixels:
        return np.full((120, 160, 4), 77, np.uint8)

    source = make_video("in.mov", codec="png", pix_fmt="rgba", draw=draw, count=2)
    with pytest.raises(OutputError, match=r"libx264 cannot hold the source's .*transparency"):
        restore_video(
            painter, source, tmp_path / "out.mp4", mask=logo, encoding=Encoding("libx264")
        )
    assert list(tmp_path.iterdir()) == [source]


def test_transparency_that_is_not_used_is_not_missed(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    def draw(index: int) -> Pixels:
        return np.full((120, 160, 4), 255, np.uint8)

    source = make_video("in.mov", codec="png", pix_fmt="rgba", draw=draw, count=2)
    encoding = Encoding("libx264rgb")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restore_video(painter, source, tmp_path / "out.mp4", mask=logo, encoding=encoding)


@pytest.mark.parametrize(
    ("pix_fmt", "codec", "lost"),
    [
        ("yuv420p10le", "mpeg4", "bits a channel: yuv420p10le becomes yuv420p"),
        ("yuv444p", "libvpx", "resolution of colour: yuv444p becomes yuv420p"),
        ("gbrp", "libx264", "colour space: gbrp becomes yuv444p"),
    ],
)
def test_what_an_encoder_cannot_hold_is_told(
    painter: Painter,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    pix_fmt: str,
    codec: str,
    lost: str,
) -> None:
    kind = "libx264rgb" if pix_fmt == "gbrp" else "libx264"
    source = make_video("in.mkv", codec=kind, pix_fmt="rgb24" if kind != "libx264" else pix_fmt)
    output = tmp_path / "out.mkv"
    with pytest.warns(FileWarning, match=f"{codec} cannot hold the source's {lost}"):
        restore_video(painter, source, output, mask=logo, encoding=Encoding(codec))
    old, new = frames_of(source)[0], frames_of(output)[0]
    scale = 257 if old.dtype == np.uint16 else 1
    assert np.abs(old.astype(int) / scale - new.astype(int))[40:].mean() < 5.0


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_frames_without_times_follow_the_rate(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path, name: str
) -> None:
    """A bare stream, as cameras write it."""
    output = tmp_path / name
    restore_video(painter, make_video("in.h264"), output, mask=logo)
    assert times_of(output) == pytest.approx([0.04 * n for n in range(12)], abs=0.0011)


@pytest.mark.parametrize("name", ["out.ts", "out.mp4", "out.mkv"])
def test_joined_recordings_go_on(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path, name: str
) -> None:
    source = make_video("in.ts")
    source.write_bytes(3 * source.read_bytes())
    output = tmp_path / name
    assert restore_video(painter, source, output, mask=logo).frames == 36
    times = np.array(times_of(output))
    assert times - times[0] == pytest.approx(0.04 * np.arange(36), abs=0.045)
    assert np.diff(times).min() > 0.0


@pytest.mark.parametrize("name", ["out.avi", "out.mp4"])
@pytest.mark.parametrize(("codec", "options"), [("libx264", {"crf": "9"}), ("mpeg4", {"bf": "2"})])
def test_avi_files_have_their_frames_in_order(
    painter: Painter,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    name: str,
    codec: str,
    options: dict[str, str],
) -> None:
    """They do not say when a frame is shown, and that is not when its packet comes."""

    def rate(_: Any, stream: Any) -> None:
        stream.time_base = stream.codec_context.time_base = 1 / stream.codec_context.framerate

    source = make_video("in.avi", codec=codec, options=options, prepare=rate)
    output = tmp_path / name
    restore_video(painter, source, output, mask=logo)
    times = np.array(times_of(output))
    assert times - times[0] == pytest.approx(0.04 * np.arange(12), abs=0.0011)


def may_be_real_time() -> bool:
    """Whether a process may give itself the highest priority, as a trial tells."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    trial = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(99))"
    return subprocess.run([sys.executable, "-c", trial], capture_output=True).returncode == 0


@pytest.mark.skipif(not may_be_real_time(), reason="real-time threads are not permitted here")
def test_encoders_leave_no_real_time_threads(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    """As root, SVT-AV1 takes them."""
    own, seen = os.sched_getscheduler(0), set()

    def look(*_: object) -> None:
        for thread in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):  # it has ended
                seen.add(os.sched_getscheduler(int(thread.name)))

    source, output = make_video(), tmp_path / "out.mp4"
    restore_video(painter, source, output, mask=logo, encoding=Encoding("libsvtav1"), progress=look)
    look()
    assert seen == {own}


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libsvtav1", "libvpx-vp9", "mpeg2video"])
@pytest.mark.parametrize("count", [1, 2])
def test_very_short_videos(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path, codec: str, count: int
) -> None:
    """Shorter than encoders look ahead."""
    source, output = make_video(count=count), tmp_path / "out.mp4"
    restore_video(painter, source, output, mask=logo, encoding=Encoding(codec))
    assert times_of(output) == pytest.approx([0.0, 0.04][:count], abs=0.001)


def test_a_changing_rate_in_an_encoder_that_has_one(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    """MPEG-2 knows no rate but its own; its container knows each frame's time."""
    times = [0, 40, 80, 200, 240, 500, 540, 900, 940, 1000, 1040, 1200]
    source = make_video("in.mkv", times=times)
    output = tmp_path / "out.mkv"
    restore_video(painter, source, output, mask=logo, encoding=Encoding("mpeg2video"))
    assert [round(1000 * time) for time in times_of(output)] == times


def test_a_rate_that_mpeg4_cannot_count(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    """Film at ten times its speed: 240000 ticks a second."""
    times = [round(1000 * index * 1001 / 240_000) for index in range(12)]
    source, output = make_video("in.mkv", times=times), tmp_path / "out.mkv"
    restore_video(painter, source, output, mask=logo, encoding=Encoding("mpeg4"))
    assert times_of(output) == pytest.approx(times_of(source), abs=0.0011)


def test_a_rate_below_what_encoders_count(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    """A picture an hour."""
    times = [3_600_000 * index for index in range(3)]
    source, output = make_video(count=3, times=times), tmp_path / "out.mp4"
    restore_video(painter, source, output, mask=logo)
    assert [round(1000 * time) for time in times_of(output)] == times


@pytest.mark.parametrize(
    ("encoding", "message"),
    [
        (Encoding("nonsense"), "no encoder for nonsense"),
        (Encoding("aac"), "no encoder for aac"),
        (Encoding("mpeg4", crf=3), "mpeg4 knows no crf"),
        (Encoding("ffv1", preset="slow"), "ffv1 knows no preset"),
    ],
)
def test_encodings_that_there_are_not(
    painter: Painter,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    encoding: Encoding,
    message: str,
) -> None:
    source = make_video("in.mkv", count=2)
    with pytest.raises(OutputError, match=message):
        restore_video(painter, source, tmp_path / "out.mkv", mask=logo, encoding=encoding)
    assert list(tmp_path.iterdir()) == [source]


def test_a_codec_without_an_encoder_is_named(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path, monkeypatch: Any
) -> None:
    from inpaint_sdk.video import encoders

    monkeypatch.setitem(encoders.ENCODERS, "h264", ("libnone",))
    with pytest.raises(OutputError, match="no encoder for h264 here; name one with --codec"):
        restore_video(painter, make_video(), tmp_path / "out.mp4", mask=logo)
