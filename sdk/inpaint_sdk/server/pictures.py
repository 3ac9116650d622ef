"""What is done to the pictures of requests, from bytes to bytes, in the worker's thread."""

from __future__ import annotations

import json
import warnings
import zlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inpaint_sdk.errors import FileWarning, ImageError, InpaintError, MaskError
from inpaint_sdk.images.decoding import STARTS, ImageFile
from inpaint_sdk.images.files import encode_image, open_image_bytes
from inpaint_sdk.images.ifd import read_directories
from inpaint_sdk.images.image import Image, colours_of, max_value
from inpaint_sdk.images.masks import Mask, open_mask
from inpaint_sdk.images.metadata import Metadata, MetadataWarning
from inpaint_sdk.options import Options
from inpaint_sdk.policies.operations import Inpaint
from inpaint_sdk.policies.plan import Plan, Result
from inpaint_sdk.runners.crop_plan import CropPlan
from inpaint_sdk.runners.detect import WHOLE_PIXELS, Detection, find_regions, widen
from inpaint_sdk.server.body import Upload
from inpaint_sdk.server.jobs import Job
from inpaint_sdk.server.models import Models
from inpaint_sdk.server.parameters import Degraded, Found, Kind
from inpaint_sdk.server.refusals import RefusalError

TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "TIFF": "image/tiff",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
}
"""Media types of the formats that are taken, by PIL's names: those that can be given back."""

LARGE_SHARE = 0.6
"""Of a large picture's pixels, what the detector is shown: half the size, and places in its own."""

REPORT_LENGTH = 4000
"""Characters of a report that fit into a header."""


@dataclass(frozen=True)
class Restored:
    """A picture's file, what it is, and how it came about."""

    data: bytes
    media_type: str
    report: str
    pixels: int


class Pictures:
    """Opens pictures within limits, and has models work on them."""

    def __init__(self, models: Models, max_pixels: int) -> None:
        self._models = models
        self._max_pixels = max_pixels

    def restore(self, upload: Upload, model: str, options: Options, job: Job) -> Restored:
        """Restores as ``Restorer.run``; raises as that, and ``RefusalError`` (413)."""
        with _told() as told:
            kind, image, mask = self._open(upload)
            pixels = _count(image)
            job.begin("finding", _pixels_looked_at(pixels))
            plan = self._models.restorer(model).plan(image, mask, options=options)
            job.begin("restoring", _pixels_shown(plan))
            result = plan.run()
        report = _report(result, plan.changes, [str(one.message) for one in told])
        return Restored(result.image, TYPES[kind], report, pixels)

    def detect(self, upload: Upload, options: Options, job: Job) -> Detection:
        """Finds damage as ``Detector.detect``; raises as that, and ``RefusalError`` (413)."""
        with _told():  # of what a result would lack, and there is none
            _, image, _ = self._open(upload)
        job.begin("finding", _pixels_looked_at(_count(image)))
        return self._models.detector.detect(image, options=options)

    def estimate(self, upload: Upload, options: Options, job: Job) -> Degraded:
        """As ``Restorer.estimate_degradation``; raises as that, and ``RefusalError`` (413)."""
        with _told():  # of what a result would lack, and there is none
            _, image, _ = self._open(upload)
        job.begin("finding", _count(image))
        seen = self._models.any_restorer.estimate_degradation(image, options=options)
        return Degraded(
            **asdict(seen),
            noise_sigma=seen.noise_sigma,
            blur_sigma=seen.blur_sigma,
            codec_quality=seen.codec_quality,
        )

    def preview(self, upload: Upload) -> bytes:
        """A JPEG of 8 bits a channel, upright, for browsers that cannot show the file."""
        with _told():  # of what a result would lack, and there is none
            _, image, _ = self._open(upload)
        colours = colours_of(image.pixels)
        full = max_value(colours.dtype)
        if colours.dtype != np.uint8:
            colours = np.rint(colours * (255.0 / full)).astype(np.uint8)
        plain = colours if colours.shape[2] == 3 else colours[..., 0]
        return encode_image(ImageFile(np.ascontiguousarray(plain), Metadata(), "JPEG"))

    def _open(self, upload: Upload) -> tuple[str, Image, Mask | None]:
        kind = self._check(upload.image, "image", ImageError)
        if upload.mask is not None:
            self._check(upload.mask, "mask", MaskError)
        image = open_image_bytes(upload.image)
        height, width = image.pixels.shape[:2]
        return kind, image, None if upload.mask is None else open_mask(upload.mask, height, width)

    def _check(self, data: bytes, name: str, error: type[InpaintError]) -> str:
        """A file's format; raises if it is too large, before it is decoded, or of another."""
        from PIL.Image import DecompressionBombError

        limit = f"more pixels than this server takes, {self._max_pixels:,}"
        try:
            kind, (width, height) = _read_header(data)
        except DecompressionBombError:
            raise RefusalError(413, f"the {name} has far {limit}") from None
        except Exception as reason:  # each format fails in its own way
            raise error(
                f"the {name} is not a picture that can be read; send one of: {', '.join(TYPES)}"
            ) from reason
        if width * height > self._max_pixels:
            raise RefusalError(413, f"the {name} is {width}x{height}, {limit}")
        return kind


