"""Markdown tables, and words for machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from inpaint_bench.schema.machine import Machine


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> str:
    """A Markdown table; all but the first ``left`` columns are of numbers."""
    marks = ["---"] * left + ["---:"] * (len(head) - left)
    lines = [head, marks, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def machine_in_words(machine: Machine) -> str:
    """One line: what it is, and what state it was in."""
    parts = [] if machine.jetson is None else [_jetson(machine)]
    parts.append(f"{machine.cpu.name}, {machine.cpu.cores} cores")
    for gpu in machine.gpus:
        capability = f" (sm {gpu.compute_capability})" if gpu.compute_capability else ""
        parts.append(gpu.name + capability)
    if machine.cpu.governor:
        parts.append(f"governor {machine.cpu.governor}")
    shown = ("onnxruntime", "tensorrt", "opencv-python-headless", "torch")
    parts += [f"{name} {v}" for name in shown if (v := machine.libraries.get(name))]
    return ", ".join(parts)


def _jetson(machine: Machine) -> str:
    jetson = machine.jetson
    assert jetson is not None
    mode = jetson.power_mode or "power mode unknown"
    locked = machine.gpus[0].clocks_locked if machine.gpus else None
    clocks = {True: "clocks locked", False: "clocks not locked", None: "clocks unknown"}[locked]
    return f"{jetson.module}, JetPack {jetson.jetpack or 'unknown'}, {mode}, {clocks}"


def number(value: float | None, digits: int = 1) -> str:
    """A number, or a dash for what was not measured."""
    return "–" if value is None else f"{value:.{digits}f}"
