"""What of a model file reaches the parser."""

from __future__ import annotations

import numpy as np
import pytest

from inpaint_sdk import BackendError
from inpaint_sdk.backends.tensorrt import scan_node
from inpaint_sdk.models.file import ModelFile, has_functions

onnx = pytest.importorskip("onnx")


@pytest.mark.parametrize("length", scan_node.LENGTHS)
def test_the_stored_functions_are_what_the_kernels_package_makes(length: int) -> None:
    from inpaint_export.scan_functions import serialised

    assert scan_node.log_step_function(length) == serialised(length), (
        "run python -m inpaint_export.scan_functions"
    )


def test_the_shortest_function_that_is_long_enough_is_taken() -> None:
    assert scan_node.log_step_function(1) == scan_node.log_step_function(16)
    assert scan_node.log_step_function(17) == scan_node.log_step_function(32)
    with pytest.raises(BackendError, match=r"4097 elements.*smaller shapes"):
        scan_node.log_step_function(4097)


def test_only_the_function_is_swapped(scan_file: ModelFile, photo_file: ModelFile) -> None:
    before = onnx.load_from_string(scan_file.data)
    after = onnx.load_from_string(scan_node.with_log_step(scan_file.data, 20))
    assert len(before.functions) == len(after.functions) == 1
    assert after.functions[0].name == "DirectionalScan"
    assert "Scan" not in {node.op_type for node in after.functions[0].node}
    onnx.checker.check_model(after)
    bare = onnx.load_from_string(scan_node.without_function(scan_file.data))
    assert not bare.functions
    for proto in (before, after):
        del proto.functions[:]
    assert before == after == bare
    assert has_functions(scan_file.data)
    assert not has_functions(photo_file.data)


def test_both_functions_give_the_same_picture(scan_file: ModelFile) -> None:
    import onnxruntime

    image = np.random.default_rng(1).random((1, 3, 120, 160), np.float32)
    results = []
    for data in (scan_file.data, scan_node.with_log_step(scan_file.data, 20)):
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        results.append(session.run(None, {"image": image})[0])
    np.testing.assert_allclose(*results, atol=1e-5)
    assert results[0].std() > 0.01
