"""What a model file says of itself: the JSON document in its metadata, typed and checked."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from inpaint_sdk.errors import ModelError
from inpaint_sdk.models.decoding import DecodingError, decode, parse_object

FORMAT_VERSION = 2
"""Of the document. A file of another version is refused, since it may mean something else."""

METADATA_KEY = "inpaint_sdk"
"""Of the document among the ONNX file's ``metadata_props``."""

Task = Literal["inpaint", "enhance", "detect", "read"]
Precision = Literal["fp32", "fp16", "int8"]
PrecisionChoice = Literal["auto", "fp32", "fp16", "int8"]
ColourOrder = Literal["rgb"]

VALUE_RANGE = (0.0, 1.0)
"""Of the pictures that networks take and give; no other is read yet."""

LossUnit = Literal["dB", "F1", "%"]
"""Of what a precision costs: PSNR, or of a detector F1, or of a reader characters read."""

_LOSS_UNITS: Mapping[Task, LossUnit] = {"detect": "F1", "read": "%"}

_MAIN_OUTPUTS: Mapping[Task, str] = {"detect": "probability", "read": "log_probability"}

_WORD = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_WORD = 40


def main_output(task: Task) -> str:
    """Name of the output that a model for this task always has: what it is run for."""
    return _MAIN_OUTPUTS.get(task, "output")


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
    false_positive_rate: share of the undamaged pixels that are marked all the same.
    """

    data: str
    kind: str
    pictures: int
    f1: float | None
    false_positive_rate: float


@dataclass(frozen=True)
class Memory:
    """Working memory of a network: ``bytes_per_pixel * P + bytes_per_pixel_squared * P ** 2``.

    P is the number of pixels of the network's input. The second term is of attention between all
    parts of a picture. Both are stated by the model and not measured where it runs, so that every
    machine cuts a picture in the same way.

    Raises:
        ModelError: one of them is negative or not finite, or both are 0.
    """

    bytes_per_pixel: float
    bytes_per_pixel_squared: float = 0.0

    def __post_init__(self) -> None:
        linear, square = self.bytes_per_pixel, self.bytes_per_pixel_squared
        if not (0.0 <= linear < math.inf and 0.0 <= square < math.inf and linear + square > 0.0):
            raise ModelError(
                f"memory is {linear} bytes per pixel and {square} per pixel squared; "
                "neither may be negative, and one must be positive"
            )

    def pixels_within(self, memory: float) -> int:
        """How many pixels a network's input may have if its work is to take ``memory`` bytes."""
        linear, square = self.bytes_per_pixel, self.bytes_per_pixel_squared
        if square == 0.0:
            return int(memory / linear)
        # In this form nothing cancels where the square is small.
        return int(2.0 * memory / (linear + math.sqrt(linear**2 + 4.0 * square * memory)))


