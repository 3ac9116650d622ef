"""Restores damaged pictures: scratches, text, holes.

Examples:
    >>> from inpaint_sdk import Restorer
    >>> restorer = Restorer.load("photo")
    >>> restored = restorer.restore("photo.png", "mask.png")
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from inpaint_sdk.errors import (
    BackendError,
    FileWarning,
    ImageError,
    InpaintError,
    MaskError,
    ModelError,
    OptionError,
    OutputError,
    SourceError,
)
from inpaint_sdk.options import DetectionOptions, Options
from inpaint_sdk.version import __version__

if TYPE_CHECKING:
    from inpaint_sdk.detector import Detector
    from inpaint_sdk.frames.restorer import FrameRestorer
    from inpaint_sdk.images.metadata import MetadataWarning
    from inpaint_sdk.models.info import DetectionQuality, Memory, ModelInfo, Quality
    from inpaint_sdk.models.zoo import list_models
    from inpaint_sdk.native import get_library_path
    from inpaint_sdk.policies.plan import Plan, Result, Step
    from inpaint_sdk.reader import TextReader
    from inpaint_sdk.restorer import Restorer
    from inpaint_sdk.runners.ctc import TextLine
    from inpaint_sdk.runners.degradation import Degradation
    from inpaint_sdk.runners.detect import Detection
    from inpaint_sdk.stream.pipeline import Frame, Stream, StreamCounts
    from inpaint_sdk.stream.sources import open_source
    from inpaint_sdk.video.encoders import Encoding
    from inpaint_sdk.video.restore import VideoReport, restore_video

# Imported when they are asked for: they bring numpy and OpenCV, which are slow to import.
_MODULES = {
    "detector": ("Detector",),
    "frames.restorer": ("FrameRestorer",),
    "images.metadata": ("MetadataWarning",),
    "models.info": ("DetectionQuality", "Memory", "ModelInfo", "Quality"),
    "models.zoo": ("list_models",),
    "native": ("get_library_path",),
    "policies.plan": ("Plan", "Result", "Step"),
    "reader": ("TextReader",),
    "restorer": ("Restorer",),
    "runners.ctc": ("TextLine",),
    "runners.degradation": ("Degradation",),
    "runners.detect": ("Detection",),
    "stream.pipeline": ("Frame", "Stream", "StreamCounts"),
    "stream.sources": ("open_source",),
    "video.encoders": ("Encoding",),
    "video.restore": ("VideoReport", "restore_video"),
}
_WHERE = {name: module for module, names in _MODULES.items() for name in names}

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})


__all__ = [
    "BackendError",
    "Degradation",
    "Detection",
    "DetectionOptions",
    "DetectionQuality",
    "Detector",
    "Encoding",
    "FileWarning",
    "Frame",
    "FrameRestorer",
    "ImageError",
    "InpaintError",
    "MaskError",
    "Memory",
    "MetadataWarning",
    "ModelError",
    "ModelInfo",
    "OptionError",
    "Options",
    "OutputError",
    "Plan",
    "Quality",
    "Restorer",
    "Result",
    "SourceError",
    "Step",
    "Stream",
    "StreamCounts",
    "TextLine",
    "TextReader",
    "VideoReport",
    "__version__",
    "get_library_path",
    "list_models",
    "open_source",
    "restore_video",
]
