"""Restores damaged pictures: scratches, text, holes.

>>> from inpaint_sdk import Restorer
>>> restorer = Restorer.load("photo")
>>> result = restorer.restore(image, mask)
"""

from inpaint_sdk.detection import Detection, DetectionOptions
from inpaint_sdk.diagnosis import Diagnosis
from inpaint_sdk.errors import (
    BackendError,
    ImageError,
    InpaintError,
    MaskError,
    ModelError,
    OutputError,
    SourceError,
)
from inpaint_sdk.metadata import MetadataWarning
from inpaint_sdk.model_info import DetectionQuality, ModelInfo, Quality
from inpaint_sdk.native import get_library_path
from inpaint_sdk.plans import RestorationPlan, Step
from inpaint_sdk.restorer import Restorer
from inpaint_sdk.zoo import list_models

__version__ = "0.1.0"

__all__ = [
    "BackendError",
    "Detection",
    "DetectionOptions",
    "DetectionQuality",
    "Diagnosis",
    "ImageError",
    "InpaintError",
    "MaskError",
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
