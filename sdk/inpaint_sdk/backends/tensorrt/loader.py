"""The two backends: what can run here, engines from models, sessions from engines."""

from __future__ import annotations

import logging
import time
from functools import partial
from pathlib import Path

from inpaint_sdk.backends.base import BackendOptions, Probe, Progress
from inpaint_sdk.backends.tensorrt import builder, scan_node
from inpaint_sdk.backends.tensorrt.cuda import Cuda, Device
from inpaint_sdk.backends.tensorrt.library import PRODUCTS, Library, make_logger, open_library
from inpaint_sdk.backends.tensorrt.progress import ProgressBar
from inpaint_sdk.backends.tensorrt.session import TensorRTSession
from inpaint_sdk.engines.cache import EngineCache
from inpaint_sdk.engines.file import EngineFile, EngineKey, make_engine_file, this_system
from inpaint_sdk.engines.profile import OptimizationProfile
from inpaint_sdk.errors import BackendError
from inpaint_sdk.models.file import ModelFile, has_functions

_log = logging.getLogger(__name__)


class TensorRTLoader:
    """A backend over TensorRT or TensorRT for RTX, as ``inpaint_sdk.backends.base`` wants it."""

    def __init__(self, name: str) -> None:
        self.NAME = name

    def probe(self) -> Probe:
        """Whether the library and a GPU are here; never raises."""
        try:
            library = open_library(self.NAME)
        except BackendError as error:
            return Probe(False, str(error))
        try:
            device = Cuda().device()
            check_runs_on(library, device)
        except BackendError as error:
            builds = "; engines can be compiled here" if library.features.targets else ""
            return Probe(
                False, f"{library.title} is installed{builds}, but nothing can run: {error}"
            )
        plugin = "with" if scan_node.find_plugin(self.NAME) else "without"
        return Probe(
            True,
            f"{library.title} on {device.name} ({device.capability}), {plugin} the DirectionalScan "
            "plugin",
        )

    def load(self, model: ModelFile, options: BackendOptions) -> TensorRTSession:
        """Takes the model's engine from the cache, or builds it first, showing progress.

        The options' threads are the CPU's and say nothing here.

        Raises:
            ModelError: the library cannot compile the model.
            BackendError: the library or the GPU is missing or fails.
        """
        library, cuda = open_library(self.NAME), Cuda()
        profile = OptimizationProfile.default(model.info)
        key = engine_key(library, model, profile, cuda.device())
        make = partial(_build, library, model, key, ProgressBar(f"compiling {model.info.name}"))
        return self._open(library, EngineCache().get(key, model.info.name, make), cuda)

    def load_engine(self, engine: EngineFile) -> TensorRTSession:
        """Opens an engine that was compiled before.

        Raises:
            BackendError: it was built for another GPU, version, system or plugin; which one is
                said. Or the library or the GPU is missing or fails.
        """
        library, cuda = open_library(self.NAME), Cuda()
        check_fits(engine, library, cuda.device())
        return self._open(library, engine, cuda)

    def compile(
        self,
        model: ModelFile,
        profile: OptimizationProfile,
        targets: tuple[str, ...],
        progress: Progress,
    ) -> EngineFile:
        """Builds an engine for GPUs that are named, or for the one here if none is.

        Raises:
            ModelError: the library cannot compile the model.
            BackendError: it cannot build for such a GPU, or none is named and none is here.
        """
        library = open_library(self.NAME)
        profile.check(model.info)
        if not targets:
            key = engine_key(library, model, profile, _device_here(library))
        elif library.features.targets:
            key = _key(library, model, profile, targets)
        else:
            device = Cuda().device()
            if targets != (device.capability,):
                raise BackendError(
                    f"{library.title} builds for the GPU at hand, {device.name} "
                    f"({device.capability}), and for no other; compile on the machine that will "
                    f"run the engine, or use the backend tensorrt_rtx, which knows "
                    f"--target {' '.join(targets)} if it is of its list"
                )
            key = engine_key(library, model, profile, device)
        return _build(library, model, key, progress)

    def _open(self, library: Library, engine: EngineFile, cuda: Cuda) -> TensorRTSession:
        if engine.info.scan == "plugin":
            plugin = scan_node.find_plugin(self.NAME)
            assert plugin is not None, "the key holds its digest"
            builder.load_plugin(library, plugin, make_logger(library))
        return TensorRTSession(library, engine, cuda)


