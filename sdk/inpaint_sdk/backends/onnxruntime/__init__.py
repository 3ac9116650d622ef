"""ONNX Runtime, the backend that is always installed."""
