"""Finds ONNX Runtime and loads model files into it, on the CPU or on an NVIDIA GPU."""

from __future__ import annotations

import logging
import platform
import sys
from functools import partial
from importlib import metadata
from typing import Any

from inpaint_sdk.backends.base import BackendOptions, Probe, Provider
from inpaint_sdk.backends.cpu import count_usable_cores, is_fast_in_int8
from inpaint_sdk.backends.onnxruntime.session import OnnxRuntimeSession
from inpaint_sdk.errors import BackendError, ModelError
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.native import get_library_path

_log = logging.getLogger(__name__)

_CUDA_WHEEL = "onnxruntime-gpu"
_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_CUDA_OPTIONS = {
    "use_tf32": "0",  # fp32 means fp32, not products of 10 bits
    # By default each new size of input is searched exhaustively, and crops are ever of new sizes.
    "cudnn_conv_algo_search": "HEURISTIC",
}
_MAX_FOLDED = "optimization.constant_folding_max_output_size_in_bytes"
_ON_GPU = frozenset(
    f"{name}ExecutionProvider"
    for name in ("CUDA", "Tensorrt", "NvTensorRTRTX", "ROCM", "MIGraphX", "Dml")
)


class OnnxRuntimeLoader:
    """ONNX Runtime with one execution provider."""

    def __init__(self, name: str, provider: str, wheel: str) -> None:
        self.NAME = name
        self._provider = provider
        self._wheel = wheel

    def probe(self) -> Probe:
        """Whether the module can be imported and has the provider; never raises."""
        remedy = _remedy(self._wheel)
        try:
            import onnxruntime

            providers = onnxruntime.get_available_providers()
        except Exception as error:  # a broken wheel fails in many ways; each is a reason to report
            return Probe(False, f"{error}. {remedy}")
        if self._provider not in providers:
            return Probe(
                False,
                f"the installed onnxruntime {onnxruntime.__version__} has no {self._provider}. "
                f"Uninstall it, since wheels of ONNX Runtime overwrite each other. {remedy}",
            )
        return Probe(True, f"onnxruntime {onnxruntime.__version__}")

    def load(self, model: ModelFile, options: BackendOptions) -> OnnxRuntimeSession:
        """Loads a model.

        Raises:
            ModelError: ONNX Runtime refuses it.
            BackendError: the provider is there but cannot start, as without a GPU or its driver.
        """
        provider: Provider = self._provider
        if self._provider == _CUDA:
            provider = (_CUDA, {**_CUDA_OPTIONS, "device_id": str(options.gpu or 0)})
        return load(model, (provider,), options.threads)


def load_with_providers(model: ModelFile, options: BackendOptions) -> OnnxRuntimeSession:
    """Loads a model with the options' own providers.

    Raises:
        ModelError: ONNX Runtime refuses the model.
        BackendError: a provider is not in this ONNX Runtime, or cannot start.
    """
    import onnxruntime

    assert options.providers, "checked where options are made"
    there = onnxruntime.get_available_providers()
    missing = [name for name in map(_name, options.providers) if name not in there]
    if missing:
        raise BackendError(
            f"the installed onnxruntime {onnxruntime.__version__} has no {', '.join(missing)}; it "
            f"has {', '.join(there)}. Other wheels of ONNX Runtime have others: uninstall this "
            "one first, since they overwrite each other"
        )
    return load(model, tuple(options.providers), options.threads)


def load(
    model: ModelFile, providers: tuple[Provider, ...], threads: int | None
) -> OnnxRuntimeSession:
    """Loads a model with providers that are there, all of which must start."""
    names = [_name(provider) for provider in providers]
    backend = f"onnxruntime-{names[0].removesuffix('ExecutionProvider').lower()}"
    survives_fork = not _ON_GPU.intersection(names)
    cores = threads or count_usable_cores() if names == [_CPU] else 1
    _log.info("loading %s into %s", model.path, backend)
    start = partial(_start, model, providers, threads=threads)
    return OnnxRuntimeSession(start, backend, survives_fork=survives_fork, cores=cores)


def _start(model: ModelFile, providers: tuple[Provider, ...], threads: int | None) -> Any:
    """Makes an ``InferenceSession``."""
    import onnxruntime

    title = f"ONNX Runtime {onnxruntime.__version__}"
    names = [_name(provider) for provider in providers]
    try:
        session = _make(model, providers, threads)
    except Exception as error:  # its exceptions share no base class below Exception
        if names != [_CPU] and _runs_on_cpu(model):
            raise BackendError(f"{title} cannot start {', '.join(names)}: {error}") from error
        raise ModelError(f"{title} cannot load {model.path}: {error}") from error
    # Where a provider cannot start, ONNX Runtime logs it and goes on with the CPU's.
    used = session.get_providers()
    failed = [name for name in names if name not in used]
    if failed or used[0] != names[0]:
        raise BackendError(
            f"{title} has {', '.join(failed or names)} but cannot start it, and would run on "
            f"{used[0]} instead. Are the driver and the libraries of the versions that this "
            "onnxruntime wants installed? See https://onnxruntime.ai/docs/execution-providers/"
        )
    session.disable_fallback()
    return session


def _make(model: ModelFile, providers: tuple[Provider, ...], threads: int | None) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0: one for each physical core
    options.log_severity_level = 3  # its warnings are for those who write graphs
    # Plans of earlier shapes would be kept; where sizes vary they cost memory and gain no time.
    options.enable_mem_pattern = False
    # Threads that wait actively after a run take cores from whatever comes next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if not is_fast_in_int8():
        # Without it, x86 processors that have no VNNI clip the sums of 8-bit products to 16 bits.
        # With it, those that have VNNI take twice as long.
        options.add_session_config_entry("session.x64quantprecision", "1")
    # Bytes alone tell it whether a file is ONNX or of its own format, which nothing checked.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.add_session_config_entry(_MAX_FOLDED, str(64 << 20))
    _register_scan_kernel(options)
    return onnxruntime.InferenceSession(
        model.data, options, providers=list(providers), enable_fallback=0
    )


def _runs_on_cpu(model: ModelFile) -> bool:
    """Whether the model itself is in order: then a refusal is the provider's."""
    try:
        _make(model, (_CPU,), 1)
    except Exception:
        return False
    return True


def _name(provider: Provider) -> str:
    return provider if isinstance(provider, str) else provider[0]


def _remedy(wheel: str) -> str:
    """How to get a wheel of ONNX Runtime; the one for GPUs is not on PyPI for JetPack 6."""
    if wheel == _CUDA_WHEEL and platform.machine() == "aarch64" and sys.version_info < (3, 11):
        return (
            f"PyPI has no {wheel} for Python {platform.python_version()} on aarch64: use the "
            "backend tensorrt, or a wheel that NVIDIA builds for JetPack"
        )
    return f"Install it: pip install {wheel}"


def installed_wheels() -> list[str]:
    """The ONNX Runtime distributions that are installed; more than one overwrite each other."""
    names = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml")
    found = []
    for name in names:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found


def _register_scan_kernel(options: Any) -> None:
    """Lets DirectionalScan nodes run in our kernel, where this installation has it.

    Without it they run as the standard operators that the model file carries for them, which is
    slower and gives the same images; ``inpaint-sdk doctor`` reports it.
    """
    try:
        library = get_library_path()
    except BackendError:
        return
    options.register_custom_ops_library(str(library))


CPU = OnnxRuntimeLoader("onnxruntime-cpu", _CPU, "onnxruntime")
CUDA = OnnxRuntimeLoader("onnxruntime-cuda", _CUDA, _CUDA_WHEEL)
