"""How a video is turned when it is shown."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inpaint_sdk.images.image import Pixels

if TYPE_CHECKING:
    from av import VideoFrame


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
    except (KeyError, ValueError):  # ValueError: one of its data is newer than PyAV
        return b""


def side_data_names(frame: VideoFrame) -> set[str]:
    """PyAV's names of what a frame brings beside its pixels, as far as PyAV knows them."""
    try:
        found = _side_data(frame)
        return {found[index].type.name for index in range(len(found))}
    except (KeyError, ValueError):
        return set()


def _side_data(frame: VideoFrame) -> Any:
    """As ``frame.side_data``, which the frame keeps and which keeps the frame.

    Both would be there until the garbage collector runs: a hundred frames later, with their pixels
    and their converters' threads.
    """
    from av.sidedata.sidedata import SideDataContainer

    container: Any = SideDataContainer  # its stub lacks the argument
    return container(frame)
