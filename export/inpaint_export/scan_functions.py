"""Writes the functions that the SDK hands to TensorRT in place of a model file's own.

``python -m inpaint_export.scan_functions`` after a change of ``inpaint_kernels.onnx_body``; a test
compares what is stored with what that module makes.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from inpaint_kernels.onnx_body import Form, directional_scan_function
from inpaint_sdk.backends.tensorrt import scan_node


def serialised(length: int) -> bytes:
    """The log-step function for lines of up to ``length`` elements."""
    proto = directional_scan_function(Form.LOG_STEP, length)
    return bytes(proto.SerializeToString(deterministic=True))


def write(path: Path) -> None:
    """Writes the functions for every length; the same content gives the same bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as functions:
        for length in scan_node.LENGTHS:
            entry = zipfile.ZipInfo(str(length))  # dated 1980, whenever it is written
            entry.compress_type = zipfile.ZIP_DEFLATED
            functions.writestr(entry, serialised(length))


if __name__ == "__main__":
    write(Path(scan_node.__file__).parent / "log_step.zip")
