"""Mutated model files and engine files: loaded, or an ``InpaintError``.

``python -m hardening.test_model_fuzz COUNT SEED FOLDER`` in ``tests`` tries so many; a crash leaves
the file that caused it in the folder.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from onnx import helper, numpy_helper

from hardening.fuzzing import attempts, main
from hardening.hostile_models import described, harmless, model
from hardening.processes import run_alone
from inpaint_sdk import InpaintError, Restorer
from inpaint_sdk.engines.file import read_engine_file, write_engine_file
from inpaint_sdk.models.protobuf import MalformedError
from support.engines import engine, with_header

COUNT = 600


def network() -> onnx.ModelProto:
    """A little of what networks have: weights, sizes and attributes that can be wrong."""
    weights = numpy_helper.from_array(np.ones((3, 3, 3, 3), np.float32), "weights")
    scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "scales")
    pads = numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "pads")
    return model(
        [
            helper.make_node("Pad", ["image", "pads"], ["padded"], mode="reflect"),
            helper.make_node("Conv", ["padded", "weights"], ["c"], strides=[2, 2], group=1),
            helper.make_node("Resize", ["c", "", "scales"], ["r"], mode="linear"),
            helper.make_node("AveragePool", ["r"], ["p"], kernel_shape=[3, 3], pads=[1] * 4),
            helper.make_node("Softmax", ["p"], ["output"], axis=1),
        ],
        [weights, scales, pads],
    )


def seeds(folder: Path) -> list[bytes]:
    """Model files without their description, and an engine file."""
    path = folder / "seed.engine"
    write_engine_file(engine(), path)
    protos = [harmless(), network()]
    return [*(proto.SerializeToString() for proto in protos), path.read_bytes()]


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """With bytes changed, or a part missing or double."""
    found = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        at = int(rng.integers(0, len(found)))
        odd = (0, 1, 2, 127, 128, 255, int(rng.integers(256)), found[at] ^ 1 << rng.integers(0, 8))
        found[at] = int(odd[int(rng.integers(len(odd)))])
    if rng.random() < 0.2:
        start, stop = sorted(rng.integers(0, len(found) + 1, 2).tolist())
        found = found[:stop] + found[start:] if rng.random() < 0.5 else found[:start] + found[stop:]
    return bytes(found)


def attempt(data: bytes, path: Path, described_again: bool) -> str:
    """What became of a file; raises what is neither a result nor an ``InpaintError``."""
    try:
        # With the digest of what it became: a stranger can reckon one, too.
        path.write_bytes(described(data) if described_again else data)
    except MalformedError:
        return "no message"
    try:
        if data.startswith(b"\x93INPAINT"):
            read_engine_file(path)
        else:
            Restorer.load(path, threads=1).close()
    except InpaintError as error:
        return type(error).__name__
    return "loaded"


def fuzz(count: int, seed: int, folder: Path) -> Counter[str]:
    """Tries so many files; counts what became of them."""
    originals = seeds(folder)

    def one(index: int, rng: np.random.Generator) -> str:
        which = index % (len(originals) + 1)
        if which == len(originals):  # an engine's header behind the right digest
            header = originals[-1][20 : originals[-1].index(b"an engine") - 32]
            data = with_header(mutated(header, rng))
        else:
            data = mutated(originals[which], rng)
        return attempt(data, folder / "input", which < len(originals) - 1)

    return attempts(count, seed, one)


def test_mutated_models(tmp_path: Path) -> None:
    """In a process of its own, since a defect may crash it; the long form is by hand."""
    told = run_alone([sys.executable, __file__, str(COUNT), "0", str(tmp_path)])
    assert "ModelError" in told
    assert "loaded" in told


if __name__ == "__main__":
    main(fuzz)
