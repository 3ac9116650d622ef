"""The ONNX Runtime custom-op library, in real sessions."""

from __future__ import annotations

import ctypes
import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime")

from onnxruntime.capi import onnxruntime_pybind11_state as errors  # noqa: E402

from inpaint_kernels import naive  # noqa: E402
from inpaint_sdk.native import get_library_path  # noqa: E402

DTYPES = [
    ("float32", "float32"),
    ("float16", "float16"),
    ("float16", "float32"),
    ("double", "double"),
]


def make_session(model, threads=2, options=None):
    options = options or onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # errors that a test provokes need not be printed
    options.register_custom_ops_library(str(get_library_path()))
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def run(session, x, weight, bias):
    return session.run(None, {"x": x, "weight": weight, "bias": bias})[0]


@pytest.fixture(scope="module")
def session(scan_model):
    return make_session(scan_model())


def test_equals_the_definition(case, session, close):
    inputs = case.inputs()
    close(run(session, *inputs), naive.directional_scan(*inputs), "float32")


@pytest.mark.parametrize(("image", "parameters"), DTYPES)
@pytest.mark.parametrize("threads", [1, 2])
def test_dtypes_and_threads(image, parameters, threads, scan_model, close):
    rng = np.random.default_rng(0)
    kind = {"double": "float64"}
    x = rng.standard_normal((2, 3, 63, 129)).astype(kind.get(image, image))
    weight = rng.uniform(-1, 1, (4, 3)).astype(kind.get(parameters, parameters))
    bias = rng.normal(0, 0.2, (4, 3)).astype(weight.dtype)
    found = run(make_session(scan_model(image, parameters), threads), x, weight, bias)
    assert found.dtype == x.dtype
    close(found, naive.directional_scan(x, weight, bias), x.dtype.name)


@pytest.mark.parametrize("parameters", ["bfloat16", "float32"])
def test_bfloat16(parameters, scan_model, close):
    """numpy has no bfloat16 of its own, so tensors go in and out as ONNX Runtime's values."""
    import ml_dtypes

    value = onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type
    bfloat16 = 16  # in ONNX's numbering

    def wrap(array):
        if array.dtype == ml_dtypes.bfloat16:
            return value(array.view(np.uint16), bfloat16)
        return onnxruntime.OrtValue.ortvalue_from_numpy(array)

    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 63, 129)).astype(ml_dtypes.bfloat16)
    weight = rng.uniform(-1, 1, (4, 3)).astype(parameters)
    bias = rng.normal(0, 0.2, (4, 3)).astype(parameters)
    session = make_session(scan_model("bfloat16", parameters))
    out = session.run_with_ort_values(
        None, {"x": wrap(x), "weight": wrap(weight), "bias": wrap(bias)}
    )[0]
    assert out.data_type() == "tensor(bfloat16)"
    bits = (ctypes.c_uint16 * math.prod(out.shape())).from_address(out.data_ptr())
    found = np.frombuffer(bits, ml_dtypes.bfloat16).reshape(out.shape())
    close(found, naive.directional_scan(x, weight, bias), "bfloat16")


def test_nan_and_infinity(non_finite, session, close):
    *inputs, expected = non_finite
    close(run(session, *inputs), expected, "float32")


def test_takes_precedence_over_the_function(scan_model, tmp_path: Path):
    """The same file runs with and without the library, and a profile shows what ran."""
    model = scan_model(body={"form": "scan"})
    inputs = [np.ones((1, 2, 20, 30), np.float32), *[np.full((4, 2), 0.5, np.float32)] * 2]
    ran = {}
    for name in ("with", "without"):
        options = onnxruntime.SessionOptions()
        options.enable_profiling = True
        options.profile_file_prefix = str(tmp_path / name)
        if name == "with":
            session = make_session(model, options=options)
        else:
            session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        out = run(session, *inputs)
        np.testing.assert_allclose(out, naive.directional_scan(*inputs), rtol=1e-5)
        events = json.loads(Path(session.end_profiling()).read_text())
        ran[name] = {e["args"].get("op_name") for e in events if "args" in e}
    assert "DirectionalScan" in ran["with"]
    assert "Scan" not in ran["with"]
    assert "Scan" in ran["without"]


def test_shapes_are_inferred_while_loading(scan_model):
    session = make_session(scan_model(shape=("n", 5, "h", 40)))
    assert session.get_outputs()[0].shape == ["n", 20, "h", 40]


