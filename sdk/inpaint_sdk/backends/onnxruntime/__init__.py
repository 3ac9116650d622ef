"""ONNX Runtime, the backend that is always installed."""

import os

# Since 1.32 its wheels note what they are used for below the home folder and tell Microsoft of it.
# It looks when it is imported, which only the modules of this package do.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
