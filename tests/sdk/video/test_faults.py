"""Videos with a damaged part: what can be read is restored, and the rest is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from inpaint_sdk import FileWarning, ImageError, MaskError
from inpaint_sdk.cli.main import main
from inpaint_sdk.stream import open_source
from inpaint_sdk.video import restore_video
from support.videos import Painter, frames_of

av = pytest.importorskip("av")
Make = Callable[..., Path]
Pixels = NDArray[Any]


def wipe(path: Path, index: int = 6) -> None:
    """Zeros in the place of one packet, as a bad sector leaves them."""
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        at, size = packets[index].pos, packets[index].size
    head = 8 if path.suffix == ".avi" else 0
    content = bytearray(path.read_bytes())
    content[at + head : at + size] = bytes(size - head)
    path.write_bytes(content)


KINDS = [
    ("in.mp4", "libx264", "yuv420p"),
    ("in.mp4", "mpeg4", "yuv420p"),
    ("in.avi", "mjpeg", "yuvj420p"),
    ("in.mov", "prores_ks", "yuv422p10le"),
]


@pytest.mark.parametrize(("name", "codec", "pix_fmt"), KINDS)
@pytest.mark.parametrize("index", [6, 11])
@pytest.mark.parametrize("damage", ["frame", "static"])
def test_one_bad_packet(
    painter: Painter,
    make_video: Make,
    logo: Pixels,
    tmp_path: Path,
    name: str,
    codec: str,
    pix_fmt: str,
    index: int,
    damage: Any,
) -> None:
    """Also the last one."""
    options = {"bf": "0"} if codec == "libx264" else {}
    source = make_video(name, codec=codec, pix_fmt=pix_fmt, options=options)
    wipe(source, index)
    output = tmp_path / f"out{source.suffix}"
    with pytest.warns(
        FileWarning, match=f"{source}: damaged packets: 1; their frames are left out"
    ):
        mask = logo if damage == "frame" else None
        painter.mask = logo
        report = restore_video(painter, source, output, mask=mask, damage=damage)
    assert (report.frames, report.damaged_packets) == (11, 1)
    with av.open(str(output)) as container:
        times = [round(frame.time / 0.04) for frame in container.decode(video=0)]
    assert times == [time for time in range(12) if time != index]


def test_the_same_frames_from_a_source(make_video: Make) -> None:
    source = make_video(options={"bf": "0"})
    wipe(source)
    with pytest.warns(FileWarning, match="damaged packets: 1"), open_source(str(source)) as frames:
        assert len(list(frames)) == 11


def test_masks_need_all_frames(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    """Or those after a missing one would be another frame's."""
    whole, source = make_video("masks.mp4"), make_video()
    wipe(source)
    with pytest.raises(ImageError, match=r"in\.mp4, it may be damaged"):
        restore_video(painter, source, tmp_path / "out.mp4", mask_video=whole)
    with pytest.raises(MaskError, match=r"in\.mp4, it may be damaged"):
        restore_video(painter, whole, tmp_path / "out.mp4", mask_video=source)
    assert sorted(tmp_path.iterdir()) == sorted([whole, source])


def test_a_size_that_changes(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    source, other = make_video("in.ts"), tmp_path / "other.ts"
    with av.open(str(other), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = 64, 48
        for index in range(12):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    source.write_bytes(source.read_bytes() + other.read_bytes())

    class Careless(Painter):
        def run(self, image: Any, mask: Any = None, *, out: Any) -> Any:
            return super().run(image, np.zeros(out.shape[:2], np.uint8), out=out)

    with pytest.raises(ImageError, match="changes its size from 160x120 to 64x48 after 12 frames"):
        restore_video(Careless(), source, tmp_path / "out.mp4", mask=logo)
    assert sorted(tmp_path.iterdir()) == sorted([source, other])


def test_the_command_tells(make_video: Make, logo: Pixels, tmp_path: Path) -> None:
    import cv2

    cv2.imwrite(str(tmp_path / "logo.png"), logo)
    source, output = make_video(options={"bf": "0"}), tmp_path / "out.mkv"
    wipe(source)
    command = ["video", source, output, "--mask", tmp_path / "logo.png"]
    done = CliRunner().invoke(main, [str(part) for part in command])
    assert done.exit_code == 0, done.output
    assert f"warning: {source}: damaged packets: 1; their frames are left out\n" in done.output
    assert len(frames_of(output)) == 11


def test_a_file_cut_before_its_index_is_told(
    painter: Painter, make_video: Make, logo: Pixels, tmp_path: Path
) -> None:
    source = make_video()
    data = source.read_bytes()
    for end in (data.index(b"mdat") + 5, len(data) // 2, data.index(b"moov") - 4):
        source.write_bytes(data[:end])
        with pytest.raises(ImageError, match=r"cannot read .*in\.mp4, it may be"):
            restore_video(painter, source, tmp_path / "out.mp4", mask=logo)
    assert list(tmp_path.iterdir()) == [source]


def test_sound_that_begins_late(make_video: Make, logo: Pixels, tmp_path: Path) -> None:
    """PyAV passes over it, and before 19 ends with an IndexError, by which its loss is told."""
    path = make_video("in.flv", codec="flv", count=300)
    sound = b"\x22" + bytes(64)
    tag = b"\x08" + len(sound).to_bytes(3, "big") + (12_000).to_bytes(3, "big") + bytes(4) + sound
    path.write_bytes(path.read_bytes() + tag + len(tag).to_bytes(4, "big"))
    with open_source(str(path)) as frames:
        assert sum(1 for _ in frames) == 300
    if int(av.__version__.split(".")[0]) < 19:
        with pytest.raises(ImageError, match=r"begins too late.*ffmpeg -probesize"):
            restore_video(Painter(), path, tmp_path / "out.flv", mask=logo)
        assert not (tmp_path / "out.flv").exists()
