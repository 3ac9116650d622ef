"""Both function bodies compile in TensorRT for RTX, on a machine without a GPU."""

from __future__ import annotations

import pytest

try:
    import tensorrt_rtx as trt  # from the package that has everything
except ImportError:
    trt = pytest.importorskip(
        "tensorrt_rtx_bindings",
        reason="tensorrt-rtx-cu13-bindings and tensorrt-rtx-cu13-libs are not installed",
    )

# A dynamic shape, as model files have, and what an engine is tuned for.
PROFILE = ((1, 8, 32, 32), (1, 8, 64, 96), (1, 8, 256, 256))


@pytest.mark.slow
@pytest.mark.parametrize("image", ["float32", "float16"])
@pytest.mark.parametrize("form", ["scan", "log_step"])
def test_compiles(form, image, scan_model):
    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    model = scan_model(image, body={"form": form, "max_length": 256}, shape=(1, 8, "h", "w"))
    parsed = parser.parse(model)
    assert parsed, [parser.get_error(i).desc() for i in range(parser.num_errors)]

    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    profile.set_shape("x", *PROFILE)
    config.add_optimization_profile(profile)
    # Without a GPU to look at, the library has to be told what to compile for.
    config.num_compute_capabilities = 1
    config.set_compute_capability(trt.ComputeCapability.SM86, 0)
    engine = builder.build_serialized_network(network, config)
    assert engine is not None
    assert engine.nbytes > 1000
