from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from inpaint_sdk.media.timeline import FrameTimes, Timeline

VIDEO, SOUND, TEXT = (
    SimpleNamespace(index=index, type=kind)
    for index, kind in enumerate(("video", "audio", "subtitle"))
)


def packet(stream: Any, seconds: float | None, duration: float = 0.04) -> Any:
    """In units of a millisecond, shown 80 ms after it is decoded."""
    dts = None if seconds is None else round(1000 * seconds)
    return SimpleNamespace(
        stream=stream,
        time_base=Fraction(1, 1000),
        dts=dts,
        pts=None if dts is None else dts + 80,
        duration=round(1000 * duration),
    )


def moved(timeline: Timeline, *packets: Any) -> list[int]:
    for each in packets:
        timeline.move(each)
        if each.dts is not None:
            assert each.pts == each.dts + 80
    return [each.dts for each in packets]


@pytest.mark.parametrize("duration", [0.04, 0.0])
def test_a_clock_that_is_set_back_goes_on(duration: float) -> None:
    """Whether or not the file says how long packets last."""
    timeline = Timeline(is_broadcast=True, start=1.4)
    packets = [packet(VIDEO, time, duration) for time in (1.4, 1.44, 1.48, 1.3, 1.34, 1.0)]
    assert moved(timeline, *packets) == [0, 40, 80, 120, 160, 200]


def test_all_streams_are_moved_alike() -> None:
    timeline = Timeline(is_broadcast=True)
    first = packet(VIDEO, 9000.0), packet(SOUND, 9000.0), packet(TEXT, 9000.0)
    second = packet(VIDEO, 100.0), packet(SOUND, 100.01), packet(TEXT, 100.02)
    assert moved(timeline, *first) == [9_000_000] * 3
    assert moved(timeline, *second) == [9_000_040, 9_000_050, 9_000_060]


@pytest.mark.parametrize(
    ("is_broadcast", "after", "expected"),
    [(True, 5, 5), (True, 50, 0.04), (False, 50, 50), (False, 9e5, 0.04)],
)
def test_how_far_a_clock_may_leap(is_broadcast: bool, after: float, expected: float) -> None:
    """In a broadcast 10 s, elsewhere a picture may stand for more than a day."""
    timeline = Timeline(is_broadcast=is_broadcast)
    found = moved(timeline, packet(VIDEO, 0.0), packet(VIDEO, after))
    assert found == [0, round(1000 * expected)]


def test_subtitles_may_come_in_any_order() -> None:
    found = moved(Timeline(is_broadcast=True), *(packet(TEXT, at) for at in (50.0, 3.0, 900.0)))
    assert found == [50_000, 3_000, 900_000]


def test_times_that_cannot_be_are_left_out() -> None:
    timeline = Timeline(is_broadcast=False)
    found = moved(timeline, packet(VIDEO, 0.0), packet(VIDEO, None), packet(VIDEO, 1e15))
    assert found == [0, None, None]


def frame(pts: int | None) -> Any:
    return SimpleNamespace(pts=pts, time_base=Fraction(1, 1000))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([0, 40, 80], [0, 40, 80]),
        ([None, None, None], [0, 40, 80]),
        ([100, None, 500, None], [100, 140, 500, 540]),
        ([0, 0, 0, 40], [0, 1, 2, 40]),
        ([0, 80, 40, 120], [0, 80, 81, 120]),
    ],
)
def test_frames_follow_each_other(given: list[int | None], expected: list[int]) -> None:
    times = FrameTimes(Fraction(25))
    frames = [frame(pts) for pts in given]
    for each in frames:
        times.set(each)
    assert [each.pts for each in frames] == expected
