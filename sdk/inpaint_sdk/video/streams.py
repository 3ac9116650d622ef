"""Reading and writing video files, with the streams that are only carried over."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from inpaint_sdk.errors import BackendError, ImageError, InpaintError, OutputError
from inpaint_sdk.files import writing

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer, OutputContainer

FrameOrPacket: TypeAlias = Any
"""A decoded ``av.VideoFrame``, or an ``av.Packet`` of another stream."""

ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Encoders by the codec of the source, where FFmpeg's own choice may be another."""

CRF = {"libx264": 18, "libx265": 20, "libvpx-vp9": 24, "libsvtav1": 24}
"""Constant quality at which an encoder's loss is hardly visible."""


def import_av() -> Any:
    """PyAV; raises ``BackendError`` that says how to get it."""
    try:
        import av
    except ImportError as error:
        raise BackendError(
            f"video needs PyAV ({error}). Install it: pip install 'inpaint-sdk[video]'"
        ) from error
    return av


@contextmanager
def open_input(path: Path, error: type[InpaintError]) -> Iterator[InputContainer]:
    """A file to read that has a video stream; if it cannot be opened, ``error`` is raised."""
    av = import_av()
    if not path.exists():
        raise error(f"there is no file {path}")
    with _reading(path, error):
        container = av.open(str(path))
    with container:
        if not container.streams.video:
            raise error(f"{path} has no video")
        yield container


def decode(container: InputContainer, error: type[InpaintError]) -> Iterator[FrameOrPacket]:
    """The frames of the first video stream, and the packets of the streams to be carried over.

    A file that turns out to be damaged is raised as ``error``.
    """
    video = container.streams.video[0]
    video.thread_type = "AUTO"
    with _reading(container.name, error):
        for packet in container.demux():
            if packet.stream.index == video.index:
                yield from packet.decode()
            elif packet.dts is not None:  # one without is the end of its stream
                yield packet


def read_frames(path: Path, error: type[InpaintError]) -> Generator[VideoFrame, None, None]:
    """The frames of a file's first video stream; what is wrong with it is raised as ``error``."""
    with open_input(path, error) as container:
        for item in decode(container, error):
            if isinstance(item, import_av().VideoFrame):
                yield item


def count_frames(path: Path) -> int:
    """Number of frames of a file's first video stream.

    Packets are counted, which are read and not decoded: Matroska files do not say how many there
    are, and the headers of others may be wrong.

    Raises:
        ImageError: the file cannot be read, has no frames, or is cut short, as far as that shows:
            its last packet is not whole, or more than a twentieth of its duration is missing.
    """
    with open_input(path, ImageError) as container, _reading(path, ImageError):
        video, count, end, is_whole = container.streams.video[0], 0, 0.0, True
        for packet in container.demux():
            if not packet.size:  # the end of its stream
                continue
            count += packet.stream.index == video.index
            is_whole = not packet.is_corrupt
            if packet.pts is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if not count:
            raise ImageError(f"{path} has no frames")
        duration = (container.duration or 0) / import_av().time_base
        is_broadcast = container.format.name == "mpegts"  # which begins and ends anywhere
        if end < 0.95 * duration - 0.1 or not (is_whole or is_broadcast):
            raise ImageError(
                f"{path} is cut short: it ends after {end:.1f} of {duration:.1f} s. To restore "
                "what there is, repair it first: ffmpeg -i FILE -map 0 -c copy REPAIRED"
            )
        return count


@contextmanager
def _reading(path: Path | str, error: type[InpaintError]) -> Iterator[None]:
    """Raises what FFmpeg finds wrong with a file as ``error``."""
    try:
        yield
    except import_av().FFmpegError as reason:
        raise error(f"cannot read {path}, it may be damaged: {reason}") from reason


