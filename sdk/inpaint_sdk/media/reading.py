"""Video files: frames of the video that is restored, and packets of everything beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from PIL import Image as PILImage

from inpaint_sdk.errors import BackendError, ImageError, InpaintError
from inpaint_sdk.media.timeline import FrameTimes, Timeline

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer

FrameOrPacket: TypeAlias = Any
"""A decoded ``av.VideoFrame``, or an ``av.Packet`` of another stream."""

USUAL_RATE = Fraction(25)
"""Frames a second where a file does not tell."""

HIGHEST_RATE = 1000
"""Frames a second; a higher rate is a clock's, not a video's."""

ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Decoders that see transparency, which FFmpeg's own do not."""


def import_av() -> Any:
    """PyAV; raises ``BackendError`` that says how to get it."""
    try:
        import av
    except ImportError as error:
        raise BackendError(
            f"video needs PyAV ({error}). Install it: pip install 'inpaint-sdk[video]'"
        ) from error
    return av


def open_container(path: Path, mode: str, options: dict[str, str] | None = None) -> Any:
    """A file opened by PyAV. Texts that are not UTF-8 come and go as they are, byte for byte.

    mode: "r" or "w". options: FFmpeg's of the container.
    """
    av = import_av()
    # PyAV 19 does so without being told, and no longer takes the argument.
    is_told = int(av.__version__.split(".")[0]) < 19
    texts = {"metadata_errors": "surrogateescape"} if is_told else {}
    # Without the scheme, a colon in the name would end one.
    return av.open(f"file:{path}", mode, container_options=options, **texts)


class VideoFile:
    """An open video file. Made by :func:`open_video`.

    Attributes:
        container: PyAV's.
        stream: the video that is restored: the first that is no cover.
        rate: its frames a second, on average.
        damaged_packets: number of packets so far that could not be decoded.
        has_late_stream: whether PyAV, which passes over its packets, told of a stream that begins
            after what FFmpeg looks at to find them. Known at the end; PyAV 19 does not tell.
    """

    def __init__(self, path: Path, container: InputContainer, error: type[InpaintError]) -> None:
        self.path = path
        self.container = container
        if not container.streams:
            raise error(f"cannot read {path}, it may be cut short: it holds no streams")
        videos = [stream for stream in container.streams.video if not is_cover(stream)]
        if not videos:
            raise error(f"{path} has no video")
        self.stream: Any = videos[0]
        if self.stream.codec_context is None:
            raise error(f"{path}: FFmpeg has no decoder for its video here")
        self.rate = _rate(self.stream)
        self.damaged_packets = 0
        self.has_late_stream = False
        self._error = error

    @property
    def damage(self) -> str:
        """What is told of packets that could not be decoded."""
        return f"{self.path}: damaged packets: {self.damaged_packets}; their frames are left out"

    @property
    def codec(self) -> str:
        """FFmpeg's name of the video's codec, whatever decoder is used."""
        return str(self.stream.codec_context.codec.canonical_name)

    @property
    def is_broadcast(self) -> bool:
        """Whether the container begins and ends anywhere, and its clock may be set anew."""
        return has_flags(self.container.format, "ts_discont", "no_timestamps")

    def packets(self) -> Iterator[Packet[Any]]:
        """All streams' packets, and at the end an empty one of each."""
        try:
            yield from self.container.demux()
        except IndexError:  # in place of the empty packet of a stream that began late
            self.has_late_stream = True

    def read(self, *, whole: bool = False) -> Generator[FrameOrPacket, None, None]:
        """The frames of the video, and the packets of all other streams.

        A packet that cannot be decoded is left out and counted, as players do.

        whole: raise an error instead.

        Raises:
            error: the file cannot be read, or more of its packets are damaged than can be decoded.
        """
        av = import_av()
        start = self.container.start_time if self.is_broadcast else None
        timeline = Timeline(is_broadcast=self.is_broadcast, start=(start or 0) / av.time_base)
        times, decoder, frames = FrameTimes(self.rate), self._decoder(), 0
        in_order: deque[int] | None = deque() if self.container.format.name == "avi" else None
        with reading(self.path, self._error):
            for packet in self.packets():
                is_last = not packet.size and packet.dts is None
                if not is_last:
                    timeline.move(packet)
                if packet.stream.index != self.stream.index:
                    if not is_last:
                        yield packet
                    continue
                try:
                    decoded = decoder.decode(packet)
                except av.FFmpegError as reason:
                    self.damaged_packets += not isinstance(reason, EOFError)
                    if whole and self.damaged_packets:
                        raise
                    continue
                # AVI files know when a packet comes, not when it is shown.
                if in_order is not None and packet.dts is not None:
                    in_order.append(packet.dts)
                for frame in decoded:
                    if in_order:
                        frame.pts = in_order.popleft()
                    times.set(frame)
                    frames += 1
                    yield frame
        if self.damaged_packets > frames:
            raise self._error(
                f"cannot read {self.path}, it may be damaged: "
                f"{self.damaged_packets} of its packets cannot be decoded"
            )

    def _decoder(self) -> Any:
        """Threads share a frame, not several: so each packet's errors are raised for it."""
        av = import_av()
        found = self.stream.codec_context
        texts = {key.lower(): text for key, text in self.stream.metadata.items()}
        has_alpha = texts.get("alpha_mode") == "1"
        if has_alpha and (name := ALPHA_DECODERS.get(self.codec)):
            found = av.CodecContext.create(name, "r")
            found.extradata = self.stream.codec_context.extradata
        found.thread_type = "SLICE"
        # As for pictures, see PIL.
        found.options = {"max_pixels": str(2 * (PILImage.MAX_IMAGE_PIXELS or 2**30))}
        return found


