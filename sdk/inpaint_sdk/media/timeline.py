"""Times that go on, whatever a recording's clock does."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av import VideoFrame

BROADCAST_GAP = 10.0
"""Seconds by which a broadcast's clock may leap; by more, it was set anew. As in ffmpeg."""

LONGEST_GAP = 30 * 3600.0
"""The same for files whose pictures may stand for long, like recordings of a screen."""

BROADCAST_BACK, BACK = 0.1, 1.0
"""Seconds by which times may go back before the clock counts as set anew."""

LATEST = 1e9
"""Seconds; later times are damage."""


class Timeline:
    """Moves packets in time so that they go on where the clock of a recording was set anew.

    Recordings that were joined, DVDs whose clock begins again with each cell, and clocks that wrap
    have such places. All streams are moved alike, so that they stay in step.

    Args:
        is_broadcast: the container allows a clock to be set anew, like a transport stream.
        start: seconds at which the recording begins; they are taken off.
    """

    def __init__(self, *, is_broadcast: bool, start: float = 0.0) -> None:
        self._gap = BROADCAST_GAP if is_broadcast else LONGEST_GAP
        self._back = BROADCAST_BACK if is_broadcast else BACK
        self._offset = -start
        self._last: dict[int, float] = {}
        self._duration: dict[int, float] = {}

    def move(self, packet: Any) -> None:
        """Sets the times of a packet, which come in the order of the file."""
        unit = float(packet.time_base)
        for name in ("pts", "dts"):
            time = getattr(packet, name)
            if time is not None and abs(time) * unit > LATEST:
                setattr(packet, name, None)
        # Other streams' packets come seldom, and out of order.
        if packet.dts is not None and packet.stream.type in ("audio", "video"):
            self._follow(packet.stream.index, packet.dts * unit, (packet.duration or 0) * unit)
        shift = round(self._offset / unit)
        for name in ("pts", "dts"):
            time = getattr(packet, name)
            if time is not None:
                setattr(packet, name, time + shift)

    def _follow(self, stream: int, time: float, duration: float) -> None:
        at, last = time + self._offset, self._last.get(stream)
        if last is not None:
            expected = last + self._duration[stream]
            if at < last - self._back or abs(at - expected) > self._gap:
                self._offset += expected - at
                at = expected
            elif not duration:  # which not all files tell
                duration = at - last
        self._last[stream] = at
        self._duration[stream] = min(max(duration, 0.0), self._gap)


class FrameTimes:
    """Times of frames, strictly increasing.

    Frames that have none, as in a bare H.264 stream, follow each other at the video's rate.
    """

    def __init__(self, rate: Fraction) -> None:
        self._step = 1 / rate
        self._last: Fraction | None = None

    def set(self, frame: VideoFrame) -> None:
        """Sets the time of a frame; frames come in the order in which they are shown."""
        base = frame.time_base
        unit = Fraction(base.numerator, base.denominator) if base else self._step
        time = None if frame.pts is None else frame.pts * unit
        if self._last is not None and (time is None or time <= self._last):
            pause = self._step if time is None else min(unit, self._step)
            time = self._last + pause
        pts = round((time or Fraction(0)) / unit)
        if self._last is not None and pts * unit <= self._last:
            pts += 1
        frame.time_base, frame.pts = unit, pts
        self._last = pts * unit