def test_sizes_that_nobody_knows_while_loading():
    """Pooling leaves sizes without number or name; two scans meet after one is enlarged."""
    onnx = pytest.importorskip("onnx")
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("MaxPool", ["x"], ["half"], **pool),
        helper.make_node("MaxPool", ["half"], ["quarter"], **pool),
        helper.make_node("DirectionalScan", ["half", "w", "b"], ["near"], domain="inpaint_sdk"),
        helper.make_node("DirectionalScan", ["quarter", "w", "b"], ["far"], domain="inpaint_sdk"),
        helper.make_node("Resize", ["far", "", "scales"], ["wide"], mode="nearest"),
        helper.make_node("Add", ["near", "wide"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "two scans",
        [helper.make_tensor_value_info("x", floats, ["n", 3, "h", "w"])],
        [helper.make_tensor_value_info("y", floats, ["n", 12, None, None])],
        [
            helper.make_tensor("w", floats, [4, 3], [0.5] * 12),
            helper.make_tensor("b", floats, [4, 3], [0.0] * 12),
            helper.make_tensor("scales", floats, [4], [1.0, 1.0, 2.0, 2.0]),
        ],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("inpaint_sdk", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    session = make_session(model.SerializeToString())
    assert session.run(None, {"x": np.ones((1, 3, 8, 12), np.float32)})[0].shape == (1, 12, 4, 6)


def test_one_session_in_many_threads(session):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1, 4, 150, 170)).astype(np.float32)
    weight, bias = rng.uniform(-1, 1, (4, 4)).astype("f4"), rng.normal(size=(4, 4)).astype("f4")
    expected = run(session, x, weight, bias)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: run(session, x, weight, bias), range(16)):
            np.testing.assert_array_equal(found, expected)


def test_sessions_come_and_go(scan_model):
    model, parameters = scan_model(), np.zeros((4, 2), np.float32)
    for _ in range(5):
        session = make_session(model)
        assert run(session, np.ones((1, 2, 3, 4), np.float32), parameters, parameters).max() == 1
        del session


def test_empty_images(session):
    parameters = np.zeros((4, 3), np.float32)
    assert run(session, np.zeros((1, 3, 0, 4), np.float32), parameters, parameters).size == 0


@pytest.mark.parametrize(
    ("x", "weight", "bias", "message"),
    [
        ((1, 3, 4, 5), (4, 2), (4, 3), r"weight: has shape \[4, 2\], needs \[4, 3\]"),
        ((1, 3, 4, 5), (4, 3), (4, 1), r"bias: has shape \[4, 1\], needs \[4, 3\]"),
        ((1, 3, 4, 5), (3, 3), (3, 3), r"weight: has shape \[3, 3\], needs \[4, 3\]"),
        ((1, 3, 4, 5), (12,), (4, 3), "weight: has 1 dimensions, needs 2"),
        ((1, 3, 4, 5), (4, 3), (4, 3, 1), "bias: has 3 dimensions, needs 2"),
        ((1, 3, 4, 5), (4, 3) + (1,) * 7, (4, 3), "too many dimensions"),
        ((3, 4, 5), (4, 3), (4, 3), "X needs 4 dimensions"),
        ((1, 3, 4, 5, 1), (4, 3), (4, 3), "X needs 4 dimensions"),
        ((), (4, 3), (4, 3), "X needs 4 dimensions"),
        ((1,) * 9, (4, 1), (4, 1), "too many dimensions"),
    ],
)
def test_bad_shapes_are_a_status(x, weight, bias, message, scan_model):
    """In a model that says nothing about shapes, so that only the operator can refuse them."""
    session = make_session(scan_model(shape=None))
    with pytest.raises(errors.InvalidArgument, match=message):
        run(session, *(np.zeros(shape, np.float32) for shape in (x, weight, bias)))


def test_a_wrong_rank_in_the_model_is_a_status(scan_model):
    session = make_session(scan_model(shape=("n", "c", "w")))
    parameters = np.zeros((4, 3), np.float32)
    with pytest.raises(errors.InvalidArgument, match="X needs 4 dimensions"):
        run(session, np.zeros((1, 3, 5), np.float32), parameters, parameters)


def test_a_wrong_dtype_when_running_is_a_status(session):
    parameters = np.zeros((4, 3), np.float32)
    with pytest.raises(errors.InvalidArgument, match="float16"):
        run(session, np.zeros((1, 3, 4, 5), np.float16), parameters, parameters)


@pytest.mark.parametrize(
    ("image", "parameters"),
    [
        ("int32", "int32"),
        ("float32", "float16"),
        ("float16", "bfloat16"),
        ("double", "float32"),
        ("float32", ("float32", "float16")),
    ],
)
def test_types_that_there_is_no_kernel_for(image, parameters, scan_model):
    with pytest.raises((errors.Fail, errors.InvalidGraph), match="DirectionalScan"):
        make_session(scan_model(image, parameters))
