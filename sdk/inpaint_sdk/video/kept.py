"""What a result's file says beside its pictures, compared with its source's."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inpaint_sdk.errors import ImageError, InpaintError
from inpaint_sdk.images.metadata import MetadataWarning
from inpaint_sdk.media.orientation import side_data_names
from inpaint_sdk.media.reading import VideoFile, import_av, is_cover, open_video

if TYPE_CHECKING:
    from av import VideoFrame

OF_THE_FILE = frozenset({
    "encoder", "major_brand", "minor_version", "compatible_brands", "creation_time", "duration",
    "handler_name", "vendor_id", "language", "title", "rotate", "alpha_mode", "software",
    "timecode", "filename", "mimetype",
})  # fmt: skip
"""Texts that describe the file itself, or are compared on their own."""

NAMES = {
    "A53_CC": "captions",
    "STEREO3D": "stereo 3D",
    "MASTERING_DISPLAY_METADATA": "HDR mastering display",
    "CONTENT_LIGHT_LEVEL": "HDR light level",
    "DYNAMIC_HDR_PLUS": "HDR10+",
    "DOVI_METADATA": "Dolby Vision",
    "DOVI_RPU_BUFFER": "Dolby Vision",
    "DYNAMIC_HDR_VIVID": "HDR Vivid",
    "AMBIENT_VIEWING_ENVIRONMENT": "ambient light",
    "SPHERICAL": "spherical projection",
    "ICC_PROFILE": "colour profile",
    "AFD": "active format",
    "S12M_TIMECODE": "timecodes",
    "EXIF": "EXIF",
    "LCEVC": "LCEVC",
    "VIEW_ID": "second view",
}
"""What frames bring beside their pixels that people miss, by PyAV's name."""

COLOURS = {"color_primaries": "colour primaries", "color_trc": "transfer function"}
"""PyAV's names of what a frame's numbers mean, and ours."""

UNKNOWN_COLOURS = (0, 2)  # reserved, not told

FLAGS = ("default", "dub", "original", "comment", "lyrics", "karaoke", "forced",
         "hearing_impaired", "visual_impaired", "clean_effects", "captions",
         "descriptions")  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What a video file says beside its pictures: values by names for people."""

    values: Mapping[str, Any]

    @classmethod
    def of(cls, video: VideoFile, frame: VideoFrame) -> Facts:
        """Of a file whose first frame is given."""
        return cls(dict(_facts(video, frame)))

    def lost(self, later: Facts) -> list[str]:
        """Names of what is not in a later file, or another there."""
        return [name for name, value in self.values.items() if later.values.get(name) != value]


def warn_of_losses(source: Facts, output: Path) -> None:
    """Gives a ``MetadataWarning`` that names what a finished file does not hold of its source."""
    try:
        with open_video(output, ImageError) as video:
            frames = (i for i in video.read() if isinstance(i, import_av().VideoFrame))
            frame = next(frames, None)
            lost = [] if frame is None else source.lost(Facts.of(video, frame))
    except InpaintError:  # FFmpeg does not read all that it writes
        return
    if lost:
        warnings.warn(f"the result does not have the source's {', '.join(lost)}", MetadataWarning,
                      stacklevel=2)  # fmt: skip


def _facts(video: VideoFile, frame: VideoFrame) -> Iterator[tuple[str, Any]]:
    for key, value in video.container.metadata.items():
        if key.lower() not in OF_THE_FILE - {"title"} and value.strip():
            yield f"text {key.lower()!r}", True
    chapters = len(video.container.chapters())
    if chapters:
        yield "chapters", chapters
    kinds = Counter(stream.type for stream in video.container.streams)
    counts: Counter[str] = Counter()
    for stream in video.container.streams:
        if stream.type == "data" and (chapters or "timecode" in video.stream.metadata):
            continue  # the track that they are in
        kind = "cover" if is_cover(stream) else stream.type
        counts[kind] += 1
        name = kind if counts[kind] == 1 else f"{kind} {counts[kind]}"
        if kind == "data" and stream.name:
            name += f" ({stream.name})"
        yield name, True
        if kind == "cover":
            continue
        texts = {key.lower(): text for key, text in stream.metadata.items()}
        for key in ("language", "title", "timecode"):
            told = texts.get(key)
            if told and told != "und":
                yield f"{name}'s {key}", told
        # The only stream of its kind is played by default, marked or not.
        flags = [f for f in _flags(stream) if kinds[kind] > 1 or f != "default"]
        yield from ((f"{name}'s flag {flag!r}", True) for flag in flags)
    if frame.interlaced_frame:
        yield "interlacing", True
    for field, name in COLOURS.items():
        if (value := getattr(frame, field)) not in UNKNOWN_COLOURS:
            yield name, value
    for name in sorted(side_data_names(frame)):
        if name in NAMES or name.startswith("UNKNOWN_"):
            yield NAMES.get(name, f"frames' data {name!r}"), True


def _flags(stream: Any) -> list[str]:
    from av.stream import Disposition

    return [name for name in FLAGS if int(stream.disposition) & int(Disposition[name])]
