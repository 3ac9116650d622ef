"""Finds ONNX Runtime and loads model files into it, on the CPU or on an NVIDIA GPU."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from inpaint_sdk.backends.base import Probe
from inpaint_sdk.backends.onnxruntime.session import OnnxRuntimeSession
from inpaint_sdk.errors import BackendError, ModelError
from inpaint_sdk.models.file import ModelFile
from inpaint_sdk.native import get_library_path


class OnnxRuntimeLoader:
    """ONNX Runtime with one execution provider."""

    def __init__(self, name: str, provider: str, wheel: str) -> None:
        self.NAME = name
        self._provider = provider
        self._wheel = wheel

    def probe(self) -> Probe:
        """Whether the module can be imported and has the provider; never raises."""
        remedy = f"Install it: pip install {self._wheel}"
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

    def load(self, model: ModelFile, threads: int | None) -> OnnxRuntimeSession:
        """Loads a model.

        Raises:
            ModelError: ONNX Runtime refuses it.
            BackendError: the provider is there but cannot start, as without a GPU or its driver.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0  # 0: one for each physical core
        options.log_severity_level = 3  # its warnings are for those who write graphs
        # Plans of earlier shapes would be kept; where sizes vary they cost memory and gain no time.
        options.enable_mem_pattern = False
        # Threads that wait actively after a run take cores from whatever comes next.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        _register_scan_kernel(options)
        try:
            session = onnxruntime.InferenceSession(
                model.data, options, providers=[self._provider], enable_fallback=0
            )
        except Exception as error:  # its exceptions share no base class below Exception
            raise ModelError(
                f"ONNX Runtime {onnxruntime.__version__} cannot load {model.path}: {error}"
            ) from error
        # Where a provider cannot start, ONNX Runtime logs it and goes on with the CPU's.
        used = session.get_providers()
        if used[0] != self._provider:
            raise BackendError(
                f"ONNX Runtime {onnxruntime.__version__} has {self._provider} but cannot start it, "
                f"and would run on {used[0]} instead. Are the GPU's driver, CUDA and cuDNN of the "
                "versions that this onnxruntime wants installed? See "
                "https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html"
            )
        session.disable_fallback()
        return OnnxRuntimeSession(session, self.NAME)


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
    slower and gives the same pictures; ``inpaint-sdk doctor`` reports it.
    """
    try:
        library = get_library_path()
    except BackendError:
        return
    options.register_custom_ops_library(str(library))


CPU = OnnxRuntimeLoader("onnxruntime-cpu", "CPUExecutionProvider", "onnxruntime")
CUDA = OnnxRuntimeLoader("onnxruntime-cuda", "CUDAExecutionProvider", "onnxruntime-gpu")
