"""Sessions of ONNX Runtime beside the SDK's, for checks, comparisons and peers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnxruntime


def open_session(
    model: bytes | Path,
    *,
    native: bool = True,
    threads: int = 0,
    provider: str = "CPUExecutionProvider",
) -> onnxruntime.InferenceSession:
    """Loads a model file or its content.

    native: whether DirectionalScan nodes run in our kernel, or as the file's own function.
    threads: 0 lets the runtime choose. provider: ONNX Runtime's name of what executes it; there is
    no other in its place.
    """
    import onnxruntime

    from inpaint_sdk.native import get_library_path

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Threads that wait actively after a run would take cores from the session that runs next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.add_session_config_entry("session.x64quantprecision", "1")  # as the SDK: exact sums
    if native:
        options.register_custom_ops_library(str(get_library_path()))
    return onnxruntime.InferenceSession(model, options, providers=[provider], enable_fallback=0)
