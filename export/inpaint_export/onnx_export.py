"""From a checkpoint to a model file, and proof that the two agree."""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from inpaint_eval.sessions import open_session
from inpaint_export.errors import ExportError
from inpaint_export.model_document import set_info
from inpaint_export.models.declarations import Declarations, declarations
from inpaint_export.precision.storage import round_weights, store_in_half
from inpaint_export.precision.trunk import set_full_precision
from inpaint_export.recipes.base import Recipe
from inpaint_export.recipes.data import recipe_from_data
from inpaint_export.thresholds import (
    MEASURED,
    fold_thresholds,
    measure_thresholds,
    read_thresholds,
)
from inpaint_export.training.checkpoint import load_checkpoint
from inpaint_kernels.onnx_body import DOMAIN
from inpaint_kernels.onnx_export import attach_function, translation_table
from inpaint_sdk.files import write_whole
from inpaint_sdk.models.file import content_digest
from inpaint_sdk.models.info import METADATA_KEY, DetectionQuality, ModelInfo, Quality, Task

OPSET = 18

SCOPES = "pkg.torch.onnx.name_scopes"
"""Of a node's metadata, as PyTorch's exporter writes it: the paths of the modules that it is in."""

TOLERANCE = 1e-4
"""Largest difference from PyTorch that an exported model may have; pictures are in [0, 1]."""

CHECKED_SIZES = ((1, 1), (2, 5), (16, 16), (24, 17))
"""Heights and widths, in size multiples, at which the two are compared."""


@dataclass(frozen=True)
class Check:
    """The largest difference between ONNX Runtime and PyTorch at one size, in pixels.

    native: whether DirectionalScan nodes ran in our kernel, or as the file's own function.
    """

    height: int
    width: int
    native: bool
    difference: float


def export_checkpoint(
    checkpoint: Path,
    output: Path,
    thresholds: str | None = None,
    data: Path | None = None,
) -> list[Check]:
    """Writes the averaged weights of a checkpoint as a model file.

    The file appears, by rename, only when it agrees with PyTorch at every checked size.

    thresholds: of a detector's kinds, as :func:`inpaint_export.thresholds.read_thresholds` takes
    them, or ``measured``, on the recipe's validation pictures below ``data``; folded into the
    weights.

    Raises:
        FileNotFoundError, ValueError: there is no such checkpoint, or it is not one of ours.
        ExportError: the two differ by more than ``TOLERANCE``, or the thresholds do not fit.
    """
    state = load_checkpoint(checkpoint)
    recipe = recipe_from_data(state["recipe"])
    model = recipe.build()
    model.load_state_dict(state["ema"])
    if thresholds == MEASURED:
        fold_thresholds(model, measure_thresholds(model, recipe, data))
    elif thresholds is not None:
        fold_thresholds(model, read_thresholds(thresholds, checkpoint, state["step"]))
    return export_model(model, recipe, output)


def export_model(model: nn.Module, recipe: Recipe, output: Path) -> list[Check]:
    """Writes a model as :func:`export_checkpoint` does; its weights are rounded to the storage."""
    declared = declarations(model)
    multiple = declared.size_multiple
    model = model.eval().cpu()
    if recipe.storage == "fp16":
        round_weights(model)
    proto = _to_onnx(model, recipe, declared)
    if recipe.storage == "fp16":
        store_in_half(proto)
    info = ModelInfo(
        name=recipe.name,
        family=recipe.family,
        task=recipe.task,
        description=recipe.card.description,
        precision="fp32",
        parameters=sum(p.numel() for p in model.parameters()),
        size_multiple=multiple,
        trained_size=recipe.data.crop,
        memory=declared.memory,
        kinds=declared.kinds,
        alphabet=declared.alphabet,
        licence=recipe.card.licence,
        training_data=recipe.card.training_data,
        outputs=recipe.outputs,
        window=recipe.window,
        digest=content_digest(proto.SerializeToString()),
    )
    set_info(proto, info)
    onnx.checker.check_model(proto, full_check=True)
    data = proto.SerializeToString()
    checks = list(_compare(model, data, recipe, multiple))
    worst = max(checks, key=lambda c: c.difference)
    if not worst.difference <= TOLERANCE:
        raise ExportError(
            f"ONNX Runtime and PyTorch differ by {worst.difference:.2e} at "
            f"{worst.height}x{worst.width}, more than {TOLERANCE:.0e}; nothing was written"
        )
    write_whole(data, output)
    return checks


def write_quality(
    model_file: Path, quality: tuple[Quality, ...], detection: tuple[DetectionQuality, ...] = ()
) -> ModelInfo:
    """Replaces the measured quality in a model file; its content and digest stay as they are."""
    proto = onnx.load(model_file)
    (document,) = (p.value for p in proto.metadata_props if p.key == METADATA_KEY)
    info = ModelInfo.from_json(document, str(model_file))
    info = replace(info, quality=quality, detection=detection)
    set_info(proto, info)
    write_whole(proto.SerializeToString(), model_file)
    return info


