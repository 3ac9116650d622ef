"""Reading and writing video files, with the streams that are only carried over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from inpaint_sdk.errors import BackendError, ImageError, InpaintError, OutputError

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer, OutputContainer

FrameOrPacket: TypeAlias = Any
"""A decoded ``av.VideoFrame``, or an ``av.Packet`` of another stream."""

ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Encoders by the codec of the source, where FFmpeg's own choice may be another."""

CRF = {"libx264": 18, "libx265": 20, "libvpx-vp9": 24, "libsvtav1": 24}
"""Constant quality of each encoder that is close to what was restored."""


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
    """A file to read that has a video stream; what goes wrong with it is raised as ``error``."""
    av = import_av()
    if not path.exists():
        raise error(f"there is no file {path}")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise error(f"{path} has no video")
            yield container
    except av.FFmpegError as reason:
        raise error(f"cannot read {path}, it may be damaged: {reason}") from reason


def decode(container: InputContainer) -> Iterator[FrameOrPacket]:
    """The frames of the first video stream, and the packets of the streams to be carried over."""
    video = container.streams.video[0]
    video.thread_type = "AUTO"
    for packet in container.demux():
        if packet.stream.index == video.index:
            yield from packet.decode()
        elif packet.dts is not None:  # one without is the end of its stream
            yield packet


@dataclass(frozen=True)
class Encoding:
    """How a result is compressed.

    codec: FFmpeg's name of an encoder; None for the source's codec. crf: constant quality, lower is
    better; None for one that hardly shows. preset: of x264 and x265, from ultrafast to slow.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None


class Sink:
    """An output file: encodes frames and carries over packets. Closed by its context manager."""

    def __init__(self, path: Path, source: InputContainer, encoding: Encoding) -> None:
        self._av = import_av()
        self._path = path
        self._source = source
        self._encoding = encoding
        try:
            self._container: OutputContainer = self._av.open(str(path), "w")
        except (self._av.FFmpegError, ValueError) as error:
            raise OutputError(f"FFmpeg knows no container for {path.name}: {error}") from error
        self._video: Any = None
        self._carried: dict[int, Any] = {}
        self._waiting: list[Any] = []

    def __enter__(self) -> Sink:
        self._container.metadata.update(self._source.metadata)
        for stream in self._source.streams:
            if stream.type in ("audio", "subtitle"):
                self._carried[stream.index] = self._carry(stream)
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def write(self, item: FrameOrPacket) -> None:
        """Encodes a frame, or carries over a packet of another stream."""
        try:
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
        except (self._av.FFmpegError, ValueError) as error:
            raise OutputError(f"cannot write the video: {error}") from error

    def finish(self) -> None:
        """Writes what the encoder still holds."""
        if self._video is None:
            raise ImageError("the video has no frames")
        try:
            self._container.mux(self._video.encode(None))
        except self._av.FFmpegError as error:
            raise OutputError(f"cannot write the video: {error}") from error

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
