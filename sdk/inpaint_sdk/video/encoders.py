"""Which encoder compresses a result, in which pixel format, and with which options."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inpaint_sdk.errors import FileWarning, OutputError
from inpaint_sdk.media.orientation import side_data
from inpaint_sdk.media.reading import VideoFile, import_av
from inpaint_sdk.video.hdr import hdr_options

if TYPE_CHECKING:
    from av import VideoFrame

ENCODERS = {
    "h264": ("libx264", "libx264rgb"),
    "hevc": ("libx265",),
    "vp8": ("libvpx",),
    "vp9": ("libvpx-vp9",),
    "av1": ("libsvtav1", "libaom-av1"),
    "prores": ("prores_ks",),
}
"""Encoders of a codec, the preferred first, where FFmpeg's own choice may be another."""

CRF = {
    "libx264": 18,
    "libx264rgb": 18,
    "libx265": 20,
    "libvpx": 8,
    "libvpx-vp9": 24,
    "libsvtav1": 24,
    "libaom-av1": 24,
}
"""Constant quality at which an encoder's loss is hardly visible."""

QUANTISER = {
    **dict.fromkeys(("mpeg1video", "mpeg2video", "mpeg4", "msmpeg4v2", "msmpeg4", "mjpeg"), 2),
    **dict.fromkeys(("wmv1", "wmv2", "h263", "h263p", "flv", "amv", "rv10", "rv20"), 2),
    "libtheora": 10,
}
"""The same of encoders that have a constant quantiser: the smaller, the better, but for Theora."""

MOST_TICKS = 65535
"""Ticks a second that MPEG-4 can count."""

INTERLACED = ("libx264", "mpeg2video", "mpeg4", "prores_ks")
"""Encoders that code fields when they are told to."""

H264_PROFILES = {"Constrained Baseline": "baseline", "Baseline": "baseline", "Main": "main"}
"""x264's names of profiles that old players need; others follow from the pixel format."""

PRORES_PROFILES = ("Proxy", "LT", "Standard", "HQ", "4444", "XQ")
"""FFmpeg's names of ProRes profiles, each at the place of its number."""

UNSUITABLE = ("pal8", "monob", "monow")
"""Pixel formats that frames cannot be converted to as they are."""

LOSSES = {
    1: "resolution of colour",
    2: "bits a channel",
    4: "colour space",
    8: "transparency",
    16: "number of colours",
    32: "colour",
}
"""FFmpeg's bits of what a pixel format loses of another, FF_LOSS_RESOLUTION and so on."""

DEPTH, COLOUR_SPACE, ALPHA = 2, 4, 8


@dataclass(frozen=True)
class Encoding:
    """How a result is compressed.

    codec: FFmpeg's name of an encoder or codec; None for the source's codec. crf: constant quality,
    lower is better; None for a loss that is hardly visible. preset: of x264 and x265, from
    ultrafast to slow.
    """

    codec: str | None = None
    crf: int | None = None
    preset: str | None = None


@dataclass(frozen=True)
class Encoder:
    """An encoder for a video's frames.

    name: FFmpeg's. pixel_format: that it encodes, the nearest to the frames'. losses: names in
    ``LOSSES`` of what that cannot hold. rate: frames a second as the encoder counts them. options:
    FFmpeg's. quantiser, bit_rate: None where the options say it.
    """

    name: str
    pixel_format: str
    losses: tuple[int, ...]
    rate: Fraction
    options: dict[str, str]
    quantiser: int | None = None
    bit_rate: int | None = None
    interlaced: bool = False

    def set_up(self, stream: Any, frame: VideoFrame, size: tuple[int, int]) -> None:
        """Sets up a new stream of an output file. size: width and height of the encoded frames."""
        context = stream.codec_context
        context.width, context.height = size
        context.pix_fmt = self.pixel_format
        context.time_base = 1 / self.rate
        for field in ("color_range", "color_primaries", "color_trc", "colorspace"):
            setattr(context, field, getattr(frame, field))
        if COLOUR_SPACE in self.losses and frame.colorspace == 0:  # RGB, which these are no longer
            context.colorspace = 5
        if self.quantiser is not None:
            context.qscale, context.global_quality = True, 118 * self.quantiser
        if self.bit_rate is not None:
            context.bit_rate = self.bit_rate
        if self.interlaced:
            from av.codec.context import Flags

            context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        context.options = dict(self.options)


@contextmanager
def same_scheduling() -> Iterator[None]:
    """Keeps the scheduling of threads while an encoder is opened.

    SVT-AV1, where it may, makes real-time threads of the highest priority of its own ones and of
    the one that opens it. Each thread and process that this one starts would be one, too, and
    nothing else would get a core.
    """
    if sys.platform != "linux" or os.geteuid() != 0:  # it tries as root alone
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    before = set(_threads())
    try:
        yield
    finally:
        for thread in {0, *_threads()} - before:  # 0: this one
            with suppress(ProcessLookupError):  # it has ended
                os.sched_setscheduler(thread, policy, parameters)


def _threads() -> Iterator[int]:
    return (int(path.name) for path in Path("/proc/self/task").iterdir())