def _to_onnx(model: nn.Module, recipe: Recipe, declared: Declarations) -> onnx.ModelProto:
    """Exports with dynamic batch, height and width; the height of lines of text is fixed."""
    multiple = declared.size_multiple
    example = _example(recipe, 2, _height(recipe, 2 * multiple), 3 * multiple, seed=0)
    size = {
        0: torch.export.Dim("batch"),
        2: multiple * torch.export.Dim("rows", min=1, max=4096),
        3: multiple * torch.export.Dim("columns", min=1, max=4096),
    }
    if recipe.task == "read":
        del size[2]
    names = ("image", "mask")[: len(example)]
    program = torch.onnx.export(
        model,
        example,
        dynamo=True,
        opset_version=OPSET,
        input_names=list(names),
        output_names=list(recipe.outputs),
        dynamic_shapes=dict.fromkeys(names, size),
        custom_translation_table=translation_table(),
        verbose=False,
    )
    assert program is not None
    if any(node.domain == DOMAIN for node in program.model.graph):
        attach_function(program)
    proto = program.model_proto
    _name_sizes(proto, recipe.task)
    kept = _outputs_of(proto.graph, declared.full_precision)
    # What the exporter notes about where nodes came from is of no use to a runtime.
    del proto.metadata_props[:]
    set_full_precision(proto, kept)
    for entry in (proto.graph, *proto.graph.node, *proto.graph.input, *proto.graph.output):
        del entry.metadata_props[:]
    for value in (*proto.graph.value_info, *proto.graph.initializer):
        del value.metadata_props[:]
    proto.producer_name, proto.producer_version = "inpaint-export", ""
    return proto


def _outputs_of(graph: onnx.GraphProto, modules: tuple[str, ...]) -> list[str]:
    """First outputs of the nodes that these submodules are made of, as the exporter notes it.

    Raises:
        ExportError: a submodule has no nodes.
    """
    scopes = {
        node.output[0]: set(literal_eval(entry.value))
        for node in graph.node
        for entry in node.metadata_props
        if entry.key == SCOPES
    }
    for module in modules:
        if not any(module in scope for scope in scopes.values()):
            raise ExportError(
                f"the network declares that {module!r} stays in full precision, and the graph has "
                "no node of it: forward does not call it, or calls it under torch.autocast, which "
                "hides it (inpaint_export.models.declarations.in_full_precision does not)"
            )
    return [output for output, scope in scopes.items() if scope & set(modules)]


def _name_sizes(proto: onnx.ModelProto, task: Task) -> None:
    """Gives the dynamic axes of inputs and outputs the names that people know."""
    for value in (*proto.graph.input, *proto.graph.output):
        dims = value.type.tensor_type.shape.dim
        names = {0: "batch", 2: "height", 3: "width"} if len(dims) == 4 else {0: "batch"}
        if task == "read":
            names = {0: "batch", 3: "width"} if len(dims) == 4 else {0: "batch", 1: "steps"}
        for axis, name in names.items():
            dims[axis].Clear()
            dims[axis].dim_param = name
    del proto.graph.value_info[:]  # they repeat the exporter's names


def _example(recipe: Recipe, batch: int, height: int, width: int, seed: int) -> tuple[Tensor, ...]:
    """Random inputs: a picture, and for inpainting a mask that hides about a fifth in squares.

    The others see a smooth picture with white squares in it, so that there is damage to be found.
    """
    random = torch.Generator().manual_seed(seed)
    image = torch.rand(batch, 3, height, width, generator=random)
    if recipe.task != "inpaint":
        smooth = F.interpolate(image[:, :, ::8, ::8], (height, width), mode="bilinear")
        white = torch.rand(batch, 1, -(-height // 4), -(-width // 4), generator=random) < 0.01
        white = white.repeat_interleave(4, 2).repeat_interleave(4, 3)[:, :, :height, :width]
        return (torch.where(white, 1.0, 0.8 * smooth + 0.1 * image),)
    squares = torch.rand(batch, 1, -(-height // 5), -(-width // 5), generator=random) < 0.2
    mask = squares.float().repeat_interleave(5, 2).repeat_interleave(5, 3)
    return image, mask[:, :, :height, :width].contiguous()


def _compare(model: nn.Module, data: bytes, recipe: Recipe, multiple: int) -> Iterator[Check]:
    for native in (False, True) if _scans(data) else (False,):
        session = open_session(data, native=native)
        names = [value.name for value in session.get_inputs()]
        for index, (rows, columns) in enumerate(CHECKED_SIZES):
            height, width = _height(recipe, rows * multiple), columns * multiple
            inputs = _example(recipe, 1 + index % 2, height, width, seed=index)
            with torch.inference_mode():
                expected = model(*inputs)
            if isinstance(expected, Tensor):
                expected = (expected,)
            feed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
            found = session.run(list(recipe.outputs), feed)
            if recipe.task == "read":  # as probabilities: logarithms of nearly 0 are far apart
                found, expected = [np.exp(f) for f in found], tuple(e.exp() for e in expected)
            difference = max(_difference(f, e) for f, e in zip(found, expected, strict=True))
            yield Check(height, width, native, difference)


def _scans(data: bytes) -> bool:
    return any(node.domain == DOMAIN for node in onnx.load_from_string(data).graph.node)


def _height(recipe: Recipe, height: int) -> int:
    """Of an example: lines of text have that of those that were trained on."""
    return recipe.data.crop if recipe.task == "read" else height


def _difference(found: NDArray[np.float32], expected: Tensor) -> float:
    if found.shape != expected.shape:
        raise ExportError(f"ONNX Runtime gives {found.shape}, PyTorch {tuple(expected.shape)}")
    return float(np.abs(found - expected.numpy()).max())
