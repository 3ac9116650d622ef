"""The model-local function's two bodies, in ONNX Runtime without the native operator."""

from __future__ import annotations

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from inpaint_kernels import naive, onnx_body  # noqa: E402

FORMS = [{"form": "scan"}, {"form": "log_step", "max_length": 1025}]


@pytest.fixture(scope="module", params=FORMS, ids=lambda form: form["form"])
def body(request):
    return request.param


@pytest.fixture(scope="module")
def session(body, scan_model):
    """One session a body: sizes are dynamic."""
    return onnxruntime.InferenceSession(scan_model(body=body), providers=["CPUExecutionProvider"])


def run(session, x, weight, bias):
    return session.run(None, {"x": x, "weight": weight, "bias": bias})[0]


def test_equals_the_definition(case, session, close):
    inputs = case.inputs()
    # Composing steps rounds more often than taking them.
    close(run(session, *inputs), naive.directional_scan(*inputs), "float32", 10.0)


def test_scan_keeps_nan_and_infinity(non_finite, scan_model, close):
    """As the definition says; `log_step` is for finite values."""
    *inputs, expected = non_finite
    session = onnxruntime.InferenceSession(
        scan_model(body={"form": "scan"}), providers=["CPUExecutionProvider"]
    )
    close(run(session, *inputs), expected, "float32")


@pytest.mark.parametrize("parameters", ["float16", "float32"])
def test_16_bit_images_keep_fp32_state(body, parameters, scan_model, close):
    session = onnxruntime.InferenceSession(
        scan_model("float16", parameters, body), providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 33, 47)).astype(np.float16)
    weight = rng.uniform(-1, 1, (4, 3)).astype(parameters)
    bias = rng.normal(0, 0.2, (4, 3)).astype(parameters)
    found = run(session, x, weight, bias)
    assert found.dtype == np.float16
    close(found, naive.directional_scan(x, weight, bias), "float16")


@pytest.mark.parametrize("weight", [-1.5, 1.5, -40.0])
def test_long_lines_with_steep_weights(session, weight, close):
    """Where a composed slope would grow past what a float holds."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1, 2, 3, 700)).astype(np.float32)
    if weight > 0:
        x = -np.abs(x)  # anything positive would grow without bound
    weights = np.full((4, 2), weight, np.float32)
    bias = np.full((4, 2), 0.25 if weight < 0 else -0.25, np.float32)
    found = run(session, x, weights, bias)
    assert np.isfinite(found).all()
    close(found, naive.directional_scan(x, weights, bias), "float32", 100.0)


def test_log_step_refuses_lines_that_it_cannot_span(scan_model):
    session = onnxruntime.InferenceSession(
        scan_model(body={"form": "log_step", "max_length": 16}), providers=["CPUExecutionProvider"]
    )
    parameters = np.zeros((4, 1), np.float32)
    assert run(session, np.zeros((1, 1, 16, 5), np.float32), parameters, parameters).size
    for shape in ((1, 1, 17, 5), (1, 1, 5, 17)):
        with pytest.raises(Exception, match="roadcast"):
            run(session, np.zeros(shape, np.float32), parameters, parameters)


@pytest.mark.parametrize("max_length", [1, 65537])
def test_max_length_out_of_range(max_length):
    with pytest.raises(ValueError, match="max_length"):
        onnx_body.directional_scan_function("log_step", max_length)


def test_unknown_form():
    with pytest.raises(ValueError, match="quick"):
        onnx_body.directional_scan_function("quick")


def test_attach_replaces_and_drop_removes(scan_model):
    model = onnx.load_from_string(scan_model(body={"form": "scan"}))
    onnx_body.attach(model, "log_step", 64)
    assert len(model.functions) == 1
    assert not any(node.op_type == "Scan" for node in model.functions[0].node)
    assert [e.domain for e in model.opset_import].count(onnx_body.DOMAIN) == 1
    onnx_body.drop(model)
    assert not model.functions