@dataclass(frozen=True)
class ModelInfo:
    """A model's description.

    name: as it is loaded. family: its architecture's, a word of the author's choice. task:
    ``inpaint`` models take a mask, ``enhance`` models do not, ``detect`` models give one, and
    ``read`` models give text.
    precision: of the graph's arithmetic. parameters: count of trained numbers.
    size_multiple: height and width of the network's input are multiples of this, in pixels.
    trained_size: side of the pictures that it was trained on, in pixels.
    memory: what a run of the network takes. window: longest side, in pixels, up to which it works
    as it was trained, if it gathers context from the whole picture; of a larger picture it is shown
    windows. None if it only looks near.
    licence, training_data: of the weights. quality: what was measured; detection: of a ``detect``
    model. kinds: of damage that a ``detect`` model tells apart, or that an ``inpaint`` model undoes
    by what shows through it; one that has none looks at nothing under its mask. The product's own
    words are
    ``scratch`` (scratches, hairs, cracks, folds), ``speck`` (dust, dirt, dead pixels), ``stain``
    (stains, fading, missing parts), ``overlay`` (text and logos laid over the image) and ``sensor``
    (a sensor's lines and dots, dirt on a lens); a model may have others.
    alphabet: of a ``read`` model, the characters that it tells apart.
    precision_loss: what the precision cost against fp32, as export measured it, in ``loss_unit``.
    colour_order, value_range: of the picture that goes into the network and comes out of it.
    digest: SHA-256 of everything in the file but its metadata, in hexadecimal.

    The network's input ``image`` is float32 [N, 3, H, W], RGB in [0, 1]; an ``inpaint`` model has
    another, ``mask`` [N, 1, H, W] with 1 where it is to fill. ``outputs`` names its outputs; others
    that it has are ignored. A ``detect`` model gives ``probability`` [N, K, H, W]: a channel for
    each of ``kinds``, in their order, from 0 to 1, that a pixel has that kind of damage. A ``read``
    model takes lines of text, ``trained_size`` pixels high and of any width that is a multiple of
    ``size_multiple``, and gives ``log_probability`` [N, T, 1 + C] along them: of CTC's blank, then
    of each character of ``alphabet``. The others give ``output``, an image like ``image``, and may
    give

    - ``attention`` [N, 1, H, W], from 0 to 1, where the model sees damage;
    - ``stages`` [N, 3 * S, H, W], the images after each of S stages;
    - ``degradation`` [N, 3], strengths of noise, blur and compression from 0 to 1.

    Raises:
        ModelError: a value is out of its range, or they contradict each other.
    """

    name: str
    family: str
    task: Task
    description: str
    precision: Precision
    parameters: int
    size_multiple: int
    trained_size: int
    memory: Memory
    licence: str
    training_data: str
    outputs: tuple[str, ...] = ("output",)
    kinds: tuple[str, ...] = ()
    alphabet: str = ""
    quality: tuple[Quality, ...] = ()
    detection: tuple[DetectionQuality, ...] = ()
    precision_loss: float = 0.0
    window: int | None = None
    colour_order: ColourOrder = "rgb"
    value_range: tuple[float, ...] = VALUE_RANGE
    digest: str = ""

    @property
    def restores(self) -> bool:
        """Whether it makes pictures of pictures."""
        return self.task in ("inpaint", "enhance")

    @property
    def loss_unit(self) -> LossUnit:
        """Of ``precision_loss``."""
        return _LOSS_UNITS.get(self.task, "dB")

    def __post_init__(self) -> None:
        if not self.name:
            raise ModelError("name is empty")
        check_words("family", [self.family])
        check_words("kinds", self.kinds)
        for field in ("parameters", "size_multiple", "trained_size"):
            value = getattr(self, field)
            if value < 1:
                raise ModelError(f"{field} is {value}; it must be positive")
        if self.window is not None and self.window < self.size_multiple:
            raise ModelError(
                f"window is {self.window}; it must be at least size_multiple, "
                f"{self.size_multiple}, or null"
            )
        if main_output(self.task) not in self.outputs:
            raise ModelError(
                f"outputs are {', '.join(self.outputs) or 'none'}; a model for the task "
                f"{self.task!r} must have {main_output(self.task)!r}"
            )
        if self.task == "detect" and not self.kinds:
            raise ModelError(
                "kinds are none; a model for the task 'detect' has at least one kind of damage "
                "that it finds"
            )
        if self.task not in ("detect", "inpaint") and self.kinds:
            raise ModelError(
                f"kinds are {', '.join(self.kinds)}; a model for the task {self.task!r} has none"
            )
        if (self.task == "read") != bool(self.alphabet):
            raise ModelError(
                f"alphabet has {len(self.alphabet)} characters; a model for the task 'read' has "
                "those that it reads, and others have none"
            )
        if len(set(self.alphabet)) < len(self.alphabet) or not self.alphabet.isprintable():
            raise ModelError(
                "alphabet has a character twice, or one that cannot be printed; it must have each "
                "character that is read once"
            )
        if self.value_range != VALUE_RANGE:
            raise ModelError(
                f"value_range is {list(self.value_range)}; this inpaint-sdk runs networks whose "
                f"pictures are in {list(VALUE_RANGE)}"
            )

    def to_json(self) -> str:
        """The document as it is stored."""
        document = {"format_version": FORMAT_VERSION, **asdict(self)}
        return json.dumps(document, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, source: str) -> ModelInfo:
        """Reads and checks a document; ``source`` names the file in errors.

        Raises:
            ModelError: it is not such a document, or one of another format version.
        """
        try:
            document = parse_object(text)
        except DecodingError as error:
            raise ModelError(f"{source}: the model's description is damaged: {error}") from error
        _check_version(document.get("format_version"), source)
        try:
            return decode(cls, document)
        except (DecodingError, ModelError) as error:
            raise ModelError(f"{source}: the model's description is wrong: {error}") from error


def check_words(field: str, words: Iterable[str]) -> None:
    """Raises ``ModelError`` unless every word is of lower-case letters, digits and dashes."""
    for word in words:
        if len(word) > _LONGEST_WORD or not _WORD.fullmatch(word):
            raise ModelError(
                f"{field} has {word[: 2 * _LONGEST_WORD]!r}; a word of it has lower-case letters, "
                f"digits and single dashes, begins with a letter and is at most {_LONGEST_WORD} "
                "long"
            )


def _check_version(version: object, source: str) -> None:
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise ModelError(f"{source}: the model's description has no valid format_version")
    if version > FORMAT_VERSION:
        raise ModelError(
            f"{source} is of model format {version}; this inpaint-sdk reads format "
            f"{FORMAT_VERSION}. Upgrade it: pip install --upgrade inpaint-sdk"
        )
    if version < FORMAT_VERSION:
        raise ModelError(
            f"{source} is of model format {version}; this inpaint-sdk reads format "
            f"{FORMAT_VERSION}. Export the model again"
        )
