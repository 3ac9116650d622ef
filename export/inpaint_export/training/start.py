"""First weights from a network that is trained already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import onnx
import onnx.numpy_helper
import torch
from torch import Tensor, nn

from inpaint_export.errors import ExportError
from inpaint_export.precision.storage import restore_to_full
from inpaint_export.training.checkpoint import load_checkpoint
from inpaint_sdk.models.zoo import open_model


class Start(Protocol):
    """Where first weights come from."""

    def apply(self, model: nn.Module, runs: Path) -> None:
        """Gives them to a new network.

        runs: folder of the runs beside this one.

        Raises:
            FileNotFoundError, ModelError: there is nothing to start from.
            ValueError, ExportError: its weights do not fit.
        """


@dataclass(frozen=True)
class FromModel:
    """The weights of a model that comes with the package, whose arithmetic is fp32.

    part: of the network, by its attribute's path, that takes them; "" for all of it.
    """

    name: str
    part: str = ""

    def apply(self, model: nn.Module, runs: Path) -> None:
        """See :meth:`Start.apply`."""
        module = model.get_submodule(self.part)
        file = open_model(self.name)
        proto = onnx.load_from_string(file.data)
        restore_to_full(proto)
        weights = {weight.name: weight for weight in proto.graph.initializer}
        state: dict[str, Tensor] = {}
        for key, value in module.state_dict().items():
            if key not in weights or tuple(weights[key].dims) != tuple(value.shape):
                shape = tuple(value.shape)
                raise ExportError(f"{file.path} has no weight {key!r} of shape {shape}")
            state[key] = torch.from_numpy(onnx.numpy_helper.to_array(weights[key]).copy())
        module.load_state_dict(state)


@dataclass(frozen=True)
class FromRun:
    """The averaged weights of an earlier run, whose folder lies beside this run's.

    folder: of that run. part: of the network, by its attribute's path, that takes all of them; ""
    for all of it.
    """

    folder: str
    part: str = ""

    def apply(self, model: nn.Module, runs: Path) -> None:
        """See :meth:`Start.apply`."""
        path = runs / self.folder / "last.pt"
        state = load_checkpoint(path)["ema"]
        try:
            model.get_submodule(self.part).load_state_dict(state)
        except RuntimeError as error:
            whole = "the network" if not self.part else f"the network's {self.part}"
            raise ValueError(f"{path} does not fit {whole}: {error}") from error
