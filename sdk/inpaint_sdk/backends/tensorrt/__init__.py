"""TensorRT and TensorRT for RTX: one implementation, since their APIs differ by little."""
