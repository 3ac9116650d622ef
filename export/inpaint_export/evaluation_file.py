"""The result file of an evaluation, from which tables in cards are drawn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from inpaint_eval.evaluations import FORMAT, FORMAT_VERSION
from inpaint_eval.machine import read_machine
from inpaint_eval.record import now
from inpaint_sdk.files import write_whole
from inpaint_sdk.models.file import read_model_file


def begin_document(kind: str, model_file: Path, threads: int) -> dict[str, Any]:
    """What every kind of result begins with: time, machine and sources as they are now.

    kind: of :data:`inpaint_eval.evaluations.TABLES`.

    Raises:
        ModelError: the file is no model file.
    """
    data, info = model_file.read_bytes(), read_model_file(model_file).info
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "started": now(),
        "machine": asdict(read_machine()),
        "threads": threads,
        "model": {
            "name": info.name,
            "digest": info.digest,
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "kinds": list(info.kinds),
        },
    }


def end_document(begun: Mapping[str, Any], **figures: Any) -> dict[str, Any]:
    """A result whose measurement is over now."""
    return {**begun, "finished": now(), **figures}


def write_document(document: Mapping[str, Any], path: Path) -> None:
    """Writes a result file, whole."""
    write_whole((json.dumps(document, indent=1) + "\n").encode(), path)
