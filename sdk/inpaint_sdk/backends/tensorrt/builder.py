"""Compiles a model file into an engine."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from inpaint_sdk.backends.base import Progress
from inpaint_sdk.backends.tensorrt import scan_node
from inpaint_sdk.backends.tensorrt.cuda import Device
from inpaint_sdk.backends.tensorrt.library import Library, Log, make_logger
from inpaint_sdk.backends.tensorrt.progress import Interrupted, make_monitor
from inpaint_sdk.backends.tensorrt.scan_node import Plugin
from inpaint_sdk.backends.tensorrt.zero_points import with_signed_zero_points
from inpaint_sdk.engines.file import Scan
from inpaint_sdk.engines.profile import OptimizationProfile, Shape
from inpaint_sdk.errors import BackendError, ModelError
from inpaint_sdk.models.file import ModelFile, has_functions

if TYPE_CHECKING:
    import tensorrt_bindings as tensorrt

_GRANULE = 256 << 20

RECIPE = 1
"""Of what a build is told besides the fields of an engine's key; raise it when that changes."""


@dataclass(frozen=True)
class Built:
    """A serialised engine, and how its scans run: ``plugin``, ``log_step`` or ``none``."""

    data: bytes
    scan: Scan


def build(
    library: Library,
    model: ModelFile,
    profile: OptimizationProfile,
    *,
    targets: tuple[str, ...],
    plugin: Plugin | None,
    progress: Progress,
    workspace: int = 0,
) -> Built:
    """Compiles a model for inputs of the profile.

    targets: compute capabilities like ``sm_86`` for a library that builds for GPUs that are named,
    else ignored: the engine is then for the GPU at hand. workspace: the most bytes that a layer may
    take to compute in, or 0 for the library's own choice.

    Raises:
        ModelError: the library cannot compile the model.
        BackendError: it does not know a target, or the plugin cannot be loaded.
    """
    logger = make_logger(library)
    if model.info.precision == "int8":
        model = replace(model, data=with_signed_zero_points(model))
    scans = has_functions(model.data)
    scan: Scan = "none" if not scans else "plugin" if plugin else "log_step"
    if plugin and scans:
        load_plugin(library, plugin, logger)
        data = scan_node.without_function(model.data)
    elif scans:
        data = scan_node.with_log_step(
            model.data, _longest_line(library, logger, model, profile.max)
        )
    else:
        data = model.data
    compilation = _Compilation(library, logger, model)
    serialised = compilation.run(data, profile, targets, workspace, progress)
    return Built(serialised, scan)


def workspace_limit(device: Device) -> int:
    """A quarter of the memory: a library's own choice is all of it, on a Jetson the host's too.

    Rounded, since what the system keeps of it may differ a little from one start to the next.
    """
    return max(1, round(device.memory / 4 / _GRANULE)) * _GRANULE


def load_plugin(library: Library, plugin: Plugin, logger: tensorrt.ILogger) -> None:
    """Registers the plugin's creators, if that has not been done in this process.

    Raises:
        BackendError: the library refuses it.
    """
    if TYPE_CHECKING:
        import tensorrt_bindings as trt
    else:
        trt = library.module
    registry = trt.get_plugin_registry()
    known = ("DirectionalScan", "1", "inpaint_sdk")
    if any((c.name, c.plugin_version, c.plugin_namespace) == known for c in registry.all_creators):
        return
    # The registry takes no logger itself, and a process has one for such things: the first of those
    # that builders and runtimes were made with.
    runtime = trt.Runtime(logger)
    handle = registry.load_library(str(plugin.path))
    del runtime
    if handle is None:
        reason = cast(Log, logger).take_errors() or _why_not_loaded(plugin.path)
        raise BackendError(
            f"{library.title} cannot load the plugin {plugin.path}: {reason}. Build it against "
            "this version (kernels/README.md), or remove it: models also run without it, slower"
        )


def _why_not_loaded(path: Path) -> str:
    """What the system's loader says of a library."""
    try:
        ctypes.CDLL(str(path))
    except OSError as error:
        return str(error)
    return "it does not say why"