@contextmanager
def open_video(path: Path, error: type[InpaintError]) -> Iterator[VideoFile]:
    """A file to read that has a video stream; if it cannot be opened, ``error`` is raised."""
    import_av()
    with reading(path, error):
        if not path.exists():
            raise error(f"there is no file {path}")
        container = open_container(path, "r")
    with container:
        yield VideoFile(path, container, error)


def read_frames(
    path: Path, error: type[InpaintError], *, whole: bool = False
) -> Generator[VideoFrame, None, None]:
    """The frames of a file's video, as :meth:`VideoFile.read` gives them."""
    with open_video(path, error) as video:
        for item in video.read(whole=whole):
            if isinstance(item, import_av().VideoFrame):
                yield item


def count_frames(path: Path) -> int:
    """Number of frames of a file's video.

    Packets are counted, which are read and not decoded: Matroska files do not say how many there
    are, and the headers of others may be wrong.

    Raises:
        ImageError: the file cannot be read, has no frames or a stream that begins too late to be
            kept, or is cut short, as far as that shows: its last packet is not whole, or more than
            a twentieth of its duration is missing.
    """
    with open_video(path, ImageError) as video, reading(path, ImageError):
        count, end, is_whole = 0, 0.0, True
        for packet in video.packets():
            if not packet.size:  # the end of its stream
                continue
            count += packet.stream.index == video.stream.index
            is_whole = not packet.is_corrupt
            if packet.pts is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if not count:
            raise ImageError(f"{path} has no frames")
        if video.has_late_stream:
            raise ImageError(
                f"{path} has a stream that begins too late to be kept. Write it anew first: ffmpeg "
                "-probesize 2G -analyzeduration 2G -i FILE -map 0 -c copy NEW"
            )
        duration = (video.container.duration or 0) / import_av().time_base
        if not video.is_broadcast and (end < 0.95 * duration - 0.1 or not is_whole):
            raise ImageError(
                f"{path} is cut short: it ends after {end:.1f} of {duration:.1f} s. To restore "
                "what there is, repair it first: ffmpeg -i FILE -map 0 -c copy REPAIRED"
            )
        return count


@contextmanager
def reading(path: Path | str, error: type[InpaintError]) -> Iterator[None]:
    """Raises what FFmpeg, or PyAV, finds wrong with a file as ``error``."""
    try:
        yield
    except (import_av().FFmpegError, OSError, OverflowError, UnicodeError) as reason:
        raise error(f"cannot read {path}, it may be damaged: {describe(reason)}") from reason


def describe(reason: Exception) -> str:
    """What PyAV tells of an error: FFmpeg's words for it, and the last line of its log."""
    words, log = getattr(reason, "strerror", None) or str(reason), getattr(reason, "log", None)
    return f"{words} ({log[2].strip()})" if log and log[2].strip() else words


def has_flags(container_format: Any, *names: str) -> bool:
    """Whether a container has any of these of PyAV's flags."""
    from av.format import Flags

    return any(container_format.flags & Flags[name].value for name in names)


def is_cover(stream: Any) -> bool:
    """Whether a stream is a picture that players show beside a recording."""
    from av.stream import Disposition

    still = Disposition.attached_pic | Disposition.timed_thumbnails
    return bool(stream.type == "video" and int(stream.disposition) & int(still))


def _rate(stream: Any) -> Fraction:
    """Frames a second, on average."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate and 0 < rate <= HIGHEST_RATE:
            return Fraction(rate.numerator, rate.denominator)
    return USUAL_RATE
