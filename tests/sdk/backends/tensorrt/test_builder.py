"""Real engines, compiled by TensorRT for RTX, which needs no GPU for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from inpaint_sdk import BackendError, ModelError, Restorer
from inpaint_sdk.backends.tensorrt import builder, loader, scan_node
from inpaint_sdk.backends.tensorrt.cuda import Cuda, Device
from inpaint_sdk.backends.tensorrt.library import Library, make_logger, open_library
from inpaint_sdk.cli.main import main
from inpaint_sdk.engines.file import read_engine_file, write_engine_file
from inpaint_sdk.engines.profile import OptimizationProfile, Shape
from inpaint_sdk.models.file import ModelFile, has_functions, read_model_file
from inpaint_sdk.models.zoo import MODELS
from support.tensorrt_fakes import DEVICE, FakeCuda

TARGETS = ("sm_86",)
STATIC = OptimizationProfile(*[Shape(1, 64, 96)] * 3)
DYNAMIC = OptimizationProfile(Shape(1, 16, 16), Shape(1, 64, 96), Shape(2, 128, 96))


class Phases:
    """Progress that remembers."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.outermost: list[str] = []
        self.finished: list[str] = []
        self.steps = 0

    def start(self, phase: str, steps: int, outermost: bool) -> None:
        self.started.append(phase)
        if outermost:
            self.outermost.append(phase)

    def step(self, phase: str) -> None:
        self.steps += 1

    def finish(self, phase: str) -> None:
        self.finished.append(phase)


@pytest.fixture(scope="module")
def library() -> Library:
    try:
        return open_library("tensorrt_rtx")
    except BackendError as error:
        pytest.skip(str(error))


def build(library: Library, model: ModelFile, profile: OptimizationProfile) -> builder.Built:
    return builder.build(library, model, profile, targets=TARGETS, plugin=None, progress=Phases())


@pytest.mark.parametrize("profile", [STATIC, DYNAMIC], ids=["static", "dynamic"])
def test_photo_compiles(
    library: Library, photo_file: ModelFile, profile: OptimizationProfile
) -> None:
    built = build(library, photo_file, profile)
    assert built.scan == "none"
    weights = 4 * photo_file.info.parameters
    assert weights < len(built.data) < 2 * weights


def bundled() -> Iterator[Any]:
    """Of those with scans the smallest; all of them take a minute."""
    for path in sorted(MODELS.glob("*.onnx")):
        marks = [] if path.stem == "cloud-thin" else [pytest.mark.slow]
        yield pytest.param(path, id=path.stem, marks=marks)


@pytest.mark.parametrize("path", list(bundled()))
def test_every_bundled_model_compiles(library: Library, path: Path) -> None:
    model = read_model_file(path)
    side = model.info.size_multiple * 4
    height = model.info.trained_size if model.info.task == "read" else side
    built = build(library, model, OptimizationProfile(*[Shape(1, height, side)] * 3))
    assert built.scan == ("log_step" if has_functions(model.data) else "none")


@pytest.mark.parametrize("profile", [STATIC, DYNAMIC], ids=["static", "dynamic"])
def test_a_scan_compiles_as_log_steps(
    library: Library, scan_file: ModelFile, profile: OptimizationProfile
) -> None:
    assert build(library, scan_file, profile).scan == "log_step"


def test_the_model_files_own_function_compiles_too(library: Library, scan_file: ModelFile) -> None:
    compilation = builder._Compilation(library, make_logger(library), scan_file)
    assert len(compilation.run(scan_file.data, STATIC, TARGETS, 0, Phases())) > 1000


def test_the_parser_tells_how_long_lines_are(library: Library, scan_file: ModelFile) -> None:
    logger = make_logger(library)
    for height, width, longest in ((64, 96, 12), (256, 192, 32), (16, 16, 2)):
        shape = Shape(1, height, width)
        assert builder._longest_line(library, logger, scan_file, shape) == longest


def test_lines_that_are_too_long_are_refused(library: Library, scan_file: ModelFile) -> None:
    longest = 8 * scan_node.LENGTHS[-1] + 8
    profile = OptimizationProfile(Shape(1, 8, 8), Shape(1, 8, 8), Shape(1, 8, longest))
    with pytest.raises(BackendError, match="more than the 4096"):
        build(library, scan_file, profile)


def test_progress_is_told_from_start_to_finish(library: Library, scan_file: ModelFile) -> None:
    phases = Phases()
    builder.build(library, scan_file, STATIC, targets=TARGETS, plugin=None, progress=phases)
    assert phases.outermost == ["Building engine"]
    assert sorted(phases.started) == sorted(phases.finished)
    assert phases.steps > 5