class _Compilation:
    """One model going through parser and builder."""

    def __init__(self, library: Library, logger: tensorrt.ILogger, model: ModelFile) -> None:
        self._library = library
        self._logger = logger
        self._model = model

    def parse(self, data: bytes) -> tuple[tensorrt.Builder, tensorrt.INetworkDefinition]:
        """Reads ONNX into a strongly typed network."""
        if TYPE_CHECKING:
            import tensorrt_bindings as trt
        else:
            trt = self._library.module
        builder = trt.Builder(self._logger)
        flags = 0
        if self._library.features.typed_by_flag:
            flags = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
        network = builder.create_network(flags)
        parser = trt.OnnxParser(network, self._logger)
        if not parser.parse(data):
            errors = (parser.get_error(i).desc() for i in range(parser.num_errors))
            raise ModelError(
                f"{self._library.title} cannot read {self._model.path}: " + "; ".join(errors)
            )
        return builder, network

    def run(
        self,
        data: bytes,
        profile: OptimizationProfile,
        targets: tuple[str, ...],
        workspace: int,
        progress: Progress,
    ) -> bytes:
        """Compiles; returns the serialised engine."""
        if TYPE_CHECKING:
            import tensorrt_bindings as trt
        else:
            trt = self._library.module
        builder, network = self.parse(data)
        config = builder.create_builder_config()
        # Precision is in the file: fp32 means fp32, not products of 10 bits.
        config.clear_flag(trt.BuilderFlag.TF32)
        if workspace:
            config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace)
        bounds = builder.create_optimization_profile()
        for index in range(network.num_inputs):
            tensor = network.get_input(index)
            sizes = [_dims(s, tensor) for s in (profile.min, profile.opt, profile.max)]
            bounds.set_shape(tensor.name, *sizes)
        config.add_optimization_profile(bounds)
        if self._library.features.targets:
            _set_targets(self._library, config, targets)
        interrupted = Interrupted()
        config.progress_monitor = make_monitor(self._library, progress, interrupted)
        serialised = builder.build_serialized_network(network, config)
        if interrupted.error is not None:
            raise interrupted.error
        if serialised is None:
            raise ModelError(
                f"{self._library.title} cannot compile {self._model.path} for {profile}: "
                f"{cast(Log, self._logger).take_errors() or 'it does not say why'}"
            )
        return bytes(memoryview(cast(Any, serialised)))


def _dims(shape: Shape, tensor: tensorrt.ITensor) -> tuple[int, int, int, int]:
    return (shape.batch, int(tensor.shape[1]), shape.height, shape.width)


def _longest_line(
    library: Library, logger: tensorrt.ILogger, model: ModelFile, largest: Shape
) -> int:
    """The longest line that any scan of the model meets in an input of the largest shape.

    The network is read with the function for the longest lines. With the input's shape fixed, the
    library then knows how much each node uses of the positions that this function holds.
    """
    if TYPE_CHECKING:
        import tensorrt_bindings as trt
    else:
        trt = library.module
    longest = scan_node.LENGTHS[-1]
    probe = scan_node.with_log_step(model.data, longest)
    _, network = _Compilation(library, logger, model).parse(probe)
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        tensor.shape = trt.Dims(_dims(largest, tensor))
    layers = (network.get_layer(index) for index in range(network.num_layers))
    slices = (layer for layer in layers if layer.type == trt.LayerType.SLICE)
    try:
        used = [
            int(layer.get_output(0).shape[0])
            for layer in slices
            if tuple(layer.get_input(0).shape) == (longest,)
        ]
    except (RuntimeError, ValueError, IndexError):
        # Shapes do not fit together, as where a line is longer than the function. To read such a
        # shape is one error or another, by the version of the bindings.
        used = []
    # Where that tells nothing: a side of the image bounds every line.
    found = max(used, default=0)
    return found if found > 0 else max(largest.height, largest.width)


def _set_targets(
    library: Library, config: tensorrt.IBuilderConfig, targets: tuple[str, ...]
) -> None:
    """Sets compute capabilities, which TensorRT for RTX has and TensorRT's stubs have not."""
    known = known_targets(library)
    for target in targets:
        if target not in known:
            raise BackendError(
                f"{library.title} cannot build for {target}; it builds for {', '.join(known)}"
            )
    settings = cast(Any, config)
    settings.num_compute_capabilities = len(targets)
    for index, target in enumerate(targets):
        settings.set_compute_capability(known[target], index)


def known_targets(library: Library) -> dict[str, Any]:
    """What a library that builds for GPUs that are named can build for, by names like ``sm_86``."""
    members = library.module.ComputeCapability.__members__
    return {
        f"sm_{name[2:]}": value for name, value in members.items() if name[:2] == "SM"
    }  # besides these there are NONE and CURRENT
