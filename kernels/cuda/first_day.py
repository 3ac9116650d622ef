"""Checks and measures everything here that needs an NVIDIA GPU, on the GPU of this machine.

    python kernels/cuda/first_day.py [FOLDER]

Builds the CUDA kernels and tests them, also under compute-sanitizer; then runs models in ONNX
Runtime and TensorRT, compares them with the CPU and times them. What a step needs and is not here
leaves it out, with the reason; a step that fails does not end the others. Writes into the folder
``first_day.json``, ``summary.md``, which is one page of it, and ``log.txt``. The exit status is 1
if a step failed.

On a small Jetson all of it may take hours: steps are only limited so that none hangs for ever.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import metadata
from itertools import product
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LONGEST = 3 * 3600
"""Seconds after which a program is taken to hang; on an Orin's CPU a reference takes long."""

SOURCES = ("scan_fp32.cu", "scan_fp16.cu", "scan_bf16.cu", "inpaint_scan_cuda.cpp")
PROGRAMS = ("test_scan", "bench_scan")
SANITIZERS = ("memcheck", "racecheck", "initcheck", "synccheck")
BACKENDS = ("onnxruntime-cuda", "tensorrt", "tensorrt_rtx")
MODELS = ("photo", "cloud-thin", "clean")
"""One without scans, one with scans of fixed weights, one that reads features as sequences."""

Precision = Literal["fp32", "fp16"]
Status = Literal["passed", "failed", "skipped"]

DISTRIBUTIONS = (
    *("inpaint-sdk", "numpy", "onnxruntime", "onnxruntime-gpu", "cuda-bindings", "torch"),
    *("nvidia-cuda-nvrtc", "tensorrt", "tensorrt-rtx-cu13-bindings"),
)
NEAR: dict[Precision, float] = {"fp32": 2e-3, "fp16": 5e-2}
"""By precision, how far an output, from 0 to 1, may be from the CPU's in fp32."""

AGAIN = {"fp32": 1e-4, "fp16": 2e-2}
"""How far it may be from the first run's: later ones are CUDA graphs, or by other kernels."""

PYTORCH = """
import pathlib, sys
import pytest
from inpaint_kernels import native_cuda

library, tests = sys.argv[1:]
native_cuda.library_path = lambda: pathlib.Path(library)
sys.exit(pytest.main(["-q", "-rs", "-p", "no:cacheprovider", "-k", "test_on_a_gpu", tests]))
"""
"""Runs the operator's tests with a library that was not installed."""


class Skipped(Exception):  # noqa: N818
    """Something is missing for a step."""


