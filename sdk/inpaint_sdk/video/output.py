"""Writing a restored video, with the streams that are only carried over."""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inpaint_sdk.errors import ImageError, OutputError
from inpaint_sdk.files import writing
from inpaint_sdk.media.orientation import orientation_of
from inpaint_sdk.media.reading import (
    FrameOrPacket,
    VideoFile,
    describe,
    has_flags,
    import_av,
    is_cover,
    open_container,
)
from inpaint_sdk.video.encoders import Encoding, choose_encoder, same_scheduling
from inpaint_sdk.video.kept import Facts, warn_of_losses

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import OutputContainer

TURNING = ("mp4", "mov", "ipod", "3gp", "3g2", "psp", "f4v", "matroska", "webm")
"""Containers that say how a video is turned when it is shown."""

DEEPEST = 32
"""Frames by which one may be decoded before it is shown."""

OUTDATED = ("alpha_mode", "encoder", "duration", "bps", "number_of_", "_statistics_")
"""Beginnings of texts about a video that its restored one makes wrong."""


@contextmanager
def open_output(
    partial: Path,
    output: Path,
    video: VideoFile,
    beginning: list[FrameOrPacket],
    encoding: Encoding,
) -> Iterator[Sink]:
    """A video file to write, finished at the end.

    partial: where it is written. output: where it will be, for messages. beginning: what the source
    holds up to its first frame.
    """
    av = import_av()
    # A phone's texts about itself, which the MP4 family holds in another place than titles.
    is_phones = any(key.startswith("com.") for key in video.container.metadata)
    options = {"movflags": "+use_metadata_tags"} if is_phones and _is_mp4(output) else {}
    with writing(output, av.FFmpegError):
        try:
            container = open_container(partial, "w", options)
        except ValueError as error:
            raise OutputError(f"FFmpeg knows no container for {output.name}: {error}") from error
    try:
        sink = Sink(container, output, video, beginning, encoding)
        yield sink
        sink.finish()
    except BaseException:
        with suppress(av.FFmpegError):  # what was wrong before matters
            container.close()
        raise
    warn_of_losses(sink.facts, partial)


