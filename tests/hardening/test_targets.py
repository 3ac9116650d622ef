"""Parsers of our own under bytes of all sorts; ``guided.py`` tries them at length."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("onnx")

from hardening.fuzzing import mutated
from hardening.targets import KEPT, TARGETS

COUNT = 100


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_bytes(name: str) -> None:
    target, seeds = TARGETS[name]
    kept = sorted((KEPT / name).glob("*"))
    originals = [*seeds(), *(path.read_bytes() for path in kept)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for data in originals:
            target(data)
        for index in range(COUNT):
            target(mutated(originals[index % len(originals)], np.random.default_rng(index)))