@pytest.mark.parametrize("callback", ["start", "step", "finish"])
def test_an_interrupt_stops_the_build(
    library: Library, scan_file: ModelFile, callback: str
) -> None:
    class Impatient(Phases):
        pass

    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    setattr(Impatient, callback, interrupt)
    with pytest.raises(KeyboardInterrupt):
        builder.build(
            library,
            scan_file,
            STATIC,
            targets=TARGETS,
            plugin=None,
            progress=Impatient(),
        )


def test_several_targets(library: Library, scan_file: ModelFile) -> None:
    known = builder.known_targets(library)
    assert {"sm_86", "sm_89", "sm_120"} <= set(known)
    both = builder.build(
        library,
        scan_file,
        STATIC,
        targets=("sm_86", "sm_89"),
        workspace=1 << 30,
        plugin=None,
        progress=Phases(),
    )
    assert len(both.data) > 1000


def test_a_plugin_that_cannot_be_loaded(library: Library, tmp_path: Path) -> None:
    """The library raises nothing; its registry gives None, and tells a logger if it has one."""
    path = tmp_path / "plugin.so"
    path.write_text("junk")
    plugin = scan_node.Plugin(path, "0" * 64)
    with pytest.raises(BackendError, match=r"cannot load the plugin .*file too short.*Build it"):
        builder.load_plugin(library, plugin, make_logger(library))