@contextmanager
def _told() -> Iterator[list[warnings.WarningMessage]]:
    """Collects what the SDK warns of. For the worker's thread alone: filters are the process's."""
    with warnings.catch_warnings(record=True) as told:
        for category in (FileWarning, MetadataWarning):
            warnings.simplefilter("always", category)
        yield told


def _read_header(data: bytes) -> tuple[str, tuple[int, int]]:
    """Format, and width and height; of the largest of a TIFF's pictures. Nothing is decoded."""
    from PIL import Image as PILImage

    kind = STARTS.get(data[:3], "")
    if kind == "TIFF":
        pages = [tags for tags in read_directories(data) if {256, 257} <= tags.keys()]
        if pages:  # there are none in a BigTIFF
            sizes = ((tags[256].first(), tags[257].first()) for tags in pages)
            return kind, max(sizes, key=lambda size: size[0] * size[1])
    # Without its warning of size, which is checked by the caller.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PILImage.DecompressionBombWarning)
        with PILImage.open(BytesIO(data), formats=list(TYPES)) as picture:
            return kind or str(picture.format), picture.size


def describe(found: Detection) -> Found:
    """A detection in JSON's terms."""
    height, width = found.mask.shape
    planes = np.zeros((height, width), np.uint8)
    kinds = []
    for index, kind in enumerate(found.kinds):
        sought = kind in found.sought
        alone = found.probability(kind)  # of one that does not count, what it would be
        mask = found.kind_mask(kind) if sought else find_regions(alone, found.options)
        fraction = np.count_nonzero(mask) / mask.size
        kinds.append(Kind(kind=kind, sought=sought, fraction=fraction))
        planes |= widen(mask, found.options.dilation) & np.uint8(1 << index)
    return Found(
        width=width,
        height=height,
        kinds=kinds,
        fraction=found.masked_fraction,
        left_alone=list(found.left_alone()),
        planes=b64encode(zlib.compress(planes.tobytes(), 1)).decode(),
    )


def to_grey(found: Detection) -> NDArray[np.uint8]:
    """How probable damage is, 255 for 1."""
    grey: NDArray[np.uint8] = np.rint(found.probability() * np.float32(255.0)).astype(np.uint8)
    return grey


def png(plane: NDArray[np.uint8]) -> bytes:
    """A PNG of a grey picture [H, W]."""
    return encode_image(ImageFile(plane, Metadata(), "PNG"))


def _report(result: Result, changed: bool, told: list[str]) -> str:
    """For a header: ASCII, in one line, and short whatever the file holds."""
    report: dict[str, Any] = {
        "plan": str(result.plan) if changed else "",
        "changed": changed,
        "left_alone": list(result.plan.left_alone),
        "seconds": {step: round(seconds, 3) for step, seconds in result.seconds.items()},
        "warnings": told,
    }
    while len(text := json.dumps(report)) > REPORT_LENGTH and report["warnings"]:
        report["warnings"].pop()
    return text


def _count(image: Image) -> int:
    return int(image.pixels.shape[0] * image.pixels.shape[1])


def _pixels_looked_at(pixels: int) -> float:
    """How many of a picture's pixels the detector will be shown, about."""
    return pixels if pixels <= WHOLE_PIXELS else LARGE_SHARE * pixels


def _pixels_shown(plan: Plan) -> int:
    """How many pixels networks will be shown, about."""
    return sum(
        _pixels_of_crops(operation.plan) if isinstance(operation, Inpaint) else _count(plan.image)
        for operation in plan.operations
    )


def _pixels_of_crops(plan: CropPlan) -> int:
    own = sum(crop.box.height * crop.box.width for crop in plan.crops)
    return own + (0 if plan.coarse is None else _pixels_of_crops(plan.coarse.plan))
