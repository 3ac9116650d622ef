"""DirectionalScan outside any one runtime: its definition, its PyTorch operator, its ONNX form.

    naive        the definition, in numpy
    native       the compiled CPU kernel, on numpy arrays and raw pointers
    torch_op     `torch.ops.inpaint_sdk.directional_scan`, with gradients
    onnx_body    the node's model-local ONNX function
    onnx_export  what `torch.onnx.export` needs to write both

Importing this package imports none of them: torch and onnx stay optional.
"""