def engine_key(
    library: Library, model: ModelFile, profile: OptimizationProfile, device: Device
) -> EngineKey:
    """The key of an engine for one GPU.

    TensorRT times kernels on the GPU that it builds for, so its engines belong to that one.
    TensorRT for RTX compiles for a capability, and finishes on the GPU that runs it.
    """
    return _key(library, model, profile, (device.capability,), device)


def _key(
    library: Library,
    model: ModelFile,
    profile: OptimizationProfile,
    targets: tuple[str, ...],
    device: Device | None = None,
) -> EngineKey:
    """device: the one that the engine is built on, where it is built on one."""
    one = None if library.features.targets else device
    plugin = scan_node.find_plugin(library.product.name) if has_functions(model.data) else None
    return EngineKey(
        model=model.info.digest,
        backend=library.product.name,
        version=library.version,
        system=this_system(),
        targets=targets,
        device=one.name if one else "",
        multiprocessors=one.multiprocessors if one else 0,
        precision=model.info.precision,
        profile=profile,
        workspace=builder.workspace_limit(one) if one else 0,
        recipe=builder.RECIPE,
        plugin=plugin.digest if plugin else "",
    )


def check_fits(engine: EngineFile, library: Library, device: Device) -> None:
    """Raises ``BackendError``, naming what differs, unless the engine fits what is here."""
    key = engine.info.key
    plugin = scan_node.find_plugin(key.backend)
    differences = []
    if key.version != library.version:
        differences.append(
            f"{library.product.title} {key.version}, and this is version {library.version}"
        )
    if key.system != this_system():
        differences.append(f"{key.system}, and this is {this_system()}")
    if device.capability not in key.targets:
        differences.append(
            f"GPUs of {', '.join(key.targets)}, and this is {device.name} ({device.capability})"
        )
    elif key.device not in ("", device.name):
        differences.append(f"the GPU {key.device}, and this is {device.name}")
    elif key.device and key.multiprocessors != device.multiprocessors:
        differences.append(
            f"{key.device} with {key.multiprocessors} multiprocessors, and this one has "
            f"{device.multiprocessors}"
        )
    if key.plugin and key.plugin != (plugin.digest if plugin else ""):
        here = "it is another" if plugin else "there is none"
        differences.append(f"a DirectionalScan plugin of its own, and here {here}")
    if differences:
        raise BackendError(
            f"{engine.path} was built for {'; and for '.join(differences)}. Compile it again: "
            f"inpaint-sdk compile {engine.info.model.name} --backend {key.backend}"
        )


def check_runs_on(library: Library, device: Device) -> None:
    """Raises ``BackendError`` for a GPU that the library does not know."""
    if not library.features.targets:
        return
    known = builder.known_targets(library)
    if device.capability not in known:
        raise BackendError(
            f"{library.title} is for GPUs of {', '.join(known)}, and this is {device.name} "
            f"({device.capability}); use the backend tensorrt"
        )


def _device_here(library: Library) -> Device:
    try:
        device = Cuda().device()
    except BackendError as error:
        if not library.features.targets:
            raise
        known = ", ".join(builder.known_targets(library))
        raise BackendError(
            f"there is no GPU here to build for ({error}); name one with --target, of {known}"
        ) from error
    check_runs_on(library, device)
    return device


def _build(library: Library, model: ModelFile, key: EngineKey, progress: Progress) -> EngineFile:
    where = key.device or ", ".join(key.targets)
    _log.info("compiling %s for %s on %s", model.info.name, library.title, where)
    started = time.monotonic()
    built = builder.build(
        library,
        model,
        key.profile,
        targets=key.targets,
        workspace=key.workspace,
        plugin=scan_node.find_plugin(key.backend) if key.plugin else None,
        progress=progress,
    )
    _log.info("compiled %s in %.0f s", model.info.name, time.monotonic() - started)
    return make_engine_file(Path(model.info.name), model.info, key, built.scan, built.data)


TENSORRT, TENSORRT_RTX = (TensorRTLoader(name) for name in PRODUCTS)
