"""What a build asks of the library, by version and by whether there is a plugin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from inpaint_sdk import BackendError, ModelError
from inpaint_sdk.backends.tensorrt import builder, loader, scan_node
from inpaint_sdk.backends.tensorrt.library import PRODUCTS, Library, features_of
from inpaint_sdk.backends.tensorrt.scan_node import Plugin
from inpaint_sdk.engines.profile import OptimizationProfile, Shape
from inpaint_sdk.models.file import ModelFile, has_functions
from support.tensorrt_fakes import DEVICE, JETSON

SHAPES = OptimizationProfile(Shape(1, 16, 16), Shape(1, 64, 96), Shape(2, 128, 96))
PLUGIN = Plugin(Path("/lib/plugin.so"), "0" * 64)


class Asked:
    """A library that writes down what it is asked for; its attributes say how it answers."""

    def __init__(self) -> None:
        self.flags: list[int] = []
        self.parsed: list[bytes] = []
        self.cleared: list[str] = []
        self.shapes: dict[str, tuple[Any, ...]] = {}
        self.libraries: list[str] = []
        self.creators: list[Any] = []
        self.capabilities: list[tuple[str, int]] = []
        self.refuses_plugin = False
        self.loggers: list[Any] = []  # of the library, whose registry takes none itself
        self.limits: dict[str, int] = {}
        self.layers: list[Any] = []
        self.gives = b"engine"

    def library(self, name: str, version: str) -> Library:
        numbers = tuple(int(part) for part in version.split("."))
        return Library(PRODUCTS[name], self._module(), version, features_of(name, numbers))

    def _module(self) -> SimpleNamespace:
        asked = self

        class Base:
            ERROR, INTERNAL_ERROR = 1, 0

            def __init__(self) -> None:
                pass

        class Network:
            num_inputs = 1
            num_layers = len(asked.layers)

            def get_layer(self, index: int) -> Any:
                return asked.layers[index]

            def get_input(self, index: int) -> Any:
                return SimpleNamespace(name="image", shape=(-1, 3, -1, -1))

        class Config:
            num_compute_capabilities = 0
            progress_monitor: Any = None

            def clear_flag(self, flag: str) -> None:
                asked.cleared.append(flag)

            def add_optimization_profile(self, profile: Any) -> None:
                pass

            def set_memory_pool_limit(self, pool: str, size: int) -> None:
                asked.limits[pool] = size

            def set_compute_capability(self, capability: str, index: int) -> None:
                asked.capabilities.append((capability, index))

        class Profile:
            def set_shape(self, name: str, *shapes: Any) -> None:
                asked.shapes[name] = shapes

        class Builder:
            def __init__(self, logger: Any) -> None:
                self._logger = logger

            def create_network(self, flags: int) -> Network:
                asked.flags.append(flags)
                return Network()

            def create_builder_config(self) -> Config:
                return Config()

            def create_optimization_profile(self) -> Profile:
                return Profile()

            def build_serialized_network(self, network: Any, config: Config) -> bytes | None:
                if not asked.gives:
                    self._logger.log(1, "no implementation")
                    self._logger.log(1, "no implementation")
                    return None
                return asked.gives

        class Parser:
            num_errors = 0

            def __init__(self, network: Any, logger: Any) -> None:
                pass

            def parse(self, data: bytes) -> bool:
                asked.parsed.append(data)
                return True

        class Registry:
            @property
            def all_creators(self) -> list[Any]:
                return asked.creators

            def load_library(self, path: str) -> object | None:
                if asked.refuses_plugin:
                    for logger in asked.loggers:
                        logger.log(1, "Unable to load library: undefined symbol")
                    return None
                asked.libraries.append(path)
                creator = SimpleNamespace(
                    name="DirectionalScan", plugin_version="1", plugin_namespace="inpaint_sdk"
                )
                asked.creators.append(creator)
                return object()

        class Runtime:
            def __init__(self, logger: Any) -> None:
                self._logger = logger
                asked.loggers.append(logger)

            def __del__(self) -> None:
                asked.loggers.remove(self._logger)

        return SimpleNamespace(
            ILogger=Base,
            IProgressMonitor=Base,
            Builder=Builder,
            OnnxParser=Parser,
            Runtime=Runtime,
            MemoryPoolType=SimpleNamespace(WORKSPACE="workspace"),
            Dims=tuple,
            LayerType=SimpleNamespace(SLICE="slice"),
            BuilderFlag=SimpleNamespace(TF32="TF32"),
            NetworkDefinitionCreationFlag=SimpleNamespace(STRONGLY_TYPED=3),
            ComputeCapability=SimpleNamespace(
                __members__={"NONE": 0, "CURRENT": 1, "SM86": "86", "SM120": "120"}
            ),
            get_plugin_registry=Registry,
        )


class Silent:
    """Progress that nobody looks at."""

    def start(self, phase: str, steps: int, outermost: bool) -> None: ...
    def step(self, phase: str) -> None: ...
    def finish(self, phase: str) -> None: ...


@pytest.fixture
def asked() -> Asked:
    return Asked()


def build(
    library: Library,
    model: ModelFile,
    plugin: Plugin | None = None,
    targets: tuple[str, ...] = ("sm_86",),
    workspace: int = 0,
) -> builder.Built:
    return builder.build(
        library,
        model,
        SHAPES,
        targets=targets,
        workspace=workspace,
        plugin=plugin,
        progress=Silent(),
    )


@pytest.mark.parametrize(
    ("name", "version", "flags"),
    [
        ("tensorrt", "10.3.0", 1 << 3),
        ("tensorrt", "10.16.1", 1 << 3),
        ("tensorrt", "11.0.0", 0),
        ("tensorrt", "11.4.0", 0),
        ("tensorrt_rtx", "1.7.1", 1 << 3),
    ],
)
def test_a_network_is_strongly_typed_in_every_version(
    asked: Asked, photo_file: ModelFile, name: str, version: str, flags: int
) -> None:
    built = build(asked.library(name, version), photo_file)
    assert built == builder.Built(b"engine", "none")
    assert asked.flags == [flags]
    assert asked.parsed == [photo_file.data]
    assert asked.cleared == ["TF32"]
    assert asked.shapes == {"image": ((1, 3, 16, 16), (1, 3, 64, 96), (2, 3, 128, 96))}


def test_targets_are_set_where_the_library_has_them(asked: Asked, photo_file: ModelFile) -> None:
    build(asked.library("tensorrt_rtx", "1.7.1"), photo_file, targets=("sm_120", "sm_86"))
    assert asked.capabilities == [("120", 0), ("86", 1)]
    asked.capabilities.clear()
    build(asked.library("tensorrt", "10.3.0"), photo_file)
    assert asked.capabilities == []


@pytest.mark.parametrize("version", ["10.3.0", "10.7.0", "11.4.0"])
def test_with_the_plugin_the_parser_gets_no_function(
    asked: Asked, scan_file: ModelFile, version: str
) -> None:
    library = asked.library("tensorrt", version)
    for _ in range(2):
        assert build(library, scan_file, PLUGIN).scan == "plugin"
    assert asked.libraries == ["/lib/plugin.so"], "it is registered once a process"
    assert not any(has_functions(data) for data in asked.parsed)
    assert len(asked.parsed) == 2


def test_without_the_plugin_it_gets_log_steps_for_the_longest_line(
    asked: Asked, scan_file: ModelFile
) -> None:
    assert build(asked.library("tensorrt", "10.3.0"), scan_file).scan == "log_step"
    probe, final = asked.parsed
    assert probe == scan_node.with_log_step(scan_file.data, 4096)
    # This library says nothing of layers, so a side of the largest input bounds the lines.
    assert final == scan_node.with_log_step(scan_file.data, 128)


class Unshaped:
    """A slice layer whose output's shape cannot be read."""

    type = "slice"

    def __init__(self, error: type[Exception]) -> None:
        self._error = error

    def get_input(self, index: int) -> Any:
        return SimpleNamespace(shape=(scan_node.LENGTHS[-1],))

    def get_output(self, index: int) -> Any:
        raise self._error("Invalid shape")


