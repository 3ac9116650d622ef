"""First weights from a network that is trained already: a checkpoint's or a model file's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import onnx
import onnx.numpy_helper
import torch
from torch import Tensor, nn

from inpaint_export.precision.storage import restore_to_full
from inpaint_export.training.checkpoint import FILE_NAME, load_checkpoint
from inpaint_sdk.models.file import read_model_file
from inpaint_sdk.models.zoo import open_model


@dataclass(frozen=True)
class Loaded:
    """What a network took from a file.

    taken: how many of its tensors. anew: parts of the network that the file does not hold, which
    begin as they are built. unused: tensors of the file that the network has no place for.
    """

    source: str
    taken: int
    anew: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        anew = f"; begun anew: {', '.join(self.anew)}" if self.anew else ""
        unused = f"; not used: {', '.join(self.unused)}" if self.unused else ""
        return f"{self.taken} tensors from {self.source}{anew}{unused}"


class Initialisation(Protocol):
    """Where a new network's weights come from."""

    @property
    def part(self) -> str:
        """Of the network, by its attribute's path, that takes them; "" for all of it."""

    def apply(self, model: nn.Module, runs: Path) -> Loaded:
        """Gives them to a new network.

        runs: folder of the runs beside this one.

        Raises:
            FileNotFoundError, ModelError: there is nothing to start from.
            ValueError: none of its weights fit.
        """


@dataclass(frozen=True)
class FromModel:
    """The weights of a model that comes with the package, all of which have a place.

    grown: whether the network has parts that the model lacks, which begin as they are built.
    shrunk: whether the model has parts that the network lacks, which are left out.
    """

    name: str
    part: str = ""
    grown: bool = False
    shrunk: bool = False

    def apply(self, model: nn.Module, runs: Path) -> Loaded:
        """See :meth:`Initialisation.apply`."""
        loaded = load_weights(open_model(self.name).path, model, (self.part,))
        return _whole(loaded, self.part, grown=self.grown, shrunk=self.shrunk)


@dataclass(frozen=True)
class FromRun:
    """All averaged weights of an earlier run, whose folder lies beside this run's.

    folder: of that run.
    """

    folder: str
    part: str = ""

    def apply(self, model: nn.Module, runs: Path) -> Loaded:
        """See :meth:`Initialisation.apply`."""
        loaded = load_weights(runs / self.folder / FILE_NAME, model, (self.part,))
        return _whole(loaded, self.part)


@dataclass(frozen=True)
class FromFile:
    """The weights of any checkpoint or fp32 model file.

    path: of the file. part: of the network that may take them where the whole network does not.
    """

    path: str
    part: str = ""

    def apply(self, model: nn.Module, runs: Path) -> Loaded:
        """See :meth:`Initialisation.apply`."""
        return load_weights(Path(self.path), model, dict.fromkeys(("", self.part)))


def _whole(loaded: Loaded, part: str, *, grown: bool = False, shrunk: bool = False) -> Loaded:
    """What was loaded, if nothing is missing or left over but where that is expected."""
    missing = [n for n in loaded.anew if n == part or n.startswith(f"{part}." if part else "")]
    if (loaded.unused and not shrunk) or (missing and not grown):
        raise ValueError(f"the network is not that of {loaded.source} ({loaded})")
    return loaded


