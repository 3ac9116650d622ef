"""torch.onnx.export writes the node and the function."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from inpaint_kernels import naive, onnx_export, torch_op  # noqa: E402


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.rand(4, 3) - 0.5)
        self.bias = torch.nn.Parameter(torch.rand(4, 3) - 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch_op.directional_scan(x * 2, self.weight, self.bias) + 1


@pytest.mark.parametrize("form", ["scan", "log_step"])
def test_export(form):
    net = Net().eval()
    sizes = {0: torch.export.Dim("n"), 2: torch.export.Dim("h"), 3: torch.export.Dim("w")}
    program = onnx_export.export(
        net,
        (torch.randn(2, 3, 8, 9),),
        form=form,
        max_length=64,
        opset_version=18,
        dynamic_shapes=(sizes,),
        verbose=False,
    )
    model = program.model_proto
    onnx.checker.check_model(model)
    scans = [node for node in model.graph.node if node.op_type == "DirectionalScan"]
    assert [node.domain for node in scans] == ["inpaint_sdk"]
    assert len(scans[0].input) == 3
    assert not scans[0].attribute
    assert [(f.domain, f.name) for f in model.functions] == [("inpaint_sdk", "DirectionalScan")]
    assert any(node.op_type == "Scan" for node in model.functions[0].node) == (form == "scan")
    assert ("inpaint_sdk", 1) in [(e.domain, e.version) for e in model.opset_import]

    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    x = np.random.default_rng(0).standard_normal((1, 3, 21, 13)).astype(np.float32)
    found = session.run(None, {session.get_inputs()[0].name: x})[0]
    weight, bias = net.weight.detach().numpy(), net.bias.detach().numpy()
    expected = naive.directional_scan(x * 2, weight, bias) + 1
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
