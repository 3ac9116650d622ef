"""What tables say of machines, candidates and figures."""

from __future__ import annotations

from inpaint_bench.peers import PEERS
from inpaint_bench.schema.common import CandidateKey, Document
from inpaint_eval.machine import Machine
from inpaint_eval.timing import Interval

TITLES = {
    **{name: p.title for name, p in PEERS.items()},
    "damaged": "as it came",
    "spa-gan": "SpA-GAN",
}

LIBRARIES = ("onnxruntime", "tensorrt", "opencv-python-headless", "torch")
"""Those whose versions are told."""


def machine_in_words(machine: Machine) -> str:
    """One line: what it is, and what state it was in."""
    parts = []
    if (jetson := machine.jetson) is not None:
        locked = machine.gpus[0].clocks_locked if machine.gpus else None
        clocks = {True: "clocks locked", False: "clocks not locked", None: "clocks unknown"}[locked]
        mode = jetson.power_mode or "power mode unknown"
        parts.append(f"{jetson.module}, JetPack {jetson.jetpack or 'unknown'}, {mode}, {clocks}")
    parts.append(f"{machine.cpu.name}, {machine.cpu.cores} cores")
    for gpu in machine.gpus:
        capability = f" (sm {gpu.compute_capability})" if gpu.compute_capability else ""
        parts.append(gpu.name + capability)
    if machine.cpu.governor:
        parts.append(f"governor {machine.cpu.governor}")
    parts += [f"{name} {v}" for name in LIBRARIES if (v := machine.libraries.get(name))]
    return ", ".join(parts)


def measured_on(result: Document) -> str:
    """The machine, and what else a reader must know."""
    remarks = f" {result.remarks}" if result.remarks else ""
    return f"{machine_in_words(result.machine)}.{remarks}"


def conditions(threads: int, result: Document) -> str:
    """Threads, and what it was measured on."""
    return f"{threads} thread{'s' * (threads > 1)}; {measured_on(result)}"


def interval(found: Interval | None) -> str:
    """A ratio with its interval, or nothing."""
    return "" if found is None else f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})"


def title_of(key: CandidateKey) -> str:
    """A candidate's name in documents; of a model with precision and backend where they matter."""
    if key.kind != "model":
        return TITLES.get(key.name, key.name)
    precision = "" if key.precision == "fp32" else f", {key.precision}"
    backend = "" if key.backend == "onnxruntime-cpu" else f", {key.backend}"
    return f"**`{key.name}`**{precision}{backend}"
