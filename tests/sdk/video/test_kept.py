"""What a video file holds beside its pictures."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import Encoding, ImageError, MetadataWarning, OutputError
from inpaint_sdk.media.orientation import side_data
from inpaint_sdk.media.reading import open_video
from inpaint_sdk.video import restore_video
from inpaint_sdk.video.kept import Facts
from support.videos import Painter, frames_of, write_exif_video

av = pytest.importorskip("av")
Make = Callable[..., Path]
Pixels = NDArray[Any]

COVER = cv2.imencode(".jpg", np.full((32, 32, 3), 90, np.uint8))[1].tobytes()
FONT = bytes(range(256))
MATRIX = [0, 1 << 16, 0, 1 << 16, 0, 0, 0, 0, 1 << 30]
"""Rows become columns."""


def facts_of(path: Path) -> dict[str, Any]:
    with open_video(path, ImageError) as video:
        frame = next(item for item in video.read() if isinstance(item, av.VideoFrame))
        return dict(Facts.of(video, frame).values)


def packets_of(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as container:
        streams = getattr(container.streams, kind)
        packets = container.demux(streams) if streams else ()
        return [bytes(packet) for packet in packets if packet.size]


@pytest.fixture
def film(make_video: Make, tmp_path: Path) -> Callable[[str], Path]:
    """A film with two languages, the second the default, forced subtitles, and two chapters."""

    def make(name: str) -> Path:
        from av.stream import Disposition

        (tmp_path / "text.srt").write_text("1\n00:00:00,100 --> 00:00:00,300\nhello\n\n")
        plain, path = make_video("plain.mkv", audio=True), tmp_path / name
        with (
            av.open(str(plain)) as film,
            av.open(str(tmp_path / "text.srt")) as text,
            av.open(str(path), "w") as container,
        ):
            video = container.add_stream_from_template(film.streams.video[0], opaque=True)
            sounds = [container.add_stream_from_template(film.streams.audio[0]) for _ in range(2)]
            video.disposition = Disposition.default
            for sound, language in zip(sounds, ("deu", "fra"), strict=True):
                sound.metadata.update({"language": language, "title": f"Sound {language}"})
            sounds[1].disposition = Disposition.default | Disposition.hearing_impaired
            if path.suffix == ".mkv":
                words = container.add_stream_from_template(text.streams.subtitles[0])
                words.disposition = Disposition.forced
                words.metadata["language"] = "eng"
                container.add_attachment("font.ttf", "application/x-truetype-font", FONT)
                container.add_attachment("cover.jpg", "image/jpeg", COVER)
            container.metadata["title"] = "A Film"
            thousandth = Fraction(1, 1000)
            container.set_chapters(
                [
                    {
                        "id": number,
                        "start": 200 * number,
                        "end": 200 * number + 200,
                        "time_base": thousandth,
                        "metadata": {"title": f"Part {number}"},
                    }
                    for number in range(2)
                ]
            )
            for packet in film.demux():
                if not packet.size:
                    continue
                if packet.stream.type == "video":
                    packet.stream = video
                    container.mux(packet)
                    continue
                for sound in sounds:
                    copy = av.Packet(bytes(packet))
                    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                    copy.stream = sound
                    container.mux(copy)
            for packet in text.demux():
                if packet.size and path.suffix == ".mkv":
                    packet.stream = words
                    container.mux(packet)
        return path

    return make


@pytest.mark.parametrize("name", ["film.mkv", "film.mp4"])
def test_streams_flags_and_chapters(
    painter: Painter, film: Callable[[str], Path], logo: Pixels, tmp_path: Path, name: str
) -> None:
    source, output = film(name), tmp_path / f"out-{name}"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        restore_video(painter, source, output, mask=logo)
    before, after = facts_of(source), facts_of(output)
    assert after == before
    assert before["chapters"] == 2
    assert before["audio 2's flag 'default'"]
    assert before["audio's language"] == "deu"
    assert packets_of(output, "audio") == packets_of(source, "audio")
    assert packets_of(output, "subtitles") == packets_of(source, "subtitles")
    with av.open(str(source)) as old, av.open(str(output)) as new:
        assert new.chapters()[1]["metadata"]["title"] == "Part 1"
        assert [s.type for s in new.streams] == [s.type for s in old.streams]
        if name == "film.mkv":
            assert "subtitle's flag 'forced'" in before
            (font,) = (s for s in new.streams if s.type == "attachment")
            assert (font.name, bytes(font.data)) == ("font.ttf", FONT)
            assert before["cover"]


def test_what_a_container_cannot_hold_is_told(
    painter: Painter, film: Callable[[str], Path], make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match=r"mp4 file cannot hold the source's subtitle \(s"):
        restore_video(painter, film("film.mkv"), tmp_path / "out.mp4", mask=logo)
    with pytest.warns(MetadataWarning, match="the source's text 'title', chapters") as told:
        restore_video(painter, film("film.mp4"), tmp_path / "out.ts", mask=logo)
    assert "audio 2's flag 'default'" in str(told[0].message)
    assert "language" not in str(told[0].message)


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_a_cover_is_kept_and_no_video(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path, name: str
) -> None:
    """Though it is the first that the file calls one."""
    from av.stream import Disposition

    plain, source, output = make_video("plain.mp4"), tmp_path / "in.mp4", tmp_path / name
    (tmp_path / "cover.jpg").write_bytes(COVER)
    with (
        av.open(str(plain)) as film,
        av.open(str(tmp_path / "cover.jpg")) as picture,
        av.open(str(source), "w") as container,
    ):
        cover = container.add_stream_from_template(picture.streams.video[0], opaque=True)
        cover.disposition = Disposition.attached_pic
        video = container.add_stream_from_template(film.streams.video[0], opaque=True)
        (packet,) = (packet for packet in picture.demux() if packet.size)
        packet.stream, packet.pts, packet.dts = cover, 0, 0
        container.mux(packet)
        for packet in film.demux():
            if packet.size:
                packet.stream = video
                container.mux(packet)
    assert restore_video(painter, source, output, mask=logo).frames == 12
    with av.open(str(output)) as container:
        (found,) = (s for s in container.streams if s.disposition & Disposition.attached_pic)
        (packet,) = (packet for packet in container.demux(found) if packet.size)
        assert bytes(packet) == COVER


def test_a_further_video_is_carried_over(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    first, second = make_video("first.mkv"), make_video("second.mkv")
    source, output = tmp_path / "in.mkv", tmp_path / "out.mkv"
    with (
        av.open(str(first)) as one,
        av.open(str(second)) as two,
        av.open(str(source), "w") as container,
    ):
        streams = [
            container.add_stream_from_template(f.streams.video[0], opaque=True) for f in (one, two)
        ]
        for film, stream in zip((one, two), streams, strict=True):
            for packet in film.demux():
                if packet.size:
                    packet.stream = stream
                    container.mux(packet)
    restore_video(painter, source, output, mask=logo)
    found = []
    for path in (source, output):
        with av.open(str(path)) as container:
            stream = container.streams.video[1]
            packets = [packet for packet in container.demux(stream) if packet.size]
            found.append([(packet.pts * packet.time_base, bytes(packet)) for packet in packets])
    assert [data for _, data in found[0]] == [data for _, data in found[1]]
    times = [[float(time) for time, _ in each] for each in found]
    assert np.subtract(*times) == pytest.approx(np.subtract(*times)[0], abs=0.002)


@pytest.mark.parametrize(("name", "codec"), [("in.avi", "mpeg4"), ("in.mp4", "libx264")])
def test_texts_that_are_not_utf8_are_kept(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path, name: str, codec: str
) -> None:
    source, output = make_video(name, codec=codec), tmp_path / f"out{Path(name).suffix}"
    latin1 = "a café".encode("latin-1")
    content = source.read_bytes()
    assert b"a title" in content
    source.write_bytes(content.replace(b"a title", latin1 + b"s"))
    restore_video(painter, source, output, mask=logo)
    assert latin1 + b"s" in output.read_bytes()


def test_teletext_is_left_out_and_told(painter: Painter, logo: Pixels, tmp_path: Path) -> None:
    """As nearly every television recording has it; PyAV cannot pass it on."""
    source, output = tmp_path / "in.ts", tmp_path / "out.ts"
    with av.open(str(source), "w") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.height, stream.width = logo.shape
        text = container.add_mux_stream("dvb_teletext")
        for index in range(6):
            frame = av.VideoFrame.from_ndarray(np.full((120, 160, 3), 90, np.uint8), "rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
            packet = av.Packet(b"\x10\x02\x2c" + b"\xff" * 44)
            packet.stream, packet.time_base = text, Fraction(1, 25)
            packet.pts = packet.dts = index
            container.mux(packet)
        container.mux(stream.encode(None))
    with av.open(str(source)) as container:
        assert container.streams.subtitles[0].codec_context is None
    with pytest.warns(MetadataWarning, match="the result does not have the source's subtitle$"):
        assert restore_video(painter, source, output, mask=logo).frames == 6


@pytest.mark.parametrize("name", ["in.mp4", "in.mov"])
def test_a_phone_s_texts(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path, name: str
) -> None:
    texts = {
        "com.apple.quicktime.make": "Apple",
        "com.android.version": "14",
        "location": "+48.8577+002.2950/",
        "creation_time": "2024-05-06T07:08:09.000000Z",
    }
    source, output = tmp_path / name, tmp_path / f"out-{name}"
    with (
        av.open(str(make_video("plain.mkv"))) as plain,
        av.open(
            str(source), "w", container_options={"movflags": "+use_metadata_tags"}
        ) as container,
    ):
        container.metadata.update(texts)
        stream = container.add_stream_from_template(plain.streams.video[0], opaque=True)
        for packet in plain.demux():
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    restore_video(painter, source, output, mask=logo)
    with av.open(str(output)) as container:
        kept = container.metadata
        assert kept["creation_time"].partition(";")[0] == texts.pop("creation_time")
        assert texts.items() <= kept.items()
        assert container.streams.video[0].metadata["creation_time"] == "2024-05-06T07:08:09.000000Z"


def test_names_with_a_colon(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path, monkeypatch: Any
) -> None:
    """Which FFmpeg takes for a protocol."""
    make_video("tape:1.mp4")
    monkeypatch.chdir(tmp_path)
    assert restore_video(painter, "tape:1.mp4", "out:1.mp4", mask=logo).frames == 12


MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
HDR = f"log-level=none:hdr10=1:max-cll=1000,400:master-display={MASTERING}"


@pytest.mark.parametrize("codec", ["libx265", "libsvtav1", "libx264", "mpeg4"])
def test_hdr(painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path, codec: str) -> None:
    def colours(_: Any, stream: Any) -> None:
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9
        stream.time_base = context.time_base = Fraction(1, 25)

    options = {"x265-params": HDR, "preset": "ultrafast"}
    source = make_video(
        codec="libx265", pix_fmt="yuv420p10le", options=options, prepare=colours, count=6
    )
    output, encoding = tmp_path / "out.mp4", Encoding(None if codec == "libx265" else codec)
    frames = []
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        restore_video(painter, source, output, mask=logo, encoding=encoding)
    for path in (source, output):
        with av.open(str(path)) as container:
            frames.append(next(container.decode(video=0)))
    new = frames[1]
    if codec == "mpeg4":
        words = " ".join(str(each.message) for each in told)
        assert "HDR light level, HDR mastering display" in words
        return
    assert not told
    assert (new.color_primaries, new.color_trc, new.colorspace) == (9, 16, 9)
    kinds = "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL"
    light = [np.frombuffer(side_data(each, kinds[1]), np.uint32)[:2].tolist() for each in frames]
    assert light[0] == light[1] == [1000, 400]
    ratios = [np.frombuffer(side_data(each, kinds[0]), np.int32)[:20] for each in frames]
    values = [each[::2] / each[1::2] for each in ratios]
    np.testing.assert_allclose(values[1], values[0], rtol=2e-3)
    assert values[0][9] == 1000.0


@pytest.mark.parametrize("name", ["out.mov", "out.avi"])
def test_a_camera_s_exif(painter: Painter, logo: Pixels, tmp_path: Path, name: str) -> None:
    """In each frame: its orientation is kept, and that the rest is not is told."""
    source, output = tmp_path / "in.mov", tmp_path / name
    write_exif_video(source, np.full((160, 120, 3), 200, np.uint8))
    with pytest.warns(MetadataWarning, match="does not have the source's EXIF$"):
        restore_video(painter, source, output, mask=logo)
    before, after = frames_of(source)[0], frames_of(output)[0]
    assert before.shape == after.shape == (120, 160, 3)
    assert np.abs(after.astype(int) - before)[40:].mean() < 3.0
    assert np.abs(after[12:28, 104:146].astype(int) - 127).mean() < 6.0


def test_what_frames_bring_that_pyav_cannot_name(
    make_video: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is told by its number."""
    names = {"UNKNOWN_99", "PANSCAN", "VIEW_ID"}
    monkeypatch.setattr("inpaint_sdk.video.kept.side_data_names", lambda _: names)
    facts = facts_of(make_video(count=2))
    assert facts["frames' data 'UNKNOWN_99'"]
    assert facts["second view"]
    assert not [name for name in facts if "PANSCAN" in name]


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.avi"])
def test_a_mirrored_video_is_shown_as_before(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path, name: str
) -> None:
    """With its samples where they were, if the container can say so."""

    def turn(_: Any, stream: Any) -> None:
        stream.set_display_matrix(MATRIX)
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    source, output = make_video(prepare=turn, count=2), tmp_path / name
    restore_video(painter, source, output, mask=logo.T.copy())
    with av.open(str(source)) as before, av.open(str(output)) as after:
        old, new = next(before.decode(video=0)), next(after.decode(video=0))
        shape = after.streams.video[0].sample_aspect_ratio
        shown = old.to_ndarray(format="rgb24").swapaxes(0, 1)
        if name == "out.avi":
            found = new.to_ndarray(format="rgb24")
            assert shape == Fraction(3, 4)
        else:
            found = new.to_ndarray(format="rgb24").swapaxes(0, 1)
            assert np.array_equal(np.frombuffer(side_data(new, "DISPLAYMATRIX"), np.int32), MATRIX)
            assert shape == Fraction(4, 3)
    assert np.abs(found.astype(int) - shown)[:, 40:].mean() < 3.0
    assert np.abs(found[104:146, 12:28].astype(int) - 127).mean() < 6.0


def test_a_time_code(painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path) -> None:
    def start(container: Any, _: Any) -> None:
        container.metadata["timecode"] = "01:00:00:00"

    source, output = make_video("in.mov", prepare=start), tmp_path / "out.mov"
    restore_video(painter, source, output, mask=logo)
    assert facts_of(output) == facts_of(source)
    assert facts_of(source)["video's timecode"] == "01:00:00:00"


def test_apple_s_mark_of_hevc(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    def mark(_: Any, stream: Any) -> None:
        stream.codec_context.codec_tag = "hvc1"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 25)

    options = {"x265-params": "log-level=none", "preset": "ultrafast"}
    source = make_video(codec="libx265", options=options, prepare=mark, count=6)
    for name, tag in (("out.mp4", "hvc1"), ("out.mkv", "\0\0\0\0")):
        restore_video(painter, source, tmp_path / name, mask=logo)
        with av.open(str(tmp_path / name)) as container:
            assert container.streams.video[0].codec_context.codec_tag == tag
    assert len(frames_of(tmp_path / "out.mp4")) == 6
