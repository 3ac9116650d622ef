"""Restores damaged pictures: scratches, text, holes.

>>> from inpaint_sdk import Restorer
>>> restorer = Restorer.load("photo")
>>> result = restorer.restore(image, mask)
"""

from inpaint_sdk.errors import (
    BackendError,
    ImageError,
    InpaintError,
    MaskError,
    ModelError,
    OutputError,
    SourceError,
)
from inpaint_sdk.images.metadata import MetadataWarning
from inpaint_sdk.models.info import DetectionQuality, Memory, ModelInfo, Quality
from inpaint_sdk.models.zoo import list_models
from inpaint_sdk.native import get_library_path
from inpaint_sdk.restorer import Restorer
from inpaint_sdk.runners.degradation import Degradation
from inpaint_sdk.runners.detector import Detection, DetectionOptions
from inpaint_sdk.runners.plans import RestorationPlan, Step

__version__ = "0.1.0"

__all__ = [
    "BackendError",
    "Degradation",
    "Detection",
    "DetectionOptions",
    "DetectionQuality",
    "ImageError",
    "InpaintError",
    "MaskError",
    "Memory",
    "MetadataWarning",
    "ModelError",
    "ModelInfo",
    "OutputError",
    "Quality",
    "RestorationPlan",
    "Restorer",
    "SourceError",
    "Step",
    "__version__",
    "get_library_path",
    "list_models",
]