@pytest.mark.parametrize("error", [RuntimeError, ValueError, IndexError])
def test_shapes_that_do_not_fit_are_told_differently_by_version(
    asked: Asked, scan_file: ModelFile, error: type[Exception]
) -> None:
    asked.layers = [Unshaped(error)]
    assert build(asked.library("tensorrt", "11.0.0"), scan_file).scan == "log_step"
    assert asked.parsed[-1] == scan_node.with_log_step(scan_file.data, 128)


def test_the_workspace_is_limited_where_a_limit_is_given(
    asked: Asked, photo_file: ModelFile
) -> None:
    build(asked.library("tensorrt", "10.3.0"), photo_file)
    assert asked.limits == {}
    build(asked.library("tensorrt", "10.3.0"), photo_file, workspace=2 << 30)
    assert asked.limits == {"workspace": 2 << 30}


def test_the_key_tells_modules_of_one_name_apart(asked: Asked, photo_file: ModelFile) -> None:
    """All Orin modules may be called the same; engines hold what was fastest on one of them."""
    library = asked.library("tensorrt", "10.3.0")
    keys = [
        loader.engine_key(library, photo_file, SHAPES, device)
        for device in (JETSON, replace(JETSON, multiprocessors=16), replace(JETSON, memory=1 << 36))
    ]
    assert len({key.digest() for key in keys}) == 3
    assert keys[0].workspace == JETSON.memory // 4
    reserved = replace(JETSON, memory=JETSON.memory - (50 << 20))  # by another start of the system
    assert loader.engine_key(library, photo_file, SHAPES, reserved) == keys[0]
    rtx = loader.engine_key(asked.library("tensorrt_rtx", "1.7.1"), photo_file, SHAPES, DEVICE)
    assert (rtx.device, rtx.multiprocessors, rtx.workspace) == ("", 0, 0)


def test_another_recipe_is_another_key(
    asked: Asked, photo_file: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = asked.library("tensorrt", "10.3.0")
    before = loader.engine_key(library, photo_file, SHAPES, DEVICE)
    monkeypatch.setattr(builder, "RECIPE", builder.RECIPE + 1)
    assert loader.engine_key(library, photo_file, SHAPES, DEVICE).digest() != before.digest()


def test_a_plugin_that_cannot_be_loaded(asked: Asked, scan_file: ModelFile) -> None:
    asked.refuses_plugin = True
    with pytest.raises(BackendError, match=r"cannot load the plugin .*undefined symbol.*Build it"):
        build(asked.library("tensorrt", "10.3.0"), scan_file, PLUGIN)


def test_a_model_without_scans_needs_no_plugin(asked: Asked, photo_file: ModelFile) -> None:
    assert build(asked.library("tensorrt", "10.3.0"), photo_file, PLUGIN).scan == "none"
    assert asked.libraries == []


def test_a_failed_build_is_told_with_the_librarys_reason(
    asked: Asked, photo_file: ModelFile
) -> None:
    asked.gives = b""
    with pytest.raises(ModelError, match=r"TensorRT 11.0.0 cannot compile .*: no implementation$"):
        build(asked.library("tensorrt", "11.0.0"), photo_file)