def choose_encoder(video: VideoFile, frame: VideoFrame, encoding: Encoding) -> Encoder:
    """The encoder for a video.

    frame: the video's first. What the encoder cannot hold of its pixels is a ``FileWarning``.

    Raises:
        OutputError: there is no such encoder, or it would lose transparency.
    """
    name, pixel_format, losses = _best(encoding.codec or video.codec, frame)
    if ALPHA in losses and _is_opaque(frame):
        losses = tuple(loss for loss in losses if loss != ALPHA)
    if losses:
        lost = ", ".join(LOSSES[loss] for loss in losses)
        problem = f"{name} cannot hold the source's {lost}: {frame.format.name}"
        if ALPHA in losses:
            raise OutputError(
                f"{problem}; give another encoder and container, like --codec apng and .apng, "
                "prores_ks and .mov, libvpx-vp9 and .webm, or ffv1 and .mkv"
            )
        remedy = "; --codec ffv1 and .mkv keep all" if DEPTH in losses else ""
        warnings.warn(f"{problem} becomes {pixel_format}{remedy}", FileWarning, stacklevel=2)
    source = video.stream.codec_context
    fields = getattr(source, "field_order", 0) > 1 or frame.interlaced_frame
    interlaced = bool(fields) and name in INTERLACED
    crf = CRF.get(name) if encoding.crf is None else encoding.crf
    options = {} if crf is None else {"crf": str(crf)}
    if encoding.preset:
        options["preset"] = encoding.preset
    same_codec = encoding.codec is None
    if name == "libx264" and same_codec and pixel_format == "yuv420p" and crf:
        profile = H264_PROFILES.get(source.profile or "")
        if profile is not None and not (interlaced and profile == "baseline"):
            options["profile"] = profile
    elif name == "prores_ks" and source.profile in PRORES_PROFILES:
        options["profile"] = str(PRORES_PROFILES.index(source.profile))
    elif name == "dnxhd" and (source.profile or "").startswith("DNXHR"):
        options["profile"] = source.profile.lower().replace(" ", "_")
    elif name.startswith("libvpx") and pixel_format.startswith("yuva"):
        options["auto-alt-ref"] = "0"  # which would take the transparency of other frames
    options |= hdr_options(
        name,
        side_data(frame, "MASTERING_DISPLAY_METADATA"),
        side_data(frame, "CONTENT_LIGHT_LEVEL"),
    )
    return Encoder(
        name,
        pixel_format,
        losses,
        _rate(name, video.rate),
        options,
        QUANTISER.get(name),
        _bit_rate(name, video, frame),
        interlaced,
    )


def _best(wanted: str, frame: VideoFrame) -> tuple[str, str, tuple[int, ...]]:
    """An encoder, its pixel format, and what that loses: of those that there are, the least."""
    av = import_av()
    found = []
    for name in ENCODERS.get(wanted, (wanted,)):
        try:
            codec = av.Codec(name, "w")
        except ValueError:
            continue
        if codec.type == "video":
            formats = [f.name for f in codec.video_formats or () if f.name not in UNSUITABLE]
            found.append((codec.name, *_nearest(formats, frame)))
    if not found:
        raise OutputError(
            f"FFmpeg has no encoder for {wanted} here; name one with --codec, like libx264"
        )
    return min(found, key=lambda each: len(each[2]))


def _nearest(formats: Sequence[str], frame: VideoFrame) -> tuple[str, tuple[int, ...]]:
    from av.codec.codec import find_best_pix_fmt_of_list

    own = frame.format.name
    if own in formats or not formats:
        return own, ()
    has_alpha = any(component.is_alpha for component in frame.format.components) or own == "pal8"
    best, loss = find_best_pix_fmt_of_list(formats, own, has_alpha)
    if best is None:
        return formats[0], (COLOUR_SPACE,)
    is_grey = own.startswith("gray")  # which has no colour to lose
    found = [bit for bit in LOSSES if int(loss) & bit]
    return best.name, tuple(bit for bit in found if bit == DEPTH or not is_grey)


def _is_opaque(frame: VideoFrame) -> bool:
    return bool((frame.to_ndarray(format="rgba")[..., 3] == 255).all())


def _rate(name: str, rate: Fraction) -> Fraction:
    """The nearest rate to a video's that an encoder takes. Times do not depend on it."""
    known = import_av().Codec(name, "w").frame_rates
    if known:
        rates = [Fraction(each.numerator, each.denominator) for each in known if each]
        return min(rates, key=lambda each: abs(each / rate - 1))
    ticks = max(1, min(1001, MOST_TICKS // ceil(rate)))
    return max(rate.limit_denominator(ticks), Fraction(1, ticks))  # some are slower than any


def _bit_rate(name: str, video: VideoFile, frame: VideoFrame) -> int | None:
    if name == "libvpx-vp9":
        return 0  # or a quality is not all that counts
    if name == "libvpx":  # which needs a bound beside a quality
        return int(frame.width * frame.height * video.rate)
    if name in CRF or name in QUANTISER:
        return None
    return video.stream.codec_context.bit_rate or video.container.bit_rate or None
