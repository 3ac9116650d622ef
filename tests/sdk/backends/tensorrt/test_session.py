"""The session over a fake GPU: order of calls, sizes, leaks, errors, and the pictures."""

from __future__ import annotations

import ctypes
import gc
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier, Event, Thread
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import BackendError, ModelError, Restorer
from inpaint_sdk.backends import tensorrt
from inpaint_sdk.backends.onnxruntime import loader as onnxruntime_loader
from inpaint_sdk.backends.tensorrt import loader
from inpaint_sdk.backends.tensorrt.library import Library
from inpaint_sdk.backends.tensorrt.session import TensorRTSession
from inpaint_sdk.engines.file import EngineFile, make_engine_file
from inpaint_sdk.engines.profile import OptimizationProfile, Shape
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.models.info import PrecisionChoice
from support.tensorrt_fakes import (
    DEVICE,
    JETSON,
    FakeContext,
    FakeCuda,
    FakeEngine,
    activations,
    compile_kernels,
    fake_library,
)

Pixels = NDArray[np.uint8]
Feed = dict[str, NDArray[np.float32]]
Over = Callable[[ModelFile, object], Restorer]


@pytest.fixture(scope="session")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Callable[..., None]]:
    if shutil.which("c++") is None:
        pytest.skip("there is no C++ compiler")
    source = Path(tensorrt.__file__).with_name("pixels.cu")
    return compile_kernels(source, tmp_path_factory.mktemp("kernels"))


@pytest.fixture
def cuda(kernels: dict[str, Callable[..., None]]) -> FakeCuda:
    return FakeCuda(kernels)


def engine_of(
    library: Library, model: ModelFile, profile: OptimizationProfile | None = None
) -> EngineFile:
    profile = profile or OptimizationProfile.default(model.info)
    key = loader.engine_key(library, model, profile, DEVICE)
    return make_engine_file(model.path, model.info, key, "none", model.data)


@pytest.fixture
def opened(cuda: FakeCuda, photo_file: ModelFile) -> tuple[TensorRTSession, FakeEngine]:
    library, engines = fake_library(cuda)
    session = TensorRTSession(library, engine_of(library, photo_file), cuda)  # type: ignore[arg-type]
    return session, engines[0]


@pytest.fixture
def session(opened: tuple[TensorRTSession, FakeEngine]) -> TensorRTSession:
    return opened[0]


def feed(height: int, width: int, batch: int = 1, seed: int = 0) -> Feed:
    rng = np.random.default_rng(seed)
    image = rng.random((batch, 3, height, width), np.float32)
    mask = (rng.random((batch, 1, height, width)) < 0.2).astype(np.float32)
    return {"image": image, "mask": mask}


def assert_right(session: TensorRTSession, engine: FakeEngine, inputs: Feed) -> None:
    (expected,) = engine.session.run(None, inputs)
    np.testing.assert_array_equal(session.run(inputs)["output"], expected)


def test_names_come_from_the_engine(session: TensorRTSession) -> None:
    assert session.backend == "tensorrt"
    assert set(session.inputs) == {"image", "mask"}
    assert session.outputs == ("output",)


def test_outputs_are_the_engines_for_every_run(
    opened: tuple[TensorRTSession, FakeEngine],
) -> None:
    """Plain, captured, replayed; with shapes that grow, shrink and come back."""
    for height, width in ((32, 48), (32, 48), (32, 48), (64, 64), (16, 16), (64, 64), (32, 48)):
        for seed in range(2):
            assert_right(*opened, feed(height, width, seed=seed))


def test_outputs_belong_to_the_caller(session: TensorRTSession) -> None:
    first = session.run(feed(32, 32, seed=1))["output"]
    kept = first.copy()
    session.run(feed(32, 32, seed=2))
    np.testing.assert_array_equal(first, kept)


def test_inputs_of_any_layout_are_taken(opened: tuple[TensorRTSession, FakeEngine]) -> None:
    inputs = feed(32, 64)
    turned = {name: np.ascontiguousarray(v.swapaxes(2, 3)).swapaxes(2, 3) for name, v in
              inputs.items()}  # fmt: skip
    assert not turned["image"].flags.c_contiguous
    assert_right(*opened, turned)