class Sink:
    """Encodes frames and carries packets over into an output file.

    Attributes:
        turns: whether the file says how its pictures are turned when they are shown.
        facts: what the source says beside its pictures.

    Raises:
        OutputError: the file cannot hold one of the source's streams. Of all methods: it cannot be
            written.
    """

    def __init__(
        self,
        container: OutputContainer,
        output: Path,
        video: VideoFile,
        beginning: list[FrameOrPacket],
        encoding: Encoding,
    ) -> None:
        self._av = import_av()
        self._container = container
        self._output = output
        self._errors = (self._av.FFmpegError, OverflowError)
        self._frame: VideoFrame = beginning[-1]
        self._encoder = choose_encoder(video, self._frame, encoding)
        self._sources: list[Any] = []  # of what is carried
        self._carried: dict[int, Any] = {}
        self._dts: dict[int, int] = {}
        self._times = array("q")
        self._duration = 0
        self.turns = container.format.name in TURNING
        self.facts = Facts.of(video, self._frame)
        covers = {item.stream.index: item for item in beginning[:-1] if is_cover(item.stream)}
        with writing(output, *self._errors):
            container.metadata.update(_texts(video.container.metadata))
            container.set_chapters([c for c in video.container.chapters() if c["time_base"]])
            for stream in video.container.streams:
                if stream.index == video.stream.index:
                    self._add_video(video, encoding)
                elif stream.type == "subtitle" and stream.codec_context is None:
                    pass  # teletext and such, which PyAV cannot pass on
                elif stream.type in ("audio", "subtitle"):
                    self._carry(stream)
                elif is_cover(stream) and self._container.format.name == "matroska":
                    self._attach(stream, covers.get(stream.index))
                elif not _is_written_anew(stream) and self._holds(stream):
                    self._carry(stream)
        self._begin()

    def write(self, item: FrameOrPacket) -> None:
        """Encodes a frame, or carries over a packet of another stream."""
        with writing(self._output, *self._errors):
            if isinstance(item, self._av.VideoFrame):
                self._encode(item)
            elif item.stream.index in self._carried:
                stream = self._carried[item.stream.index]
                scale = Fraction(item.time_base) / Fraction(stream.time_base)
                self._mux(item, stream, *(
                    None if time is None else round(time * scale)
                    for time in (item.pts, item.dts, item.duration)
                ))  # fmt: skip

    def finish(self) -> None:
        """Writes what the encoder still holds, and closes the file."""
        with writing(self._output, *self._errors):
            self._mux_encoded(None)
            self._container.close()

    def _add_video(self, video: VideoFile, encoding: Encoding) -> None:
        source, orientation = video.stream, orientation_of(self._frame)
        try:
            stream: Any = self._container.add_stream(self._encoder.name, rate=self._encoder.rate)
        except ValueError as error:
            raise OutputError(
                f"a {self._container.format.name} file cannot hold video of {self._encoder.name}; "
                "give an output with the source's suffix, or .mkv, or name an encoder with --codec"
            ) from error
        size, shape = (self._frame.width, self._frame.height), source.sample_aspect_ratio
        if orientation.transposed and not self.turns:
            size, shape = size[::-1], shape and 1 / Fraction(shape.numerator, shape.denominator)
        self._encoder.set_up(stream, self._frame, size)
        if orientation and self.turns:
            stream.set_display_matrix(orientation.matrix)
        if shape:
            stream.codec_context.sample_aspect_ratio = shape
        if hasattr(stream.codec_context, "field_order"):  # since PyAV 18
            stream.codec_context.field_order = source.codec_context.field_order
        is_apple = self._container.format.name in ("mov", "mp4")
        if is_apple and self._encoder.name == "libx265":
            with suppress(UnicodeError):  # the source's is damaged
                if source.codec_context.codec_tag == "hvc1":  # or Apple's players show nothing
                    stream.codec_context.codec_tag = "hvc1"
        if self._container.format.name == "avi":  # which does not say when frames are shown
            stream.codec_context.max_b_frames = 0
        # Containers of a constant rate count in frames.
        is_variable = has_flags(self._container.format, "variable_fps")
        stream.time_base = source.time_base if is_variable else 1 / self._encoder.rate
        stream.disposition = source.disposition
        stream.metadata.update(
            {k: v for k, v in source.metadata.items() if not k.lower().startswith(OUTDATED)}
        )
        self._video = stream

    def _carry(self, stream: Any) -> None:
        try:
            carried = self._container.add_stream_from_template(stream, opaque=True)
        except (self._av.FFmpegError, ValueError) as error:
            raise self._cannot_hold(stream) from error
        carried.metadata.update(stream.metadata)
        carried.disposition = stream.disposition
        self._carried[stream.index] = carried
        self._sources.append(stream)

    def _attach(self, stream: Any, cover: Any) -> None:
        """A cover in a Matroska file, which are attached files."""
        if cover is None:
            return
        kind = "png" if stream.codec_context.name == "png" else "jpeg"
        name = stream.metadata.get("filename", "cover.png" if kind == "png" else "cover.jpg")
        self._container.add_attachment(name, f"image/{kind}", bytes(cover))

    def _begin(self) -> None:
        """Opens the encoder and writes the file's header, before any frame is restored."""
        try:
            guard = same_scheduling() if self._encoder.name == "libsvtav1" else nullcontext()
            with guard, writing(self._output, *self._errors):
                self._container.start_encoding()
        except OutputError as error:
            for stream in self._sources:
                if not self._holds(stream):
                    raise self._cannot_hold(stream) from error
            cause = error.__cause__
            if isinstance(cause, self._av.FFmpegError):
                words = f"cannot write {self._output} with {self._encoder.name}: {describe(cause)}"
                raise OutputError(words) from cause
            raise
        if unknown := self._video.codec_context.options:
            raise OutputError(f"{self._encoder.name} knows no {', '.join(unknown)}; leave it out")
        self._step = max(1, round(1 / self._encoder.rate / Fraction(self._video.time_base)))

    def _holds(self, stream: Any) -> bool:
        """Whether a file of the output's format takes a stream, as an empty file tells."""
        try:
            with self._av.open(io.BytesIO(), "w", format=self._container.format.name) as trial:
                trial.add_stream_from_template(stream, opaque=True)
                trial.start_encoding()
        except (self._av.FFmpegError, ValueError, TypeError):
            return False
        return True

    def _cannot_hold(self, stream: Any) -> OutputError:
        context = stream.codec_context
        name = f" ({context.name})" if context is not None else ""
        remedy = "give an output with the source's suffix, or .mkv"
        if context is None:
            remedy = f"leave it out first: ffmpeg -i IN -map 0 -map -0:{stream.index} -c copy OUT"
        return OutputError(
            f"a {self._container.format.name} file cannot hold the source's {stream.type}{name}; "
            f"{remedy}"
        )

    def _encode(self, frame: VideoFrame) -> None:
        """The encoder counts frames; its packets get the frames' times."""
        context = self._video.codec_context
        if (frame.width, frame.height) != (context.width, context.height):
            raise ImageError(
                f"the video changes its size from {context.width}x{context.height} to "
                f"{frame.width}x{frame.height} after {len(self._times)} frames; split it there"
            )
        unit = Fraction(frame.time_base or 1) / Fraction(self._video.time_base)
        time = round((frame.pts or 0) * unit)
        self._times.append(max(time, self._times[-1] + 1) if self._times else time)
        self._duration = round(frame.duration * unit) or self._step
        if frame.format.name != self._encoder.pixel_format:
            frame = frame.reformat(format=self._encoder.pixel_format)
        frame.pts, frame.time_base = len(self._times) - 1, 1 / self._encoder.rate
        frame.pict_type = 0  # the encoder is not to repeat the source's choice of key frames
        self._mux_encoded(frame)

    def _mux_encoded(self, frame: VideoFrame | None) -> None:
        for packet in self._video.encode(frame):
            index = packet.pts or 0
            following = self._time(index + 1) if index + 1 < len(self._times) else None
            time = self._time(index)
            duration = self._duration if following is None else following - time
            # x265 makes some up for a video that is shorter than its look ahead.
            dts = index if packet.dts is None else min(max(packet.dts, index - DEEPEST), index)
            self._mux(packet, self._video, time, self._time(dts), duration)

    def _time(self, index: int) -> int:
        """A frame's time; those before the first are where the first's decoding begins."""
        if index < 0:
            return self._times[0] + index * self._step
        return self._times[min(index, len(self._times) - 1)]

    def _mux(
        self, packet: Any, stream: Any, pts: int | None, dts: int | None, duration: int | None
    ) -> None:
        """Writes a packet; dts are strictly increasing, which containers demand."""
        last = self._dts.get(stream.index)
        if dts is None and pts is not None:  # as at the beginning of videos in Matroska files
            ahead = 2 * (duration or 0) if stream.type == "video" else 0
            dts = pts - ahead if last is None else last + 1
        if dts is not None:
            dts = dts if last is None else max(dts, last + 1)
            self._dts[stream.index] = dts
            pts = None if pts is None else max(pts, dts)
        packet.stream, packet.time_base = stream, stream.time_base
        packet.pts, packet.dts, packet.duration = pts, dts, duration or 0
        self._container.mux(packet)


def _is_mp4(path: Path) -> bool:
    return path.suffix.lower() in (".mp4", ".mov", ".m4v")


def _texts(metadata: Mapping[str, str]) -> dict[str, str]:
    """A container's texts, each as its muxer takes it.

    FFmpeg 9 reads a phone's time of recording, which stands in the file twice, as both joined by a
    semicolon, and writes no time where it is given that.
    """
    return {
        key: text.partition(";")[0] if key == "creation_time" else text
        for key, text in metadata.items()
    }


def _is_written_anew(stream: Any) -> bool:
    """Whether a stream holds chapters or a time code, which FFmpeg makes from the file's texts."""
    from av.stream import Discard

    return stream.discard == Discard.all or "timecode" in stream.metadata
