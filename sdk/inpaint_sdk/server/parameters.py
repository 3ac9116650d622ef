"""What a request's address may say, and what is answered in JSON."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from inpaint_sdk.options import DetectionOptions, MaskMarks, Options, Strategy
from inpaint_sdk.server.jobs import Step

_OF_DETECTION = vars(DetectionOptions())
_DEFAULTS: dict[str, Any] = {**vars(Options()), **_OF_DETECTION}


class FindingParameters(BaseModel):
    """Fields of :class:`inpaint_sdk.Options` for finding damage; their errors are the SDK's."""

    model_config = ConfigDict(extra="forbid")

    kinds: str | None = Field(
        None,
        description="Kinds of damage to look for, with commas between; all but overlay if none.",
        examples=["scratch,speck"],
        pattern=r"^[a-z][a-z0-9-]*(,[a-z][a-z0-9-]*)*$",
        max_length=200,
    )
    threshold: float = Field(
        _DEFAULTS["threshold"],
        gt=0,
        lt=1,
        description="Probability from which a pixel counts as damaged.",
    )
    min_mean_probability: float = Field(
        _DEFAULTS["min_mean_probability"],
        gt=0,
        lt=1,
        description="Probability that a damaged region must have on average to count.",
    )
    dilation: int = Field(
        _DEFAULTS["dilation"],
        ge=0,
        le=1000,
        description="Pixels around found damage that are restored too.",
    )
    memory_mb: int = Field(
        _DEFAULTS["memory_mb"],
        ge=16,
        description="Bound of a model's working memory; decides how a large picture is cut.",
    )

    def options(self) -> Options:
        """The same as the SDK's object."""
        given = self.model_dump(exclude={"model", "output"})
        kinds = given.pop("kinds")
        detection = {name: given.pop(name) for name in _OF_DETECTION}
        return Options(
            **given,
            kinds=None if kinds is None else frozenset(kinds.split(",")),
            detection=DetectionOptions(**detection),
        )


class DetectionParameters(FindingParameters):
    """Of /v1/detect."""

    output: Literal["json", "mask", "probability"] = Field(
        "json",
        description="What is answered: everything as JSON; a PNG that is white where damage was "
        "found, as /v1/restore takes it; or a PNG of its probability, 255 for 1.",
    )


class RestoringParameters(FindingParameters):
    """All of :class:`inpaint_sdk.Options`, and the model."""

    model: str | None = Field(
        None,
        description="One of those that /v1/models lists; its first if none is given.",
        examples=["auto", "photo"],
    )
    strategy: Strategy = Field(
        _DEFAULTS["strategy"], description="How a large picture is shown to the model."
    )
    enhance: bool = Field(
        _DEFAULTS["enhance"],
        description="With the model auto: also clean noise, blur and compression.",
    )
    strength: float = Field(
        _DEFAULTS["strength"],
        ge=0,
        le=1,
        description="How far cleaning may change a picture.",
    )
    texture: float = Field(
        _DEFAULTS["texture"],
        ge=0,
        le=1,
        description="How much of the texture of like, known places is laid over wide holes.",
    )
    mask_marks: MaskMarks = Field(
        _DEFAULTS["mask_marks"],
        description="What a mask marks: holes to be filled, or damage as /v1/detect finds it, "
        "which the model auto undoes by what shows through it.",
    )
    add_found: bool = Field(
        _DEFAULTS["add_found"],
        description="With a mask: also restore the damage that is found outside of it.",
    )


class Problem(BaseModel):
    """Why a request was refused."""

    error: str = Field(examples=["ImageError"])
    message: str = Field(examples=["the image's bytes is not a picture in a known format"])


class Kind(BaseModel):
    """A kind of damage that the detector tells apart."""

    kind: str = Field(examples=["scratch"])
    sought: bool = Field(description="Whether it was looked for.", examples=[True])
    fraction: float = Field(
        description="Share of the picture that is of this kind, 0 to 1.", examples=[0.0125]
    )


class Found(BaseModel):
    """What a detector found in a picture."""

    width: int = Field(examples=[8])
    height: int = Field(examples=[8])
    kinds: list[Kind]
    fraction: float = Field(
        description="Share of the picture that is damaged, 0 to 1.", examples=[0.0125]
    )
    left_alone: list[str] = Field(
        description="What looks damaged and does not count, and why.",
        examples=[["overlay, 3.1 % of the picture, is not among kinds"]],
    )
    planes: str = Field(
        examples=["eAFjYKAMAAAAQAAB"],
        description="A byte for each pixel, row by row, in zlib's format and base64: bit i is set "
        "where the i-th of `kinds` was found, widened by `dilation`. The union of the bits that "
        "are taken is a mask for /v1/restore; of those sought, what is restored without a mask.",
    )


class Degraded(BaseModel):
    """How noisy, blurred and compressed a picture is, from 0 for none to 1."""

    noise: float = Field(examples=[0.21])
    blur: float = Field(examples=[0.05])
    compression: float = Field(examples=[0.4])
    noise_sigma: float = Field(
        description="Standard deviation of the noise, of 255.", examples=[10.5]
    )
    blur_sigma: float = Field(
        description="Standard deviation of the blur, in pixels.", examples=[0.2]
    )
    codec_quality: float = Field(
        description="Quality at which JPEG would lose as much.", examples=[64.0]
    )


class Model(BaseModel):
    """What a picture can be restored with."""

    name: str = Field(examples=["photo"])
    task: str = Field(examples=["inpaint"])
    description: str = Field(examples=["Fills masked holes in photographs."])
    licence: str = Field(examples=["Apache-2.0"])
    training_data: str = Field(examples=["Photographs under free licences."])


class Offer(BaseModel):
    """What this server does."""

    models: list[Model]
    kinds: list[str] = Field(
        description="Of damage, that are told apart.", examples=[["scratch", "speck", "stain"]]
    )
    max_bytes: int = Field(description="Of a request's body.", examples=[134_217_728])
    max_pixels: int = Field(description="Of a picture.", examples=[64_000_000])


class Progress(BaseModel):
    """How far a request is."""

    step: Step = Field(examples=["restoring"])
    share: float = Field(
        description="How much of the step is done, 0 to 1; an estimate.", examples=[0.4]
    )
