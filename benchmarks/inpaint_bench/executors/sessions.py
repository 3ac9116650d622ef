"""Sessions of our models: the SDK's backends, and PyTorch, which the SDK never imports."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inpaint_bench.executors.base import CannotRunError
from inpaint_bench.schema.run import CandidateKey
from inpaint_sdk import InpaintError
from inpaint_sdk.backends import Session, open_session
from inpaint_sdk.backends.base import Tensor
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.models.zoo import open_model

if TYPE_CHECKING:
    import torch

TORCH_BACKENDS = ("torch-eager", "torch-compiled")


def find_model(candidate: CandidateKey) -> ModelFile:
    """The candidate's file in the precision that is asked for.

    Where the source is of another one, its relative is taken: ``photo-int8.onnx`` for
    ``photo.onnx``, in the same folder.

    Raises:
        CannotRunError: there is none.
    """
    path = Path(candidate.source)
    model = _open(path if path.suffix else candidate.source)
    if model.info.precision == candidate.precision:
        return model
    related = model.path.with_name(f"{model.path.stem}-{candidate.precision}.onnx")
    if not related.is_file():
        raise CannotRunError(
            f"{candidate.source} is of precision {model.info.precision}, and there is no {related}."
            f" To make it: inpaint-export export {model.path.name} --precision "
            f"{candidate.precision} --data DATA -o {related.name}"
        )
    return _open(related)


def _open(source: str | Path) -> ModelFile:
    try:
        return open_model(source)
    except InpaintError as error:
        raise CannotRunError(str(error)) from error


def open_model_session(model: ModelFile, backend: str, threads: int) -> Session:
    """A session of one of the SDK's backends, or of PyTorch.

    Raises:
        CannotRunError: the backend cannot run here.
    """
    if backend in TORCH_BACKENDS:
        return TorchSession(model, threads, compiled=backend == "torch-compiled")
    try:
        return open_session(model, backend, threads)
    except InpaintError as error:
        raise CannotRunError(str(error)) from error


class TorchSession:
    """The network in PyTorch on the CPU, with the weights of its model file."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    def __init__(self, model: ModelFile, threads: int, *, compiled: bool) -> None:
        try:
            import onnx
            import torch
            from onnx import numpy_helper

            from inpaint_export.recipes import load_recipe
        except ImportError as error:
            raise CannotRunError(
                f'{error.name} is not installed: pip install "inpaint-sdk[train]"'
            ) from error
        if model.info.precision != "fp32":
            raise CannotRunError("PyTorch is measured with fp32 model files only")
        try:
            recipe = load_recipe(model.info.name)
        except ValueError as error:
            raise CannotRunError(str(error)) from error
        torch.set_num_threads(threads)
        network = recipe.build().eval()
        stored = {
            tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy())
            for tensor in onnx.load_from_string(model.data).graph.initializer
        }
        _load_weights(network, stored, model.path)
        self._torch: Any = torch
        self._network: Any = torch.compile(network, dynamic=False) if compiled else network
        self.backend = "torch-compiled" if compiled else "torch-eager"
        self.inputs = ("image", "mask") if model.info.task == "inpaint" else ("image",)
        self.outputs = model.info.outputs

    def run(self, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """See :class:`inpaint_sdk.backends.base.Session`."""
        with self._torch.inference_mode():
            tensors = [self._torch.from_numpy(inputs[name]) for name in self.inputs]
            results = self._network(*tensors)
        if not isinstance(results, (tuple, list)):
            results = (results,)
        return {name: tensor.numpy() for name, tensor in zip(self.outputs, results, strict=True)}


def _load_weights(network: torch.nn.Module, stored: Mapping[str, torch.Tensor], path: Path) -> None:
    """Copies a model file's weights into a network.

    The exporter keeps their names, unless it folded them into others.
    """
    wanted = network.state_dict()
    missing = [
        name
        for name, tensor in wanted.items()
        if name not in stored or stored[name].shape != tensor.shape
    ]
    if missing:
        raise CannotRunError(
            f"{path} does not hold {', '.join(missing[:3])}"
            f"{' and others' if len(missing) > 3 else ''} as the recipe's network has them"
        )
    network.load_state_dict({name: stored[name] for name in wanted})
