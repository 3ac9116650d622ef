"""How a video is turned when it is shown."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inpaint_sdk.images.image import Pixels

if TYPE_CHECKING:
    from av import VideoFrame

NEWER = {28: "LCEVC", 29: "VIEW_ID", 30: "THREE_D_REFERENCE_DISPLAYS", 31: "EXIF"}
"""Names that PyAV 19 gave to kinds of side data, by FFmpeg's numbers."""


@dataclass(frozen=True)
class Orientation:
    """From the stored picture to the shown one: first transposed, then mirrored.

    transposed: rows become columns. upside_down, mirrored: rows, columns change their order.
    matrix: the nine numbers of the file, empty where a picture is shown as it is stored.
    """

    transposed: bool = False
    upside_down: bool = False
    mirrored: bool = False
    matrix: Sequence[int] = ()

    def __bool__(self) -> bool:
        return self.transposed or self.upside_down or self.mirrored

    def to_shown(self, stored: Pixels) -> Pixels:
        """Pixels [H, W, ...] as they are shown, a view."""
        return self._mirror(stored.swapaxes(0, 1) if self.transposed else stored)

    def to_stored(self, shown: Pixels) -> Pixels:
        """Pixels [H, W, ...] as they are stored, a view."""
        mirrored = self._mirror(shown)
        return mirrored.swapaxes(0, 1) if self.transposed else mirrored

    def _mirror(self, pixels: Pixels) -> Pixels:
        return pixels[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1]


def orientation_of(frame: VideoFrame) -> Orientation:
    """How a frame is turned when it is shown, by quarter turns."""
    stored = side_data(frame, "DISPLAYMATRIX")
    if len(stored) != 36:
        return Orientation()
    matrix = struct.unpack("=9i", stored)
    # Column and row of the stored picture become x = a column + c row, y = b column + d row.
    a, b, _, c, d = matrix[:5]
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, d < 0, a < 0, matrix)
    return Orientation(True, b < 0, c < 0, matrix)


def side_data(frame: VideoFrame, name: str) -> bytes:
    """What a frame brings beside its pixels, by PyAV's name; empty if it has no such data."""
    try:
        return bytes(_side_data(frame)[name])
    except KeyError:
        return b""


def side_data_names(frame: VideoFrame) -> set[str]:
    """PyAV's names of what a frame brings beside its pixels.

    Of what is newer than PyAV: UNKNOWN_ and FFmpeg's number.
    """
    # PyAV 19 goes through kinds, earlier ones through data, of which some may be of one kind.
    return {getattr(each, "type", each).name for each in _side_data(frame)}


def _side_data(frame: VideoFrame) -> Any:
    """As ``frame.side_data``, which the frame keeps and which keeps the frame.

    Both would be there until the garbage collector runs: a hundred frames later, with their pixels
    and their converters' threads.
    """
    from av.sidedata.sidedata import SideDataContainer, Type

    if "_missing_" not in vars(Type):  # before PyAV 19, one kind without a name hid all others
        Type._missing_ = classmethod(_unknown)  # type: ignore[method-assign, assignment]
    container: Any = SideDataContainer  # its stub lacks the argument
    return container(frame)


def _unknown(kinds: Any, value: object) -> Any:
    """A kind of side data that is no member, as PyAV 19 makes it; None if it is no number."""
    if not isinstance(value, int):
        return None
    kind = object.__new__(kinds)
    kind._name_, kind._value_ = NEWER.get(value, f"UNKNOWN_{value}"), value
    return kinds._value2member_map_.setdefault(value, kind)
