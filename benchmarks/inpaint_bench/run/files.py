"""Which files a result's models were."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from inpaint_bench.executors import CannotRunError
from inpaint_bench.schema.run import CandidateKey, FileId


def file_ids(candidates: Iterable[CandidateKey]) -> dict[str, FileId]:
    """The files of the candidates that have one, by label; those that cannot be found have none."""
    found = {}
    for candidate in candidates:
        path = _path(candidate)
        if path is not None and path.is_file():
            data = path.read_bytes()
            digest = hashlib.sha256(data).hexdigest()
            found[candidate.label] = FileId(name=path.name, bytes=len(data), sha256=digest)
    return found


def _path(candidate: CandidateKey) -> Path | None:
    if candidate.kind == "onnx":
        return Path(candidate.source)
    if candidate.kind == "peer":
        return None
    from inpaint_bench.executors.sessions import find_model

    try:
        return find_model(candidate).path
    except CannotRunError:
        return None
