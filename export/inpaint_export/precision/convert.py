"""From an fp32 model file to one of lower precision, or to a refusal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from inpaint_eval.sessions import open_session
from inpaint_export.errors import ExportError
from inpaint_export.model_document import set_info
from inpaint_export.precision.fp16 import to_fp16
from inpaint_export.precision.int8 import Feed, to_int8
from inpaint_export.precision.rounded import in_fp32
from inpaint_export.precision.storage import restore_to_full
from inpaint_export.recipes.base import Recipe
from inpaint_sdk import ModelInfo
from inpaint_sdk.files import write_whole
from inpaint_sdk.models.file import content_digest, read_model_file
from inpaint_sdk.models.info import LossUnit, Precision

LIMITS: dict[LossUnit, dict[Precision, float]] = {
    "dB": {"fp16": 0.1, "int8": 0.5},
    "F1": {"fp16": 0.005, "int8": 0.02},
    "%": {"fp16": 0.1, "int8": 0.5},
}
"""What a precision may cost."""

PICTURES = 64
"""Training items that int8 is calibrated on."""

SEED = 2027


@dataclass(frozen=True)
class Loss:
    """The validation's figure, in fp32 and in the lower precision."""

    fp32: float
    lower: float
    unit: LossUnit

    @property
    def cost(self) -> float:
        """What the precision costs; less than nothing if it happens to help."""
        return self.fp32 - self.lower


def convert(
    source: Path,
    precision: Precision,
    recipe: Recipe,
    data: Path,
    output: Path,
    limit: float | None = None,
) -> Loss:
    """Writes an fp32 model file in another precision, measured on the recipe's validation data.

    data: root of the recipe's data folders. limit: what the precision may cost, in place of
    ``LIMITS``. The file carries the loss; its quality is to be measured anew.

    Raises:
        FileNotFoundError: the data is not there.
        ExportError: the precision costs more than that; nothing is written.
        ModelError: the source is no model file.
    """
    info = read_model_file(source).info
    if info.precision != "fp32":
        raise ExportError(f"{source} is {info.precision}; only fp32 files can be converted")
    proto = onnx.load(source)
    restore_to_full(proto)
    if precision == "fp16":
        lower = to_fp16(proto)
        computed = in_fp32(lower)
    else:
        names = [value.name for value in proto.graph.input]
        lower = computed = to_int8(proto, _feeds(recipe, data, names))
    loss = _measure(recipe, data, proto, computed, info.loss_unit)
    if limit is None:
        limit = LIMITS[info.loss_unit][precision]
    if not loss.cost <= limit:
        raise ExportError(
            f"{precision} costs {info.name} {loss.cost:.3f} {loss.unit} on its validation "
            f"pictures ({loss.fp32:.3f} to {loss.lower:.3f}), more than the {limit} {loss.unit} "
            "that are allowed; nothing was written"
        )
    _write(lower, info, precision, loss, output)
    return loss


def _feeds(recipe: Recipe, data: Path, names: Sequence[str]) -> Iterator[Feed]:
    items = recipe.data.open(data, seed=SEED, length=PICTURES)
    drawn = [[items[index][name] for name in names] for index in range(PICTURES)]
    # ONNX Runtime's histograms are of tensors of one shape, and some recipes have larger crops.
    side = min(tensors[0].shape[-1] for tensors in drawn)
    for tensors in drawn:
        cut = (tensor[None, ..., :side, :side].float() / 255.0 for tensor in tensors)
        yield dict(zip(names, (tensor.numpy() for tensor in cut), strict=True))


def _measure(
    recipe: Recipe, data: Path, proto: onnx.ModelProto, lower: onnx.ModelProto, unit: LossUnit
) -> Loss:
    validator = recipe.validation.open(data)
    cpu = torch.device("cpu")
    fp32, other = (validator.measure(_Network(p), cpu) for p in (proto, lower))
    return Loss(fp32, other, unit)


class _Network(nn.Module):
    """An ONNX model where a validator expects one of PyTorch."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        super().__init__()
        self._session = open_session(proto.SerializeToString())
        self._names = [value.name for value in self._session.get_inputs()]

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        feed = {
            name: np.ascontiguousarray(value.numpy())
            for name, value in zip(self._names, inputs, strict=True)
        }
        outputs = tuple(torch.from_numpy(value) for value in self._session.run(None, feed))
        return outputs[0] if len(outputs) == 1 else outputs


def _write(
    proto: onnx.ModelProto, info: ModelInfo, precision: Precision, loss: Loss, output: Path
) -> None:
    del proto.metadata_props[:]
    described = replace(
        info,
        precision=precision,
        precision_loss=round(loss.cost, 4),
        quality=(),
        digest=content_digest(proto.SerializeToString()),
    )
    set_info(proto, described)
    write_whole(proto.SerializeToString(), output)
