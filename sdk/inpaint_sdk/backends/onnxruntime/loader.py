"""Finds ONNX Runtime and loads model files into it."""

from __future__ import annotations

from importlib import metadata
from typing import Any

from inpaint_sdk.backends.base import Probe
from inpaint_sdk.backends.onnxruntime.session import OnnxRuntimeSession
from inpaint_sdk.errors import BackendError, ModelError
from inpaint_sdk.model_file import ModelFile
from inpaint_sdk.native import get_library_path

NAME = "onnxruntime-cpu"
PROVIDER = "CPUExecutionProvider"


def probe() -> Probe:
    """Whether the module can be imported; never raises."""
    try:
        import onnxruntime
    except Exception as error:  # a broken wheel fails in many ways; each is a reason to report
        return Probe(False, f"{error}. Install it: pip install onnxruntime")
    return Probe(True, f"onnxruntime {onnxruntime.__version__}")


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


def load(model: ModelFile, threads: int | None) -> OnnxRuntimeSession:
    """Loads a model; raises ``ModelError`` if ONNX Runtime refuses it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0: one for each physical core
    options.log_severity_level = 3  # its warnings are for those who write graphs
    _register_scan_kernel(options)
    try:
        session = onnxruntime.InferenceSession(model.data, options, providers=[PROVIDER])
    except Exception as error:  # its exceptions share no base class below Exception
        raise ModelError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load {model.path}: {error}"
        ) from error
    return OnnxRuntimeSession(session, NAME)


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
