"""The ONNX Runtime custom-op library, in real sessions."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

onnxruntime = pytest.importorskip("onnxruntime")

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


def test_bfloat16_model_loads(scan_model):
    assert make_session(scan_model("bfloat16")).get_inputs()[0].type == "tensor(bfloat16)"


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
    ("weight", "bias", "message"),
    [
        ((4, 2), (4, 3), r"weight: has shape \[4, 2\], needs \[4, 3\]"),
        ((4, 3), (4, 1), r"bias: has shape \[4, 1\], needs \[4, 3\]"),
    ],
)
def test_bad_input_is_a_status(session, weight, bias, message):
    x = np.zeros((1, 3, 4, 5), np.float32)
    with pytest.raises(Exception, match=message):
        run(session, x, np.zeros(weight, np.float32), np.zeros(bias, np.float32))


def test_wrong_rank_is_a_status(scan_model):
    session = make_session(scan_model(shape=("n", "c", "w")))
    parameters = np.zeros((4, 3), np.float32)
    with pytest.raises(Exception, match="X needs 4 dimensions"):
        run(session, np.zeros((1, 3, 5), np.float32), parameters, parameters)


def test_types_that_there_is_no_kernel_for(scan_model):
    with pytest.raises(Exception, match="DirectionalScan"):
        make_session(scan_model("int32"))
