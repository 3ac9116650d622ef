from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

from inpaint_sdk.media.orientation import orientation_of, side_data_names
from inpaint_sdk.media.pixels import to_8bit, to_rgb
from support.videos import write_exif_video

av = pytest.importorskip("av")

CORNERS = np.zeros((48, 64, 3), np.uint8)
CORNERS[:24, :32] = 250
CORNERS[:24, 32:] = 120


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_video_as_it_is_shown(tmp_path: Path, turns: int, mirrored: bool) -> None:
    path = tmp_path / "in.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = CORNERS.shape[:2]
        stream.set_display_rotation(90 * turns, hflip=mirrored)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(CORNERS, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    stored = frame.to_ndarray(format="rgb24")
    shown = np.rot90(stored, turns)
    shown = shown[:, ::-1] if mirrored else shown
    np.testing.assert_array_equal(to_rgb(frame), shown)
    np.testing.assert_array_equal(to_8bit(frame, "bgr"), shown[..., ::-1])
    orientation = orientation_of(frame)
    np.testing.assert_array_equal(orientation.to_stored(shown), stored)
    assert bool(orientation) == bool(turns or mirrored)


def test_what_is_newer_than_pyav_hides_nothing(tmp_path: Path) -> None:
    """As EXIF is before PyAV 19, beside the orientation that FFmpeg reads from it."""
    write_exif_video(tmp_path / "in.mov", CORNERS)
    with av.open(str(tmp_path / "in.mov")) as container:
        frame = next(container.decode(video=0))
    assert side_data_names(frame) == {"DISPLAYMATRIX", "EXIF"}
    stored = frame.to_ndarray(format="rgb24")
    np.testing.assert_array_equal(to_rgb(frame), np.rot90(stored, -1))


def test_kinds_of_side_data_without_a_name() -> None:
    from av.sidedata.sidedata import Type

    side_data_names(av.VideoFrame(64, 48, "yuv420p"))
    assert (Type(6).name, Type(99).name) == ("DISPLAYMATRIX", "UNKNOWN_99")
    assert Type(99) is Type(99)
    with pytest.raises(ValueError, match="EXIF"):
        Type("EXIF")


def test_a_frame_is_freed_when_it_is_dropped() -> None:
    """Not by the garbage collector, which lets a hundred frames of a video pile up."""
    frame = av.VideoFrame(64, 48, "yuv420p")
    gc.collect()
    gc.disable()
    try:
        to_rgb(frame)
        side_data_names(frame)
        del frame
        assert gc.collect() == 0
    finally:
        gc.enable()
