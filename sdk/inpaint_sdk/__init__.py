"""Restores damaged pictures: scratches, text, holes.

>>> from inpaint_sdk import Restorer
>>> restorer = Restorer.load("photo")
>>> restored = restorer.restore(image, mask)
"""

import logging

from inpaint_sdk.detector import Detector
from inpaint_sdk.errors import (
    BackendError,
    ImageError,
    InpaintError,
    MaskError,
    ModelError,
    OptionError,
    OutputError,
    SourceError,
)
from inpaint_sdk.frames.restorer import FrameRestorer
from inpaint_sdk.images.metadata import MetadataWarning
from inpaint_sdk.models.info import DetectionQuality, Memory, ModelInfo, Quality
from inpaint_sdk.models.zoo import list_models
from inpaint_sdk.native import get_library_path
from inpaint_sdk.options import DetectionOptions, Options
from inpaint_sdk.policies.plan import Plan, Result, Step
from inpaint_sdk.restorer import Restorer
from inpaint_sdk.runners.degradation import Degradation
from inpaint_sdk.runners.detect import Detection
from inpaint_sdk.stream.pipeline import Frame, Stream, StreamCounts
from inpaint_sdk.stream.sources import open_source
from inpaint_sdk.version import __version__
from inpaint_sdk.video.restore import VideoReport, restore_video
from inpaint_sdk.video.streams import Encoding

logging.getLogger(__name__).addHandler(logging.NullHandler())

__all__ = [
    "BackendError",
    "Degradation",
    "Detection",
    "DetectionOptions",
    "DetectionQuality",
    "Detector",
    "Encoding",
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
    "VideoReport",
    "__version__",
    "get_library_path",
    "list_models",
    "open_source",
    "restore_video",
]