class Failed(Exception):  # noqa: N818
    """A step found something wrong. data: what it measured all the same."""

    def __init__(self, reason: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.data = data or {}


@dataclass
class Step:
    """What became of a step. note: the reason, or what there is to say. data: what it measured."""

    name: str
    status: Status
    seconds: float
    note: str = ""
    data: dict[str, Any] = field(default_factory=dict)


class Day:
    """The steps, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work = folder / "work"
        shutil.rmtree(self.work, ignore_errors=True)  # else an earlier day's programs would be run
        self.work.mkdir(parents=True)
        self.log = folder / "log.txt"
        self.log.write_text("")
        self.steps: list[Step] = []

    def step(self, name: str, work: Callable[[], dict[str, Any]]) -> None:
        """Does one and notes what became of it."""
        begin, note, data = time.monotonic(), "", {}
        status: Status = "passed"
        try:
            data = work()
        except Skipped as reason:
            status, note = "skipped", str(reason)
        except Failed as reason:
            status, note, data = "failed", str(reason), reason.data
        except Exception as error:  # a step must not end the others
            status, note = "failed", repr(error)
        note = without_home(note)
        self.steps.append(Step(name, status, round(time.monotonic() - begin, 1), note, data))
        print(f"{name}: {status}{f', {note}' if note else ''}", flush=True)

    def run(self, *command: str | Path, **environment: str) -> str:
        """Runs a program and returns what it printed; raises ``Failed`` if it fails."""
        shown = " ".join(map(str, command))
        try:
            result = subprocess.run(
                [*map(str, command)],
                env={**os.environ, **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=LONGEST,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"it did not end in {LONGEST // 3600} hours") from None
        with self.log.open("a") as log:
            log.write(without_home(f"$ {shown}\n{result.stdout}\n"))
        if result.returncode != 0:
            last = (result.stdout.strip().splitlines() or ["it printed nothing"])[-1]
            raise Failed(f"exit status {result.returncode}: {last[:300]}")
        return result.stdout


def without_home(text: str) -> str:
    """A text that can be sent to strangers."""
    return text.replace(str(Path.home()), "~")


def need(*tools: str) -> None:
    """Raises ``Skipped`` for the first program that is not on the PATH."""
    for tool in tools:
        if shutil.which(tool) is None:
            raise Skipped(f"{tool} is not on the PATH")


def find_capability() -> str:
    """The first GPU's compute capability, like ``87``; raises ``Skipped`` if there is none."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        raise Skipped(f"there is no NVIDIA driver ({error})") from None
    status, numbers = driver.cuInit(0), []
    for attribute in (75, 76):  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
        number = ctypes.c_int()
        status = status or driver.cuDeviceGetAttribute(ctypes.byref(number), attribute, 0)
        numbers.append(number.value)
    if status:
        raise Skipped(f"there is no NVIDIA GPU (CUDA error {status})")
    return "".join(map(str, numbers))


# --- the kernels ----------------------------------------------------------------------------------


def build_kernels(day: Day) -> dict[str, Any]:
    architecture = find_capability()
    need("nvcc")
    flags = ("-std=c++17", "-O3", "-lineinfo", f"-arch=sm_{architecture}")
    objects, log = [], ""
    for source in (*SOURCES, *(f"{program}.cu" for program in PROGRAMS)):
        target = day.work / f"{Path(source).stem}.o"
        log += day.run("nvcc", *flags, "-Xptxas", "-v", "-c", HERE / source, "-o", target)
        objects.append(target)
    kernels = objects[: len(SOURCES)]
    for program, own in zip(PROGRAMS, objects[len(SOURCES) :], strict=True):
        day.run("nvcc", flags[-1], own, *kernels, "-o", day.work / program)
    stores = [line for line in log.splitlines() if "bytes spill stores" in line]
    spilling = sum(" 0 bytes spill stores" not in line for line in stores)
    return {"kernels": len(stores), "spilling": spilling}


def run_program(day: Day, program: str) -> dict[str, Any]:
    path = need_built(day, program)
    result = day.work / f"{program}.json"
    try:
        day.run(path, "--json", result)
    except Failed as reason:
        if result.exists():
            reason.data = json.loads(result.read_text())
        raise
    return dict(json.loads(result.read_text()))


def need_built(day: Day, program: str) -> Path:
    if not (day.work / program).exists():
        raise Skipped("the kernels were not built")
    return day.work / program


def sanitize(day: Day, tool: str) -> dict[str, Any]:
    program = need_built(day, "test_scan")
    need("compute-sanitizer")
    # Filled memory counts as written, so initcheck gets it as it was allocated.
    raw = ("--raw",) if tool == "initcheck" else ()
    command = ("compute-sanitizer", "--tool", tool, "--error-exitcode", "9")
    day.run(*command, program, "--tiny", *raw)
    return {}


def build_libraries(day: Day) -> dict[str, Any]:
    """By CMake: PyTorch's and ONNX Runtime's and, where TensorRT's headers are, its plugin."""
    architecture = find_capability()
    need("nvcc", "cmake")
    need_new_cmake(day)
    options = ("-DINPAINT_CUDA=ON", f"-DINPAINT_CUDA_ARCHITECTURES={architecture}-real")
    day.run("cmake", "-S", ROOT, "-B", day.work / "build", *options)
    day.run("cmake", "--build", day.work / "build", "--parallel")
    return {"plugin": plugin_of(day).exists()}


def need_new_cmake(day: Day) -> None:
    """Raises ``Skipped`` for a CMake that is too old, as Ubuntu 22.04's and so JetPack 6's is."""
    (wanted,) = re.findall(r"required\(VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())
    found = re.findall(r"version ([\d.]+)", day.run("cmake", "--version"))[0]
    if [*map(int, found.split("."))] < [*map(int, wanted.split("."))]:
        raise Skipped(
            f"cmake {found} is older than {wanted}: {sys.executable} -m pip install cmake, and put "
            f"{Path(sys.executable).parent} first on the PATH"
        )


def plugin_of(day: Day) -> Path:
    return day.work / "build" / "kernels" / "tensorrt" / "libinpaint_tensorrt_plugin.so"


def check_pytorch(day: Day) -> dict[str, Any]:
    find_capability()
    library = day.work / "build" / "kernels" / "cuda" / "libinpaint_scan_cuda.so"
    if not library.exists():
        raise Skipped("the libraries were not built")
    try:
        day.run(sys.executable, "-c", "import pytest, torch; assert torch.cuda.is_available()")
    except Failed as reason:
        raise Skipped(f"no PyTorch that sees the GPU, or no pytest: {reason}") from None
    tests = ROOT / "tests" / "kernels" / "test_torch_cuda.py"
    day.run(sys.executable, "-c", PYTORCH, library, tests)
    return {}


# --- models ---------------------------------------------------------------------------------------


def model_steps(day: Day) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """A step for each backend, model and precision, of models with scans with our kernels too."""
    try:
        from inpaint_sdk import ModelError
        from inpaint_sdk.backends import probe_backends
        from inpaint_sdk.models.file import has_functions, read_model_file
        from inpaint_sdk.models.zoo import find_model
    except ImportError as error:
        yield "models", partial(skip, f"inpaint-sdk is not installed for {sys.executable}: {error}")
        return
    probes = probe_backends()
    libraries = {
        "onnxruntime-cuda": ("with the CUDA scan", day.work / "build" / "libinpaint_ort.so"),
        "tensorrt": ("with the plugin", plugin_of(day)),
    }
    for backend in BACKENDS:
        if not probes[backend].available:
            yield backend, partial(skip, probes[backend].detail)
            continue
        for model, precision in product(MODELS, NEAR):
            try:
                scans = has_functions(read_model_file(find_model(model, precision)).data)
            except ModelError:  # it does not come in that precision
                continue
            name = f"{backend} {model} {precision}"
            yield name, partial(run_model, day, backend, model, precision, None)
            if scans and backend in libraries:
                title, library = libraries[backend]
                run = partial(run_model, day, backend, model, precision, library)
                yield f"{name} {title}", run


def skip(reason: str) -> dict[str, Any]:
    raise Skipped(reason)


def run_model(
    day: Day, backend: str, model: str, precision: str, library: Path | None
) -> dict[str, Any]:
    """In a process of its own, which a GPU's library may take with it."""
    if library is not None and not library.exists():
        headers = ", TensorRT's headers" if library == plugin_of(day) else ""
        raise Skipped(f"{library.name} was not built: it needs nvcc, CMake{headers}")
    result = day.work / "model.json"
    result.unlink(missing_ok=True)
    command = (sys.executable, HERE / "first_day_model.py", backend, model, precision, result)
    given = () if library is None else (library,)
    day.run(*command, *given, INPAINT_SDK_CACHE=str(day.folder / "cache"))
    return check_model_result(json.loads(result.read_text()))


def check_model_result(data: dict[str, Any]) -> dict[str, Any]:
    """Raises ``Failed`` if a model's outputs are not what they should be."""
    limits = {"from_cpu": NEAR[data["precision"]], "from_first": AGAIN[data["precision"]]}
    for name, limit in limits.items():
        if not data[name] <= limit:  # a NaN is not
            raise Failed(f"{name} is {data[name]:.3g}; {limit:g} is allowed", data)
    return data


# --- what is written ------------------------------------------------------------------------------


def describe_machine() -> dict[str, Any]:
    """What a reader has to know of the machine; nothing of whose it is."""
    machine: dict[str, Any] = {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "cpu_cores": os.cpu_count(),
    }
    for name, file in (("module", "/proc/device-tree/model"), ("l4t", "/etc/nv_tegra_release")):
        with suppress(OSError, IndexError):
            machine[name] = Path(file).read_text(errors="replace").strip("\0\n").splitlines()[0]
    for name, command in (
        ("gpu", ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")),
        ("power_mode", ("nvpmodel", "-q")),
        ("nvcc", ("nvcc", "--version")),
        ("revision", ("git", "-C", str(ROOT), "describe", "--always", "--dirty")),
    ):
        with suppress(OSError, IndexError, subprocess.SubprocessError):
            result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
            lines = [line for line in result.stdout.splitlines() if line.strip()]
            machine[name] = lines[0 if name != "nvcc" else -2] if lines else ""
    with suppress(Skipped):
        machine["compute_capability"] = find_capability()
    versions = {}
    for name in DISTRIBUTIONS:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return {**machine, "versions": versions}


def summarise(machine: dict[str, Any], steps: list[Step]) -> str:
    """One page for people."""
    counts = {status: sum(s.status == status for s in steps) for status in ("passed", "failed")}
    counts["skipped"] = len(steps) - sum(counts.values())
    lines = ["# First day on a GPU", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items() if name != "versions"]
    lines += [f"- {name} {version}" for name, version in machine["versions"].items()]
    lines += ["", ", ".join(f"{count} {status}" for status, count in counts.items()), ""]
    if not counts["passed"] and not counts["failed"]:
        lines += ["Nothing could be run here.", ""]
    lines += ["| step | | s | note |", "| --- | --- | --- | --- |"]
    for step in steps:
        note = step.note or _measured(step.data)
        lines.append(f"| {step.name} | {step.status} | {step.seconds:g} | {_cell(note)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    shown = " ".join(text.split()).replace("|", "/")
    return shown if len(shown) <= 160 else shown[:157] + "..."


def _measured(data: dict[str, Any]) -> str:
    if "milliseconds" in data:
        times = ", ".join(f"{size} {ms['p50']:g} ms" for size, ms in data["milliseconds"].items())
        rest = f"{data['from_cpu']:.2g} from the CPU; loaded in {data['load_seconds']:g} s"
        return "; ".join([times, rest, *data["warnings"]])
    if "cases" in data:
        return f"{data['cases']} cases, {data['failures']} failed"
    if "passes" in data:
        return f"{min(row['auto_share_of_copy'] for row in data['passes']):.0%} of a copy or more"
    return ", ".join(f"{name} {value}" for name, value in data.items())


def spend(folder: Path) -> int:
    """The whole day; returns the exit status."""
    day = Day(folder)
    steps: list[tuple[str, Callable[[], dict[str, Any]]]] = [
        ("kernels build", partial(build_kernels, day)),
        ("kernels test", partial(run_program, day, "test_scan")),
        ("kernels benchmark", partial(run_program, day, "bench_scan")),
        *((f"kernels {tool}", partial(sanitize, day, tool)) for tool in SANITIZERS),
        ("libraries build", partial(build_libraries, day)),
        ("pytorch", partial(check_pytorch, day)),
    ]
    machine = describe_machine()

    def write() -> None:  # after each step, so that what was measured outlives a crash
        document = {"format": 1, "machine": machine, "steps": [asdict(s) for s in day.steps]}
        (folder / "first_day.json").write_text(json.dumps(document, indent=1) + "\n")
        (folder / "summary.md").write_text(summarise(machine, day.steps))

    for name, work in steps:
        day.step(name, work)
        write()
    for name, work in model_steps(day):
        day.step(name, work)
        write()
    print(f"\n{(folder / 'summary.md').read_text()}\nIn {without_home(str(folder))}.")
    return int(any(step.status == "failed" for step in day.steps))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "gpu_checks")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    return spend(arguments.folder.resolve())


if __name__ == "__main__":
    sys.exit(main())
