"""Runtimes behind one protocol.

A new one is a class like those here and a line in ``open_executor``.
"""

from __future__ import annotations

from inpaint_bench.executors.base import CannotRunError, Executor, Frame, Order


def open_executor(order: Order) -> Executor:
    """The executor for a candidate, not yet loaded.

    Raises:
        CannotRunError: it cannot do what is asked.
    """
    import cv2

    cv2.setNumThreads(order.threads)
    if order.candidate.kind == "peer":
        from inpaint_bench.executors.classical import Classical

        return Classical(order)
    if order.candidate.kind == "onnx":
        from inpaint_bench.peers.onnx_file import OnnxFile

        return OnnxFile(order)
    from inpaint_bench.executors.models import ModelCall, ModelNetwork

    return ModelCall(order) if order.scope == "call" else ModelNetwork(order)


__all__ = ["CannotRunError", "Executor", "Frame", "Order", "open_executor"]
