"""In which precision a training computes: by what the machine has, and what is faster on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch

Precision = Literal["fp32", "bf16"]
"""Of the forward and backward pass while training; weights and losses are fp32."""

Request = Literal["auto", "fp32", "bf16"]

CPU_CAPABILITIES = ("amx_bf16", "avx512_bf16", "sve_bf16", "bf16")
"""Names, as PyTorch has them, of instructions that multiply bf16. Without one, bf16 is emulated and
takes several times as long as fp32."""

PROBES = 4
"""Steps that are timed in each precision, after one that is not."""


@dataclass(frozen=True)
class Choice:
    """A precision, and why it was taken, for people."""

    precision: Precision
    reason: str

    def __str__(self) -> str:
        return f"{self.precision}: {self.reason}"


def has_bf16(device: torch.device) -> bool:
    """Whether a device multiplies bf16 natively."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(name, False)) for name in CPU_CAPABILITIES)


def choose_precision(
    request: Request,
    device: torch.device,
    step: Callable[[Precision], object],
    *,
    kept: Precision | None = None,
) -> Choice:
    """The precision to train in.

    step: one forward and backward pass in a precision, without consequences; called when processors
    that have both are to be compared. kept: of the run that is resumed.

    Raises:
        ValueError: the request is none of :data:`Request`.
    """
    if request not in get_args(Request):
        raise ValueError(f"precision is {request!r}; it is one of {', '.join(get_args(Request))}")
    native = has_bf16(device)
    if request != "auto":
        warning = "" if native or request == "fp32" else "; this device emulates it, slowly"
        return Choice(request, f"as asked for{warning}")
    if not native:
        begun = "; the run was begun in bf16" if kept == "bf16" else ""
        return Choice("fp32", f"this {device.type} has no bf16 arithmetic{begun}")
    if kept is not None:
        return Choice(kept, "as the run was begun")
    if device.type == "cuda":
        return Choice("bf16", "this GPU has bf16 arithmetic")
    fp32, bf16 = _time(step)
    faster: Precision = "bf16" if bf16 < fp32 else "fp32"
    return Choice(
        faster, f"a step takes {fp32:.2f} CPU seconds in fp32 and {bf16:.2f} in bf16 here"
    )


def _time(step: Callable[[Precision], object]) -> tuple[float, float]:
    """CPU seconds of a step in fp32 and in bf16, the least of several, taken in turn.

    The processor's seconds and not the wall's, which other programs lengthen.
    """
    best: dict[Precision, float] = {"fp32": float("inf"), "bf16": float("inf")}
    for index in range(PROBES + 1):
        for precision in best:
            started = time.process_time()
            step(precision)
            if index:
                best[precision] = min(best[precision], time.process_time() - started)
    return best["fp32"], best["bf16"]
