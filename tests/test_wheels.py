"""The wheels that are released: one for each architecture, for every Python."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import sys
import zipfile
from email import message_from_bytes
from pathlib import Path, PurePosixPath

import pytest

from inpaint_sdk import list_models
from inpaint_sdk.version import __version__

ROOT = Path(__file__).parents[1]
LARGEST = 60_000_000
"""Bytes of a wheel."""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and both wheels."""
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang, which compiles wheels for other machines, is not installed")
    folder = tmp_path_factory.mktemp("dist")
    # Whether the kernel is fast is no matter here, and -O3 takes most of the time.
    environment = {**os.environ, "CMAKE_ARGS": "-DINPAINT_KERNEL_OPTIMIZATION=-O1"}
    command = [ROOT / "packaging" / "wheels.sh", folder]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return folder


@pytest.fixture(params=["x86_64", "aarch64"])
def wheel(built: Path, request: pytest.FixtureRequest) -> Path:
    (found,) = built.glob(f"*_{request.param}.whl")
    return found


@pytest.fixture
def names(wheel: Path) -> set[str]:
    """Of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_one_wheel_serves_every_python_and_every_linux_of_these_years(wheel: Path) -> None:
    name, version, python, abi, platforms = wheel.stem.split("-")
    assert (name, version, python, abi) == ("inpaint_sdk", __version__, "py3", "none")
    assert any(tag.startswith("manylinux_2_17_") for tag in platforms.split("."))


def test_a_wheel_is_small_enough_to_be_downloaded(wheel: Path) -> None:
    assert wheel.stat().st_size < LARGEST


def test_models_libraries_licence_and_types_are_there(names: set[str]) -> None:
    models = {f"inpaint_sdk/models/{model.name}.onnx" for model in list_models()}
    others = {"inpaint_sdk/lib/libinpaint_ort.so", "inpaint_kernels/lib/libinpaint_scan.so"}
    assert models | others | {"inpaint_sdk/py.typed"} <= names
    assert any(PurePosixPath(name).name == "LICENSE" for name in names)


def test_nothing_else_is_there(names: set[str]) -> None:
    packages = {PurePosixPath(name).parts[0] for name in names}
    assert packages == {
        "inpaint_sdk",
        "inpaint_export",
        "inpaint_bench",
        "inpaint_eval",
        "inpaint_kernels",
        f"inpaint_sdk-{__version__}.dist-info",
    }
    parts = {part for name in names for part in PurePosixPath(name).parts}
    assert not parts & {"tests", "__pycache__", "survey", "warm_starts"}


def test_the_runtime_alone_is_installed_without_extras(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"inpaint_sdk-{__version__}.dist-info/METADATA")
    needed = message_from_bytes(metadata).get_all("Requires-Dist", [])
    base = {line for line in needed if "extra ==" not in line}
    assert len(base) == 8
    assert not any(line.startswith("torch") for line in base)


def test_libraries_are_of_the_wheels_architecture(wheel: Path) -> None:
    machines = {"x86_64": 62, "aarch64": 183}  # e_machine of ELF
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(".so"):
                header = archive.read(name)[:20]
                expected = next(n for a, n in machines.items() if wheel.stem.endswith(a))
                assert int.from_bytes(header[18:20], "little") == expected


@pytest.mark.parametrize("environment", ["3.10-oldest", "3.13-newest"])
def test_the_wheel_works_on_the_oldest_and_the_newest_python(built: Path, environment: str) -> None:
    """Installed without a compiler; the README's example, and some of the SDK's tests."""
    if importlib.util.find_spec("uv") is None:
        pytest.skip("uv, which finds Pythons, is not installed")
    (wheel,) = built.glob(f"*_{platform.machine()}.whl")
    command = [sys.executable, ROOT / "packaging" / "test_pythons.py", "--wheel", wheel]
    command += ["--tests", "some", environment]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode == 3:
        pytest.skip(run.stdout.strip().splitlines()[-1])
    assert run.returncode == 0, run.stdout + run.stderr