def load_weights(path: Path, model: nn.Module, parts: Iterable[str] = ("",)) -> Loaded:
    """Gives a network the weights of a checkpoint or of an fp32 model file, as far as they fit.

    parts: of the network that may take them, by their attributes' paths; the one that takes most
    does, if it takes half of its own or of the file's. Weights are matched by name and shape. What
    export folds is unfolded: transposed matrices of linear layers; weights of scans, by their
    round's ``unfold``. What the file lacks, a module may make of what it has: ``complete`` is told
    the names that it misses and returns those that it made.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError, ModelError: it is neither, is of lower precision, or is another network's.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path} to start from")
    proto = _read_model(path) if path.suffix == ".onnx" else None
    averaged = load_checkpoint(path)["ema"] if proto is None else {}
    best: tuple[str, dict[str, Tensor], dict[str, Tensor]] | None = None
    for part in parts:
        module = model.get_submodule(part)
        held = averaged if proto is None else _of_model(proto, module)
        own = module.state_dict()
        fits = {k: v for k, v in held.items() if k in own and own[k].shape == v.shape}
        if best is None or len(fits) > len(best[1]):
            best = part, fits, held
    assert best is not None
    part, fits, held = best
    places = len(model.get_submodule(part).state_dict())
    if 2 * len(fits) < min(places, len(held)):
        raise ValueError(
            f"{path} is of another network: {len(fits)} of {places} tensors of "
            f"{type(model).__name__} are in it by name and shape; start from a file of its family"
        )
    model.get_submodule(part).load_state_dict(fits, strict=False)
    prefix = f"{part}." if part else ""
    missing = set(model.state_dict()) - {prefix + name for name in fits}
    for name, inner in model.named_modules():
        complete = getattr(inner, "complete", None)
        if complete is not None:
            own_prefix = f"{name}." if name else ""
            lacks = {k.removeprefix(own_prefix) for k in missing if k.startswith(own_prefix)}
            missing -= {own_prefix + made for made in complete(lacks)}
    anew = _collapsed(missing, model.state_dict())
    unused = _collapsed(set(held) - set(fits), held)
    return Loaded(str(path), len(fits), tuple(anew), tuple(unused))


def _collapsed(names: set[str], among: Mapping[str, object]) -> list[str]:
    """Names of tensors, or of whole modules where all of their tensors are among the names."""
    found: dict[str, None] = {}
    for name in among:
        if name not in names:
            continue
        parts = name.split(".")
        shortest = name
        for length in range(len(parts) - 1, 0, -1):
            prefix = ".".join(parts[:length]) + "."
            if any(other.startswith(prefix) and other not in names for other in among):
                break
            shortest = prefix[:-1]
        found.setdefault(shortest)
    return list(found)


def _read_model(path: Path) -> onnx.ModelProto:
    """An fp32 model file's graph, with its weights in full."""
    file = read_model_file(path)
    if file.info.precision != "fp32":
        raise ValueError(f"{path} is in {file.info.precision}; start from the model's fp32 file")
    proto = onnx.load_from_string(file.data)
    restore_to_full(proto)
    return proto


def _of_model(proto: onnx.ModelProto, module: nn.Module) -> dict[str, Tensor]:
    """The tensors of a model by their names in the network."""
    stored = {w.name: w for w in proto.graph.initializer if w.data_type == onnx.TensorProto.FLOAT}

    def tensor(name: str) -> Tensor:
        return torch.from_numpy(onnx.numpy_helper.to_array(stored[name]).copy())

    wanted, modules = module.state_dict(), dict(module.named_modules())
    found = {name: tensor(name) for name in stored if name in wanted or name.endswith(".weight")}
    readers = {name: node for node in proto.graph.node for name in node.input}
    for node in proto.graph.node:
        folded = next((n for n in node.input[1:2] if n in stored), None)
        if folded is None:
            continue
        if node.op_type == "DirectionalScan":
            owner = node.input[2].removesuffix(".bias")
            unfold = getattr(modules.get(owner), "unfold", None)
            if unfold is not None:
                found[f"{owner}.raw_weight"] = unfold(tensor(folded))
        elif node.op_type == "MatMul" and node.output[0] in readers:
            add = readers[node.output[0]]
            owner = next((n.removesuffix(".bias") for n in add.input if n in stored), "")
            if add.op_type == "Add" and isinstance(modules.get(owner), nn.Linear):
                found[f"{owner}.weight"] = tensor(folded).T.contiguous()
    return found