@dataclass(frozen=True)
class Encoding:
    """How a result is compressed.

    codec: FFmpeg's name of an encoder; None for the source's codec. crf: constant quality, lower is
    better; None for a loss that is hardly visible. preset: of x264 and x265, from ultrafast to
    slow.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None


@contextmanager
def open_output(
    partial: Path, output: Path, source: InputContainer, encoding: Encoding
) -> Iterator[Sink]:
    """A video file to write, finished at the end.

    partial: where it is written. output: where it will be, for messages.
    """
    av = import_av()
    with writing(output, av.FFmpegError):
        try:
            container = av.open(str(partial), "w")
        except ValueError as error:
            raise OutputError(f"FFmpeg knows no container for {output.name}: {error}") from error
    try:
        sink = Sink(container, output, source, encoding)
        yield sink
        sink.finish()
    except BaseException:
        with suppress(av.FFmpegError):  # what was wrong before matters
            container.close()
        raise


class Sink:
    """Encodes frames and carries packets over into an output file.

    Raises:
        OutputError: the file cannot hold one of the source's streams. Of all methods: it cannot be
            written.
    """

    def __init__(
        self, container: OutputContainer, output: Path, source: InputContainer, encoding: Encoding
    ) -> None:
        self._av = import_av()
        self._container = container
        self._output = output
        self._source = source
        self._encoding = encoding
        self._video: Any = None
        self._waiting: list[Any] = []
        container.metadata.update(source.metadata)
        self._carried = {
            stream.index: self._carry(stream)
            for stream in source.streams
            if stream.type in ("audio", "subtitle")
        }

    def write(self, item: FrameOrPacket) -> None:
        """Encodes a frame, or carries over a packet of another stream."""
        with writing(self._output, self._av.FFmpegError):
            if isinstance(item, self._av.VideoFrame):
                if self._video is None:
                    self._video = self._open_encoder(item)
                    for packet in self._waiting:
                        self._mux_carried(packet)
                self._container.mux(self._video.encode(item))
            elif self._video is None:  # the file's header must name every stream
                self._waiting.append(item)
            else:
                self._mux_carried(item)

    def finish(self) -> None:
        """Writes what the encoder still holds, and closes the file."""
        with writing(self._output, self._av.FFmpegError):
            if self._video is not None:
                self._container.mux(self._video.encode(None))
            self._container.close()

    def _mux_carried(self, packet: Any) -> None:
        if packet.stream.index in self._carried:
            packet.stream = self._carried[packet.stream.index]
            self._container.mux(packet)

    def _carry(self, stream: Any) -> Any:
        try:
            carried = self._container.add_stream_from_template(stream)
        except (self._av.FFmpegError, ValueError) as error:
            raise OutputError(
                f"a {self._container.format.name} file cannot hold the source's {stream.type} "
                f"({stream.codec_context.name}); give an output with the source's suffix, or .mkv"
            ) from error
        carried.metadata.update(stream.metadata)
        return carried

    def _open_encoder(self, frame: VideoFrame) -> Any:
        source = self._source.streams.video[0]
        codec = source.codec_context.name
        name = self._encoding.codec or ENCODERS.get(codec, codec)
        if name not in self._av.codecs_available or not self._can_encode(name):
            raise OutputError(
                f"FFmpeg has no encoder {name!r} here; name one with --codec, like libx264"
            )
        stream: Any = self._container.add_stream(name, rate=source.average_rate or 25)
        context = stream.codec_context
        context.width, context.height = frame.width, frame.height
        context.pix_fmt = self._pixel_format(name, frame.format.name)
        context.time_base = source.time_base
        stream.time_base = source.time_base
        if source.sample_aspect_ratio:
            context.sample_aspect_ratio = source.sample_aspect_ratio
        for field in ("color_range", "color_primaries", "color_trc", "colorspace"):
            setattr(context, field, getattr(source.codec_context, field))
        options = {}
        crf = self._encoding.crf if self._encoding.crf is not None else CRF.get(name)
        if crf is not None:
            options["crf"] = str(crf)
        if name == "libvpx-vp9":
            context.bit_rate = 0  # or a quality is not all that counts
        elif name not in CRF and source.codec_context.bit_rate:
            context.bit_rate = source.codec_context.bit_rate
        if self._encoding.preset:
            options["preset"] = self._encoding.preset
        context.options = options
        stream.metadata.update(source.metadata)
        return stream

    def _can_encode(self, name: str) -> bool:
        try:
            self._av.Codec(name, "w")
        except Exception:  # its exception class has moved between versions
            return False
        return True

    def _pixel_format(self, codec: str, wanted: str) -> str:
        """The source's pixel format if the encoder has it, else the encoder's first."""
        known = [f.name for f in self._av.Codec(codec, "w").video_formats or ()]
        return wanted if wanted in known or not known else str(known[0])
