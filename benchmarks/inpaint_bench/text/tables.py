"""Markdown tables, and words for machines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from inpaint_eval.machine import Machine


@dataclass(frozen=True)
class Table:
    """All but the first ``left`` columns are of numbers."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1

    def __str__(self) -> str:
        """As Markdown, with an empty line after it."""
        marks = ["---"] * self.left + ["---:"] * (len(self.head) - self.left)
        lines = [self.head, marks, *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


@dataclass(frozen=True)
class Heading:
    """Of what follows."""

    text: str

    def __str__(self) -> str:
        return f"\n**{self.text}**\n"


Block = str | Table | Heading
"""A result in words is made of lines, tables and headings."""


def markdown(blocks: Iterable[Block]) -> str:
    """Blocks for a terminal or a README."""
    return "\n".join(str(block) for block in blocks)


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
    return "-" if value is None else f"{value:.{digits}f}"