def test_a_shape_that_does_not_fit_is_told_in_the_bindings_own_ways(
    library: Library, scan_file: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = scan_node.LENGTHS[:1]  # a line is longer than the longest function
    monkeypatch.setattr(scan_node, "LENGTHS", lengths)
    found = builder._longest_line(library, make_logger(library), scan_file, Shape(1, 256, 192))
    assert found == 256


def test_every_name_of_a_runtime_configuration_is_in_the_library(library: Library) -> None:
    trt = library.module
    config = trt.IRuntimeConfig
    for name in ("cuda_graph_strategy", "dynamic_shapes_kernel_specialization_strategy"):
        assert getattr(config, name).fset is not None
    for name in ("set_execution_context_allocation_strategy", "set_runtime_cache"):
        assert hasattr(config, name)
    assert hasattr(config, "create_runtime_cache")
    assert hasattr(trt.IRuntimeCache, "deserialize") and hasattr(trt.IRuntimeCache, "serialize")
    assert hasattr(trt.ICudaEngine, "create_runtime_config")
    for name in ("update_device_memory_size_for_shapes", "set_device_memory"):
        assert hasattr(trt.IExecutionContext, name)
    assert trt.ExecutionContextAllocationStrategy.USER_MANAGED is not None
    assert trt.DynamicShapesKernelSpecializationStrategy.LAZY is not None
    assert trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE is not None


@pytest.mark.parametrize("capability", ["sm_87", "sm_90", "sm_110"])
def test_a_gpu_that_it_does_not_know_is_not_offered(
    library: Library, monkeypatch: pytest.MonkeyPatch, capability: str
) -> None:
    device = replace(DEVICE, name="Orin", capability=capability)
    monkeypatch.setattr(loader, "Cuda", lambda: FakeCuda(device=device))
    probe = loader.TENSORRT_RTX.probe()
    assert not probe.available
    assert f"sm_121, and this is Orin ({capability}); use the backend tensorrt" in probe.detail
    with pytest.raises(BackendError, match="is for GPUs of sm_75"):
        loader._device_here(library)


def test_a_gpu_that_it_knows_is_offered(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "Cuda", FakeCuda)
    assert loader.TENSORRT_RTX.probe().available


def test_an_unknown_target(library: Library, scan_file: ModelFile) -> None:
    with pytest.raises(BackendError, match=r"cannot build for sm_90; it builds for sm_75.*sm_86"):
        builder.build(
            library,
            scan_file,
            STATIC,
            targets=("sm_90",),
            plugin=None,
            progress=Phases(),
        )


def test_a_network_that_cannot_be_read(library: Library, scan_file: ModelFile) -> None:
    """One whose scan has neither a function nor a plugin."""
    bare = replace(scan_file, data=scan_node.without_function(scan_file.data))
    with pytest.raises(ModelError, match=r"cannot read .*Plugin not found"):
        build(library, bare, STATIC)


def test_a_network_that_cannot_be_compiled(library: Library, photo_file: ModelFile) -> None:
    odd = OptimizationProfile(*[Shape(1, 8, 8)] * 3)  # too small for the network's poolings
    with pytest.raises(ModelError, match=r"cannot (compile|read)"):
        build(library, photo_file, odd)


def no_gpu() -> bool:
    try:
        Cuda()
    except BackendError:
        return True
    return False


@pytest.mark.skipif(not no_gpu(), reason="there is a GPU here")
class TestWithoutAGpu:
    def test_nothing_is_built_for_no_target(self, library: Library, tmp_path: Path) -> None:
        output = tmp_path / "x.engine"
        arguments = ["compile", "photo", "--backend", "tensorrt_rtx", "-o", str(output)]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 1
        assert "no GPU here" in result.output
        assert "--target, of sm_75" in result.output

    def test_an_engine_is_compiled_described_and_not_run(
        self, library: Library, scan_file: ModelFile, tmp_path: Path
    ) -> None:
        output = tmp_path / "x.engine"
        shapes = ["--shapes", "16x16", "64x96", "2x128x96"]
        targets = ["--target", "sm_86", "--target", "sm_89", "-o", str(output)]
        result = CliRunner().invoke(
            main,
            ["compile", str(scan_file.path), "--backend", "tensorrt_rtx", *shapes, *targets],
        )
        assert result.exit_code == 0, result.output
        assert "without the plugin" in result.output
        info = read_engine_file(output).info
        assert info.model == scan_file.info
        assert info.key.targets == ("sm_86", "sm_89")
        assert info.key.version == library.version
        assert info.key.profile == DYNAMIC
        assert info.scan == "log_step"
        for backend in ("auto", "tensorrt_rtx"):
            with pytest.raises(BackendError, match=r"cannot run here.*can be compiled here"):
                Restorer.load(output, backend=backend)
        with pytest.raises(BackendError, match="compiled for the backend tensorrt_rtx"):
            Restorer.load(output, backend="onnxruntime-cpu")

    def test_the_library_refuses_to_load_it(
        self, library: Library, scan_file: ModelFile, tmp_path: Path
    ) -> None:
        """As far as deserialisation goes without a device: to a clear refusal."""
        from inpaint_sdk.backends.tensorrt.session import TensorRTSession

        engine = loader.TENSORRT_RTX.compile(scan_file, STATIC, TARGETS, Phases())
        write_engine_file(engine, tmp_path / "x.engine")
        engine = read_engine_file(tmp_path / "x.engine")
        with pytest.raises(BackendError, match=r"TensorRT for RTX .* refuses the engine .*[Cc]uda"):
            TensorRTSession(library, engine, FakeCuda())  # type: ignore[arg-type]

    def test_loading_a_model_says_that_there_is_no_gpu(self, library: Library) -> None:
        with pytest.raises(BackendError, match=r"cannot run here.*CUDA"):
            Restorer.load("photo", backend="tensorrt_rtx")


@pytest.mark.parametrize(
    ("changes", "device", "message"),
    [
        ({"version": "1.6.0"}, DEVICE, r"TensorRT for RTX 1.6.0, and this is version 1.7"),
        ({"system": "Plan 9"}, DEVICE, "Plan 9"),
        (
            {},
            replace(DEVICE, name="Thor", capability="sm_110"),
            r"GPUs of sm_86, and this is Thor \(sm_110\)",
        ),
        ({"device": "Other"}, DEVICE, "the GPU Other, and this is NVIDIA Fake 3000"),
        (
            {"device": DEVICE.name, "multiprocessors": 16},
            DEVICE,
            "Fake 3000 with 16 multiprocessors, and this one has 8",
        ),
        ({"plugin": "0"}, DEVICE, "plugin"),
    ],
)
def test_engines_of_elsewhere_are_refused(
    library: Library,
    scan_file: ModelFile,
    changes: dict[str, object],
    device: Device,
    message: str,
) -> None:
    key = loader.engine_key(library, scan_file, STATIC, DEVICE)
    own = loader.make_engine_file(scan_file.path, scan_file.info, key, "log_step", b"engine")
    loader.check_fits(own, library, DEVICE)
    other = replace(own, info=replace(own.info, key=replace(key, **changes)))
    with pytest.raises(BackendError, match=message):
        loader.check_fits(other, library, device)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photo-staged", "--precision", "int8"], "comes in fp32, not in int8"),
        (["photo", "--shapes", "1x1", "2x2", "3x3"], "multiples of 16"),
        (["photo", "--shapes", "64x64", "2x2", "3x3"], "not in order"),
        (["photo", "--shapes", "a", "2x2", "3x3"], "height x width"),
        (["none.onnx"], "no model file"),
        (["photo", "--target", "sm_1"], "cannot build for sm_1"),
        (["photo", "-o", "/none/x.engine"], "no folder"),
    ],
)
def test_what_compile_refuses(
    library: Library, arguments: list[str], message: str, tmp_path: Path
) -> None:
    import re

    output = ["-o", str(tmp_path / "x.engine")]
    command = ["compile", "--backend", "tensorrt_rtx", "--target", "sm_86", *output, *arguments]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 1
    assert re.search(message, result.output), result.output
    assert not list(tmp_path.iterdir())
