"""What a network's class says of itself: for the model file, its conversion and its training.

Class attributes of a network::

    size_multiple = 16                       # of height and width, in pixels
    memory = Memory(bytes_per_pixel=100)     # measured: python -m inpaint_export.memory
    kinds = ("scratch", "stain")             # of damage; of detectors alone
    alphabet = "0123456789"                  # of readers alone
    logit_bias = "head.bias"                 # of detectors whose thresholds are folded in
    full_precision = ("fill",)               # of any module: parts that stay in fp32
    adamw = ("stem", "head")                 # of any module: what AdamW trains, not Muon
    stacked = {"gates.weight": 4}            # of any module: matrices stacked in a parameter
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import nn

from inpaint_export.errors import ExportError
from inpaint_sdk import Memory


@dataclass(frozen=True)
class Declarations:
    """A network's own statements.

    size_multiple, memory, kinds, alphabet: as :class:`inpaint_sdk.ModelInfo` has them.
    full_precision: paths of the submodules whose arithmetic stays in fp32 in files of lower
    precision.
    """

    size_multiple: int
    memory: Memory
    kinds: tuple[str, ...]
    alphabet: str
    full_precision: tuple[str, ...]


def declarations(model: nn.Module) -> Declarations:
    """Reads and checks what a network declares.

    Raises:
        ExportError: it lacks a declaration, or one is of another type or names no submodule.
    """
    size_multiple, memory = getattr(model, "size_multiple", None), getattr(model, "memory", None)
    name = type(model).__name__
    if not isinstance(size_multiple, int):
        raise ExportError(
            f"{name}.size_multiple is {size_multiple!r}; set it to what height and width must be "
            "multiples of"
        )
    if not isinstance(memory, Memory):
        raise ExportError(
            f"{name}.memory is {memory!r}; set it to an inpaint_sdk.Memory "
            "(python -m inpaint_export.memory measures it)"
        )
    kinds = getattr(model, "kinds", ())
    alphabet = getattr(model, "alphabet", "")
    return Declarations(size_multiple, memory, kinds, alphabet, tuple(_full_precision(model)))


def _full_precision(model: nn.Module) -> Iterator[str]:
    """Paths of what the network and its submodules declare, each relative to its own."""
    for path, module in model.named_modules():
        for child in getattr(module, "full_precision", ()):
            try:
                module.get_submodule(child)
            except AttributeError as error:
                raise ExportError(
                    f"{type(module).__name__}.full_precision names {child!r}, which is no "
                    "submodule of it"
                ) from error
            yield f"{path}.{child}" if path else child


def in_full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Turns mixed precision off, in training; an exported graph has none.

    In a graph, a region of ``torch.autocast`` would lose the names of the modules in it.
    """
    if torch.compiler.is_exporting():
        return nullcontext()
    return torch.autocast(device.type, enabled=False)
