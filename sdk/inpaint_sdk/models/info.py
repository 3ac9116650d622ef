"""What a model file says of itself: the JSON document in its metadata, typed and checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from inpaint_sdk.errors import ModelError

FORMAT_VERSION = 1
"""Of the document. A file of a newer version is refused, since it may mean something else."""

METADATA_KEY = "inpaint_sdk"
"""Of the document among the ONNX file's ``metadata_props``."""

Family = Literal["cnn", "sarnn", "lstm", "transformer", "crnn"]
Task = Literal["inpaint", "restore", "detect"]
Precision = Literal["fp32", "fp16", "int8"]

OUTPUTS = ("output", "attention", "stages", "diagnosis", "probability")
"""Names that a network's outputs may have."""


def main_output(task: Task) -> str:
    """Name of the output that a model for this task always has: what it is run for."""
    return "probability" if task == "detect" else "output"


@dataclass(frozen=True)
class Quality:
    """One measurement of a model.

    data: the pictures. masks: kind and hole ratio, or "none". psnr_hole, psnr: dB, in the hole and
    over the whole picture; the former is None where there was no mask. ssim: of the whole picture.
    All are means over ``pictures`` pictures.
    """

    data: str
    masks: str
    pictures: int
    psnr_hole: float | None
    psnr: float
    ssim: float


@dataclass(frozen=True)
class DetectionQuality:
    """One measurement of a model for the task ``detect``, over all pixels of ``pictures`` pictures.

    data: the pictures. kind: of damage, or "none". f1: harmonic mean of the share of the marked
    pixels that are damaged and of the share of the damaged that are marked; None without damage.
    marked: share of the undamaged pixels that are marked all the same.
    """

    data: str
    kind: str
    pictures: int
    f1: float | None
    marked: float


@dataclass(frozen=True)
class ModelInfo:
    """A model's description.

    name: as it is loaded. family: its architecture's. task: ``inpaint`` models take a mask,
    ``restore`` models do not, and ``detect`` models give one. precision: of the graph's arithmetic.
    parameters: count of trained numbers.
    size_multiple: height and width of the network's input are multiples of this, in pixels.
    trained_size: side of the pictures that it was trained on, in pixels.
    window: longest side, in pixels, up to which it works as it was trained, if it gathers context
    from the whole picture; of a larger picture it is shown windows. None if it only looks near.
    licence, training_data: of the weights. quality: what was measured; detection: of a ``detect``
    model.
    precision_loss: dB of PSNR, or for a ``detect`` model F1, that the precision cost against fp32,
    as export measured it.
    digest: SHA-256 of everything in the file but its metadata, in hexadecimal.

    The network's input ``image`` is float32 [N, 3, H, W], RGB in [0, 1]; an ``inpaint`` model has
    another, ``mask`` [N, 1, H, W] with 1 in the hole. ``outputs`` are its outputs' names. A
    ``detect`` model has ``probability`` [N, 1, H, W], from 0 to 1, that a pixel is damaged. Others
    have ``output``, a picture like ``image``; perhaps ``attention`` [N, 1, H, W], from 0 to 1 where
    the model sees damage; ``stages`` [N, 3 * S, H, W], the pictures after each of S stages; or
    ``diagnosis`` [N, 3], strengths of noise, blur and compression from 0 to 1 (see
    :class:`inpaint_sdk.Diagnosis`).
    """

    name: str
    family: Family
    task: Task
    description: str
    precision: Precision
    parameters: int
    size_multiple: int
    trained_size: int
    licence: str
    training_data: str
    outputs: tuple[str, ...] = ("output",)
    quality: tuple[Quality, ...] = ()
    detection: tuple[DetectionQuality, ...] = ()
    precision_loss: float = 0.0
    window: int | None = None
    digest: str = ""

    def to_json(self) -> str:
        """The document as it is stored."""
        document = {"format_version": FORMAT_VERSION, **asdict(self)}
        return json.dumps(document, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, source: str) -> ModelInfo:
        """Reads and checks a document; ``source`` names the file in errors.

        Raises:
            ModelError: it is not such a document, or one of a newer format version.
        """
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            raise ModelError(f"{source}: the model's description is damaged ({error})") from error
        if not isinstance(document, dict):
            raise ModelError(f"{source}: the model's description is damaged (not an object)")
        version = document.get("format_version")
        if not isinstance(version, int) or version < 1:
            raise ModelError(f"{source}: the model's description has no valid format_version")
        if version > FORMAT_VERSION:
            raise ModelError(
                f"{source} is of model format {version}; this inpaint-sdk reads formats up to "
                f"{FORMAT_VERSION}. Upgrade it: pip install --upgrade inpaint-sdk"
            )
        return _model_info(document, source)


def _model_info(document: Mapping[str, Any], source: str) -> ModelInfo:
    values = _values(ModelInfo, document, source)
    for name, allowed in (("family", Family), ("task", Task), ("precision", Precision)):
        if values[name] not in get_args(allowed):
            choices = ", ".join(get_args(allowed))
            raise ModelError(f"{source}: {name} is {values[name]!r}; it must be one of {choices}")
    for name in ("parameters", "size_multiple", "trained_size"):
        if values[name] < 1:
            raise ModelError(f"{source}: {name} is {values[name]}; it must be positive")
    window = values.get("window")
    if window is not None and window < values["size_multiple"]:
        raise ModelError(
            f"{source}: window is {window}; it must be at least size_multiple, or null"
        )
    first = main_output(values["task"])
    if first not in values["outputs"] or not set(values["outputs"]) <= set(OUTPUTS):
        raise ModelError(
            f"{source}: outputs are {values['outputs']!r}; for the task {values['task']!r} there "
            f"must be {first!r}, and others can only be of {', '.join(OUTPUTS)}"
        )
    quality = tuple(Quality(**_values(Quality, row, source)) for row in values["quality"])
    detection = tuple(
        DetectionQuality(**_values(DetectionQuality, row, source))
        for row in values.get("detection", ())
    )
    lists = {"outputs": tuple(values["outputs"]), "quality": quality, "detection": detection}
    return ModelInfo(**{**values, **lists})


_TYPES: Mapping[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "float | None": (int, float, type(None)),
    "int | None": (int, type(None)),
}
_ADDED = frozenset({"precision_loss", "window", "detection"})
"""Fields that files of this format version may lack, since they came later."""
_LISTS = ("tuple[Quality, ...]", "tuple[DetectionQuality, ...]", "tuple[str, ...]")


def _values(kind: type, document: object, source: str) -> dict[str, Any]:
    """The fields of the dataclass ``kind`` that ``document`` holds, each of the right JSON type."""
    if not isinstance(document, dict):
        raise ModelError(f"{source}: the model's description is damaged ({kind.__name__})")
    values = {}
    for field in fields(kind):
        if field.name not in document and field.name in _ADDED:
            continue
        if field.name not in document:
            raise ModelError(f"{source}: the model's description lacks {field.name!r}")
        value = document[field.name]
        expected = (list,) if field.type in _LISTS else _TYPES.get(str(field.type), (str,))
        if isinstance(value, bool) or not isinstance(value, expected):
            raise ModelError(
                f"{source}: {field.name!r} in the model's description is {value!r}, "
                f"expected {field.type}"
            )
        values[field.name] = value
    return values
