"""Which library is imported, and what its version switches."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from inpaint_sdk import BackendError
from inpaint_sdk.backends.tensorrt.library import PRODUCTS, features_of, open_library


def install(monkeypatch: pytest.MonkeyPatch, name: str, version: str | None) -> ModuleType:
    """Puts an empty module in place of both of a product's; without a version it is a stub's."""
    for module in PRODUCTS["tensorrt"].modules + PRODUCTS["tensorrt_rtx"].modules:
        monkeypatch.setitem(sys.modules, module, None)
    fake = ModuleType(name)
    if version is not None:
        fake.__version__ = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, fake)
    return fake


@pytest.mark.parametrize(
    ("backend", "module"),
    [
        ("tensorrt", "tensorrt"),
        ("tensorrt", "tensorrt_bindings"),
        ("tensorrt_rtx", "tensorrt_rtx"),
        ("tensorrt_rtx", "tensorrt_rtx_bindings"),
    ],
)
def test_a_module_is_found_by_either_name(
    monkeypatch: pytest.MonkeyPatch, backend: str, module: str
) -> None:
    fake = install(monkeypatch, module, "10.7.0.post1" if backend == "tensorrt" else "1.7.1.116")
    library = open_library(backend)
    assert library.module is fake
    assert library.title.startswith("TensorRT")


@pytest.mark.parametrize(
    ("backend", "version", "message"),
    [
        ("tensorrt", "8.6.1", r"TensorRT 8.6.1 is too old; 10.3"),
        ("tensorrt", "10.2.0", r"too old; 10.3 or later"),
        ("tensorrt", "12.0.0", r"newer than this inpaint-sdk knows.*below 12"),
        ("tensorrt", "unknown", r"too old"),
        ("tensorrt", None, r"not usable here.*JetPack"),
        ("tensorrt_rtx", "1.2.0", r"TensorRT for RTX 1.2.0 is too old"),
        ("tensorrt_rtx", "2.0", r"newer than this"),
        ("tensorrt_rtx", None, r"pip install .inpaint-sdk\[tensorrt-rtx\]"),
    ],
)
def test_what_is_refused(
    monkeypatch: pytest.MonkeyPatch, backend: str, version: str | None, message: str
) -> None:
    install(monkeypatch, backend, version)
    with pytest.raises(BackendError, match=message):
        open_library(backend)


@pytest.mark.parametrize("version", [(10, 3), (10, 3, 0), (10, 7, 0), (10, 16, 1, 11)])
def test_tensorrt_10_is_strongly_typed_by_a_flag(version: tuple[int, ...]) -> None:
    assert features_of("tensorrt", version).typed_by_flag


@pytest.mark.parametrize("version", [(11, 0, 0, 114), (11, 4)])
def test_tensorrt_11_is_strongly_typed_always(version: tuple[int, ...]) -> None:
    features = features_of("tensorrt", version)
    assert not features.typed_by_flag
    assert not (features.targets or features.validity or features.runtime_config)


def test_tensorrt_for_rtx_builds_for_gpus_that_are_named() -> None:
    features = features_of("tensorrt_rtx", (1, 7, 1))
    assert features.targets
    assert features.validity
    assert features.runtime_config
    assert features.typed_by_flag