def test_buffers_are_used_again(session: TensorRTSession, cuda: FakeCuda) -> None:
    session.run(feed(64, 64))
    before = len(cuda.memory)
    allocations = cuda.count("allocate device") + cuda.count("allocate host")
    for size in (64, 32, 16, 64):
        session.run(feed(size, size))
    assert cuda.count("allocate device") + cuda.count("allocate host") == allocations
    session.run(feed(128, 64))
    assert len(cuda.memory) == before, "what a larger buffer replaces is given back"


def test_a_repeated_shape_runs_as_one_graph(session: TensorRTSession, cuda: FakeCuda) -> None:
    for _ in range(5):
        session.run(feed(32, 32))
    assert cuda.count("begin_capture") == 1
    assert cuda.count("launch_graph") == 4
    session.run(feed(32, 48))
    assert not cuda.graphs, "a graph of another shape must not be kept"
    session.run(feed(32, 48))
    assert cuda.count("begin_capture") == 2


def test_a_network_that_cannot_be_captured_still_runs(
    opened: tuple[TensorRTSession, FakeEngine],
    cuda: FakeCuda,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And says once that it is slower than it could be."""
    opened[1].refuse = "capture"
    for seed in range(4):
        assert_right(*opened, feed(32, 32, seed=seed))
    assert cuda.count("begin_capture") == 1
    assert cuda.count("abandon_capture") == 1
    assert not cuda.capturing
    (record,) = caplog.records
    assert "cannot capture the model as a CUDA graph" in record.message
    assert "injected failure" in record.message


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_capture_is_ended(
    opened: tuple[TensorRTSession, FakeEngine],
    cuda: FakeCuda,
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
) -> None:
    """Else the stream would stay in it, and every later run fail."""
    session, engine = opened
    session.run(feed(32, 32))

    def interrupted(*arguments: Any) -> bool:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(FakeContext, "execute_async_v3", interrupted)
        with pytest.raises(error):
            session.run(feed(32, 32))
    assert cuda.count("abandon_capture") == 1
    assert not cuda.capturing
    for seed in range(3):
        assert_right(session, engine, feed(32, 32, seed=seed))
    assert cuda.count("launch_graph") == 3, "it is tried again"


class TestRtx:
    """What TensorRT for RTX does while it runs."""

    @pytest.fixture
    def folder(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
        monkeypatch.setenv("INPAINT_SDK_CACHE", str(tmp_path))
        return tmp_path

    def open(
        self, cuda: FakeCuda, model: ModelFile, own: str = "tensorrt_rtx"
    ) -> tuple[TensorRTSession, FakeEngine]:
        library, engines = fake_library(cuda, own, "1.7.1")
        session = TensorRTSession(library, engine_of(library, model), cuda)  # type: ignore[arg-type]
        return session, engines[0]

    def test_it_captures_by_itself(
        self, folder: Path, cuda: FakeCuda, photo_file: ModelFile
    ) -> None:
        session, engine = self.open(cuda, photo_file)
        for seed in range(3):
            assert_right(session, engine, feed(32, 32, seed=seed))
        assert cuda.count("begin_capture") == 0
        (config,) = engine.configs
        assert config.cuda_graph_strategy == "whole graph"
        assert config.dynamic_shapes_kernel_specialization_strategy == "lazy"

    def test_what_it_compiled_serves_the_next_process(
        self, folder: Path, cuda: FakeCuda, photo_file: ModelFile
    ) -> None:
        session, _ = self.open(cuda, photo_file)
        session.run(feed(32, 48))
        session.close()
        (kept,) = folder.iterdir()
        before = kept.read_bytes()
        session, engine = self.open(cuda, photo_file)
        assert engine.configs[0].kernels.shapes == {(1, 3, 32, 48)}
        kept.unlink()
        session.close()
        assert not kept.exists(), "nothing new is not written again"
        session, _ = self.open(cuda, photo_file)
        session.run(feed(32, 48))
        del session
        gc.collect()
        assert kept.read_bytes() == before, "a session that is dropped keeps it too"

    def test_what_was_compiled_elsewhere_is_not_used(
        self, folder: Path, cuda: FakeCuda, photo_file: ModelFile
    ) -> None:
        session, _ = self.open(cuda, photo_file)
        session.run(feed(32, 48))
        session.close()
        other = FakeCuda(device=replace(DEVICE, name="Other"))
        session, engine = self.open(other, photo_file)
        assert engine.configs[0].kernels.shapes == set()
        assert_right(session, engine, feed(32, 32))

    def test_a_disk_that_is_full_stops_nothing(
        self,
        monkeypatch: pytest.MonkeyPatch,
        cuda: FakeCuda,
        photo_file: ModelFile,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setenv("INPAINT_SDK_CACHE", "/dev/null/cache")
        session, _ = self.open(cuda, photo_file)
        session.run(feed(32, 32))
        session.close()
        assert "compiled kernels cannot be kept: cannot write /dev/null/cache" in caplog.text


def test_contexts_take_the_memory_that_their_shapes_want(
    opened: tuple[TensorRTSession, FakeEngine], cuda: FakeCuda
) -> None:
    session, engine = opened
    session.run(feed(32, 32))
    assert engine.strategies == ["user managed"]
    wanted = activations((1, 3, 32, 32))
    assert wanted <= max(ctypes.sizeof(block) for _, block in cuda.memory.values()) < 2 * wanted


def test_what_one_thread_warmed_up_serves_the_next(
    opened: tuple[TensorRTSession, FakeEngine], cuda: FakeCuda
) -> None:
    """A stream restores in a thread of its own, after a warm-up in another."""
    session, engine = opened
    for _ in range(2):
        session.run(feed(32, 32))
    before = len(cuda.memory)
    for _ in range(3):
        thread = Thread(target=lambda: assert_right(session, engine, feed(32, 32)))
        thread.start()
        thread.join()
    assert len(engine.strategies) == 1
    assert len(cuda.memory) == before
    assert cuda.count("begin_capture") == 1
    assert cuda.count("launch_graph") == 4


def test_runs_of_different_sizes_keep_their_contexts(session: TensorRTSession) -> None:
    """Two streams would else take each other's in turn, and capture anew with each frame."""
    sizes = [{n: v.shape for n, v in feed(size, size).items()} for size in (32, 48)]
    with session._running(sizes[0]) as first, session._running(sizes[1]) as second:
        first.prepare(sizes[0], session.outputs)
        second.prepare(sizes[1], session.outputs)
    for _ in range(2):
        for shapes, own in zip(sizes, (first, second), strict=True):
            with session._running(shapes) as context:
                assert context is own


def test_everything_is_given_back(session: TensorRTSession, cuda: FakeCuda, image: Pixels) -> None:
    for size in (32, 64, 64):
        session.run(feed(size, size))
    session.run_pixels(image, image[..., 0], channels="bgr", multiple=16)
    assert cuda.leaked
    session.close()
    assert cuda.leaked == []


def test_a_closed_session_says_so(session: TensorRTSession, cuda: FakeCuda, image: Pixels) -> None:
    session.run(feed(32, 32))
    for _ in range(2):
        session.close()
    before = len(cuda.calls)
    with pytest.raises(BackendError, match="was closed"):
        session.run(feed(32, 32))
    with pytest.raises(BackendError, match="was closed"):
        session.run_pixels(image, image[..., 0], channels="bgr", multiple=16)
    assert len(cuda.calls) == before, "nothing of CUDA is touched"


def test_closing_waits_for_runs_of_other_threads(
    opened: tuple[TensorRTSession, FakeEngine], cuda: FakeCuda
) -> None:
    session, engine = opened
    inside, go_on = Event(), Event()
    own = engine.session

    def slow(names: list[str], inputs: Feed) -> list[NDArray[np.float32]]:
        inside.set()
        assert go_on.wait(30)
        return list(own.run(names, inputs))

    engine.session = SimpleNamespace(run=slow)
    inputs = feed(32, 32)
    with ThreadPoolExecutor(2) as pool:
        running = pool.submit(session.run, inputs)
        assert inside.wait(30)
        closing = pool.submit(session.close)
        time.sleep(0.1)
        assert not closing.done()
        assert cuda.memory, "a run is still using it"
        go_on.set()
        closing.result(30)
        np.testing.assert_array_equal(running.result()["output"], own.run(None, inputs)[0])
    assert cuda.leaked == []


def test_threads_come_while_the_session_closes(cuda: FakeCuda, photo_file: ModelFile) -> None:
    """Each run is whole or refused, and nothing of those that came last is left."""
    library, _ = fake_library(cuda)
    for _ in range(5):
        session = TensorRTSession(library, engine_of(library, photo_file), cuda)  # type: ignore[arg-type]
        together = Barrier(9)

        def work(session: TensorRTSession = session, together: Barrier = together) -> None:
            together.wait()
            with suppress(BackendError):
                for _ in range(3):
                    session.run(feed(16, 16))

        threads = [Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        together.wait()
        session.close()
        assert cuda.leaked == []
        for thread in threads:
            thread.join()
        assert cuda.leaked == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_touches_nothing_of_cuda(session: TensorRTSession, cuda: FakeCuda) -> None:
    session.run(feed(32, 32))
    process = os.fork()
    if process == 0:
        problem = 1
        try:
            before = len(cuda.calls)
            with pytest.raises(BackendError, match=r"does not survive fork"):
                session.run(feed(32, 32))
            session.close()
            with pytest.raises(BackendError, match="was closed"):
                session.run(feed(32, 32))
            assert len(cuda.calls) == before
            problem = 0
        finally:
            os._exit(problem)
    assert os.waitpid(process, 0)[1] == 0
    session.run(feed(32, 32))
    session.close()
    assert cuda.leaked == []


def test_a_session_that_is_dropped_gives_back_its_memory(
    cuda: FakeCuda, photo_file: ModelFile
) -> None:
    library, _ = fake_library(cuda)
    session = TensorRTSession(library, engine_of(library, photo_file), cuda)  # type: ignore[arg-type]
    session.run(feed(32, 32))
    session.run(feed(32, 32))
    del session
    gc.collect()
    assert cuda.leaked == []


def test_threads_that_run_together_share_no_context(
    opened: tuple[TensorRTSession, FakeEngine],
) -> None:
    session, engine = opened
    together = Barrier(3)

    def work(seed: int) -> None:
        together.wait()
        for size in (32, 32, 48, 32):
            assert_right(session, engine, feed(size, size, seed=seed))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert 1 <= len(engine.strategies) <= 3


@pytest.mark.parametrize("size", [(2064, 16), (16, 2064), (8, 16)])
def test_sizes_that_the_engine_was_not_built_for(
    session: TensorRTSession, size: tuple[int, int]
) -> None:
    with pytest.raises(BackendError, match=r"the engine takes 1x16x16 to 1x2048x2048.*compile"):
        session.run(feed(*size))


def test_a_batch_that_is_too_large_is_run_in_parts(
    opened: tuple[TensorRTSession, FakeEngine],
) -> None:
    session, engine = opened
    inputs = feed(32, 48, batch=3)
    (expected,) = engine.session.run(None, inputs)
    np.testing.assert_allclose(session.run(inputs)["output"], expected, atol=1e-6)


@pytest.mark.parametrize("refuse", ["shape", "memory", "run", "context"])
def test_what_the_library_refuses_is_an_error(
    opened: tuple[TensorRTSession, FakeEngine], cuda: FakeCuda, refuse: str
) -> None:
    session, engine = opened
    engine.refuse = refuse
    with pytest.raises(BackendError, match=r"TensorRT 10.3.0 (refuses|failed|cannot)"):
        session.run(feed(32, 32))
    engine.refuse = ""
    assert_right(session, engine, feed(32, 32))
    session.close()
    assert cuda.leaked == []


CALLS = [
    "make_stream",
    "allocate device",
    "allocate host",
    "copy to_device",
    "copy to_host",
    "synchronize",
    "begin_capture",
    "end_capture",
    "launch_graph",
    "drop_graph",
    "clear",
    "launch",
    "compile",
    "load_kernels",
]


@pytest.mark.parametrize("call", CALLS)
def test_an_error_of_cuda_reaches_the_caller_and_leaks_nothing(
    opened: tuple[TensorRTSession, FakeEngine], cuda: FakeCuda, call: str, image: Pixels
) -> None:
    session, engine = opened
    cuda.fail_at = call
    runs: list[Callable[[], object]] = [
        *[partial(session.run, feed(size, size)) for size in (32, 32, 32, 64, 32)],
        *[partial(session.run_pixels, image, image[..., 0], channels="bgr", multiple=16)] * 3,
    ]
    failed = 0
    for run in runs:
        try:
            run()
        except BackendError as error:
            assert "injected" in str(error)
            failed += 1
    # A capture that fails is no failure of the run.
    assert failed == 0 if call in ("begin_capture", "end_capture") else failed > 0
    cuda.fail_at = None
    assert_right(session, engine, feed(32, 32))
    session.close()
    assert cuda.leaked == []


def test_a_refused_engine_is_named_with_the_librarys_reason(
    cuda: FakeCuda, photo_file: ModelFile
) -> None:
    library, _ = fake_library(cuda)
    engine = replace(engine_of(library, photo_file), data=b"junk")
    with pytest.raises(BackendError, match=r"TensorRT 10.3.0 refuses .*magic tag does not match"):
        TensorRTSession(library, engine, cuda)  # type: ignore[arg-type]


def test_tensorrt_for_rtx_says_what_is_wrong_with_an_engine(
    cuda: FakeCuda, photo_file: ModelFile
) -> None:
    library, _ = fake_library(cuda, "tensorrt_rtx", "1.7.1", validity=2)
    with pytest.raises(BackendError, match=r"refuses .*version mismatch, unsupported cc"):
        TensorRTSession(library, engine_of(library, photo_file), cuda)  # type: ignore[arg-type]


def by_numpy(
    session: TensorRTSession, pixels: Pixels, hole: Pixels | None, channels: str, multiple: int
) -> Pixels:
    """What ``run_pixels`` is to give: the same steps on the host."""
    height, width = pixels.shape[:2]
    end = ((0, -height % multiple), (0, -width % multiple))
    order = slice(None, None, -1 if channels == "bgr" else 1)
    unit = np.float32(1 / 255)
    padded = np.pad(pixels[..., order], (*end, (0, 0)), mode="symmetric")
    inputs = {"image": padded.transpose(2, 0, 1)[None] * unit}
    if "mask" in session.inputs:
        assert hole is not None
        inputs["mask"] = np.pad(hole, end, mode="symmetric")[None, None] * unit
    output = session.run(inputs)["output"][0, :, :height, :width]
    result = np.rint(np.clip(output, 0, 1) * np.float32(255)).astype(np.uint8)
    turned = result.transpose(1, 2, 0)[..., order]
    return turned if hole is None else np.where(hole[..., None] > 0, turned, pixels)


class TestPixels:
    """From pixels to pixels: what the host's way gives, to the bit."""

    @pytest.mark.parametrize("channels", ["bgr", "rgb"])
    @pytest.mark.parametrize("size", [(90, 130), (64, 64), (17, 31), (1, 5)])
    def test_inpainting(
        self,
        opened: tuple[TensorRTSession, FakeEngine],
        cuda: FakeCuda,
        image: Pixels,
        mask: Pixels,
        size: tuple[int, int],
        channels: Any,
    ) -> None:
        session, _ = opened
        pixels, hole = image[: size[0], : size[1]], mask[: size[0], : size[1]].copy()
        hole[0, 0] = 255
        expected = by_numpy(session, pixels, hole, channels, 16)
        for _ in range(3):
            result = session.run_pixels(pixels, hole, channels=channels, multiple=16)
            np.testing.assert_array_equal(result, expected)

    def test_restoring_without_a_mask(
        self, cuda: FakeCuda, scan_file: ModelFile, image: Pixels, mask: Pixels
    ) -> None:
        library, _ = fake_library(cuda)
        session = TensorRTSession(library, engine_of(library, scan_file), cuda)  # type: ignore[arg-type]
        for region in (None, mask):
            expected = by_numpy(session, image, region, "bgr", 8)
            for _ in range(3):
                result = session.run_pixels(image, region, channels="bgr", multiple=8)
                np.testing.assert_array_equal(result, expected)

    def test_a_frame_crosses_the_bus_once_each_way(
        self, session: TensorRTSession, cuda: FakeCuda, image: Pixels, mask: Pixels
    ) -> None:
        session.run_pixels(image, mask, channels="bgr", multiple=16)
        assert cuda.copied == {"to_device": image.nbytes + mask.nbytes, "to_host": image.nbytes + 4}
        for _ in range(3):
            session.run_pixels(image, mask, channels="bgr", multiple=16)
        assert cuda.count("begin_capture") == 1
        assert cuda.count("launch_graph") == 3
        assert cuda.count("compile") == 1

    def test_an_integrated_gpu_works_in_the_hosts_memory(
        self,
        kernels: dict[str, Callable[..., None]],
        photo_file: ModelFile,
        image: Pixels,
        mask: Pixels,
    ) -> None:
        cuda = FakeCuda(kernels, JETSON)
        library, engines = fake_library(cuda)
        session = TensorRTSession(library, engine_of(library, photo_file), cuda)  # type: ignore[arg-type]
        expected = by_numpy(session, image, mask, "bgr", 16)
        cuda.copied.clear()
        for _ in range(3):
            result = session.run_pixels(image, mask, channels="bgr", multiple=16)
            np.testing.assert_array_equal(result, expected)
        assert not cuda.copied
        assert cuda.count("launch_graph") == 2
        own = engines[0].session
        engines[0].session = SimpleNamespace(run=lambda names, inputs: [with_nan(own, inputs)])
        with pytest.raises(ModelError, match="not finite"):
            session.run_pixels(image, mask, channels="bgr", multiple=16)
        engines[0].session = own
        session.run_pixels(image, mask, channels="bgr", multiple=16)
        session.close()
        assert cuda.leaked == []

    def test_an_output_that_is_not_finite(
        self, opened: tuple[TensorRTSession, FakeEngine], image: Pixels, mask: Pixels
    ) -> None:
        session, engine = opened
        session.run_pixels(image, mask, channels="bgr", multiple=16)
        own = engine.session

        def broken(names: list[str], inputs: Feed) -> list[NDArray[np.float32]]:
            (output,) = own.run(names, inputs)
            output[0, 1, 5, 7] = np.nan
            return [output]

        engine.session = SimpleNamespace(run=broken)
        for _ in range(2):
            with pytest.raises(ModelError, match="not finite"):
                session.run_pixels(image, mask, channels="bgr", multiple=16)
        engine.session = own
        session.run_pixels(image, mask, channels="bgr", multiple=16)

    def test_a_model_that_needs_a_mask(self, session: TensorRTSession, image: Pixels) -> None:
        with pytest.raises(BackendError, match="takes a mask"):
            session.run_pixels(image, None, channels="bgr", multiple=16)


def with_nan(own: Any, inputs: Feed) -> NDArray[np.float32]:
    output: NDArray[np.float32] = own.run(None, inputs)[0]
    output[0, 1, 5, 7] = np.nan
    return output


class HostOnly:
    """A session as it is without ``run_pixels``."""

    def __init__(self, session: TensorRTSession) -> None:
        self.backend, self.inputs, self.outputs = "test", session.inputs, session.outputs
        self.run, self.close = session.run, session.close


@pytest.fixture
def over(monkeypatch: pytest.MonkeyPatch) -> Over:
    """Makes a restorer over a session, in the place of ONNX Runtime's."""

    def load(model: ModelFile, session: object) -> Restorer:
        monkeypatch.setattr(onnxruntime_loader.CPU, "load", lambda model, options: session)
        return Restorer.load(model.path, backend="onnxruntime-cpu")

    return load


class TestRestorerOnDevice:
    """The public call takes the way through ``run_pixels``, and gives what it would without."""

    def test_inpainting(
        self,
        over: Over,
        session: TensorRTSession,
        cuda: FakeCuda,
        photo_file: ModelFile,
        image: Pixels,
        mask: Pixels,
    ) -> None:
        expected = over(photo_file, HostOnly(session)).restore(image, mask)
        cuda.copied.clear()
        found = over(photo_file, session).restore(image, mask)
        np.testing.assert_array_equal(found, expected)
        # Bytes of pixels and not of floats: one crop at most as large as the picture.
        assert 0 < cuda.copied["to_device"] <= image.nbytes + mask.nbytes
        assert 0 < cuda.copied["to_host"] <= image.nbytes + 4

    def test_restoring(
        self, over: Over, cuda: FakeCuda, scan_file: ModelFile, image: Pixels, mask: Pixels
    ) -> None:
        library, _ = fake_library(cuda)
        session = TensorRTSession(library, engine_of(library, scan_file), cuda)  # type: ignore[arg-type]
        for region in (None, mask):
            expected = over(scan_file, HostOnly(session)).restore(image, region)
            cuda.copied.clear()
            found = over(scan_file, session).restore(image, region)
            np.testing.assert_array_equal(found, expected)
            assert cuda.copied["to_host"] == image.nbytes + 4

    @pytest.mark.parametrize("kind", ["grey", "float", "alpha"])
    def test_other_pixels_go_by_the_host(
        self,
        over: Over,
        session: TensorRTSession,
        photo_file: ModelFile,
        image: Pixels,
        mask: Pixels,
        kind: str,
    ) -> None:
        pixels: NDArray[Any] = {
            "grey": image[..., 0],
            "float": image.astype(np.float32) / 255,
            "alpha": np.dstack([image, image[..., 0]]),
        }[kind]
        expected = over(photo_file, HostOnly(session)).restore(pixels, mask)
        found = over(photo_file, session).restore(pixels, mask)
        np.testing.assert_array_equal(found, expected)


class TestRestorer:
    """Through the public class, from model to picture."""

    @pytest.fixture
    def installed(
        self, cuda: FakeCuda, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> list[str]:
        """Puts the fakes where the loader finds CUDA and the library; lists what is built."""
        library, _ = fake_library(cuda)
        built: list[str] = []

        def build(library: Library, model: ModelFile, *arguments: Any, **options: Any) -> Any:
            built.append(model.info.name)
            return SimpleNamespace(data=model.data, scan="none")

        monkeypatch.setattr(loader, "Cuda", lambda: cuda)
        monkeypatch.setattr(loader, "open_library", lambda name: library)
        monkeypatch.setattr(loader.builder, "build", build)
        monkeypatch.setenv("INPAINT_SDK_CACHE", str(tmp_path / "cache"))
        return built

    def test_a_model_is_built_once_and_restores_as_on_the_cpu(
        self, installed: list[str], image: Pixels, mask: Pixels
    ) -> None:
        expected = Restorer.load("photo", threads=2, precision="fp32").restore(image, mask)
        for _ in range(2):
            restorer = Restorer.load("photo", backend="tensorrt")
            assert restorer.backend == "tensorrt"
            difference = cv2.absdiff(restorer.restore(image, mask), expected)
            assert difference.max() <= 1  # the two differ in their number of threads
        assert installed == ["photo"]

    def test_a_stream_takes_what_was_warmed_up(
        self, installed: list[str], cuda: FakeCuda, image: Pixels, mask: Pixels
    ) -> None:
        restorer = Restorer.load("photo", backend="tensorrt")
        restorer.warm_up(*image.shape[:2])
        made = cuda.count("make_stream")
        for _ in range(2):
            with restorer.stream([image] * 2, mask) as frames:
                assert [frame.restored for frame in frames] == [True, True]
        assert cuda.count("make_stream") == made

    @pytest.mark.parametrize(("asked", "taken"), [("auto", "fp16"), ("fp32", "fp32")])
    def test_an_engine_is_loaded_by_its_path(
        self,
        asked: PrecisionChoice,
        taken: str,
        installed: list[str],
        tmp_path: Path,
        image: Pixels,
        mask: Pixels,
    ) -> None:
        from click.testing import CliRunner

        from inpaint_sdk.cli.main import main

        path = tmp_path / "x.engine"
        arguments = ["compile", "photo", "--backend", "tensorrt", "-o", str(path)]
        result = CliRunner().invoke(main, [*arguments, "--precision", asked])
        assert result.exit_code == 0, result.output
        restorer = Restorer.load(path)
        assert (restorer.model.name, restorer.model.precision) == ("photo", taken)
        by_model = Restorer.load("photo", backend="tensorrt", precision=asked)
        np.testing.assert_array_equal(restorer.restore(image, mask), by_model.restore(image, mask))

    def test_tensorrt_builds_for_the_gpu_at_hand_alone(
        self, installed: list[str], tmp_path: Path
    ) -> None:
        from click.testing import CliRunner

        from inpaint_sdk.cli.main import main

        command = ["compile", "photo", "--backend", "tensorrt", "-o", str(tmp_path / "x.engine")]
        result = CliRunner().invoke(main, [*command, "--target", "sm_87"])
        assert result.exit_code == 1
        assert "for the GPU at hand, NVIDIA Fake 3000 (sm_86)" in result.output
        assert CliRunner().invoke(main, [*command, "--target", "sm_86"]).exit_code == 0

    def test_doctor_names_gpu_and_plugin(self, installed: list[str]) -> None:
        probe = loader.TENSORRT.probe()
        assert probe.available
        assert probe.detail == (
            "TensorRT 10.3.0 on NVIDIA Fake 3000 (sm_86), without the DirectionalScan plugin"
        )


def test_a_shape_of_a_static_engine(cuda: FakeCuda, photo_file: ModelFile) -> None:
    library, _ = fake_library(cuda)
    profile = OptimizationProfile(*[Shape(1, 64, 64)] * 3)
    session = TensorRTSession(library, engine_of(library, photo_file, profile), cuda)  # type: ignore[arg-type]
    session.run(feed(64, 64))
    with pytest.raises(BackendError, match="the engine takes 1x64x64 "):
        session.run(feed(64, 80))
