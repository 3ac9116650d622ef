"""Reading and writing result files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from inpaint_bench.errors import BenchError
from inpaint_bench.schema.document import FORMAT_VERSION, Document
from inpaint_bench.schema.floor import FloorResult
from inpaint_bench.schema.kernels import KernelsResult
from inpaint_bench.schema.quality import QualityResult
from inpaint_bench.schema.run import RunResult
from inpaint_bench.schema.sdk import SdkResult

Result = RunResult | QualityResult | KernelsResult | FloorResult | SdkResult

_ADAPTER: TypeAdapter[Result] = TypeAdapter(Annotated[Result, Field(discriminator="kind")])


def read_result(path: Path) -> Result:
    """Reads a result file and checks all of it.

    Raises:
        BenchError: there is none, or it is no result file, of a newer format, or breaks the schema;
            then the message names each place.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise BenchError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise BenchError(f"{path} is not JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != "inpaint-bench":
        raise BenchError(f"{path} is not a result of inpaint-bench (no format: inpaint-bench)")
    version = document.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise BenchError(
            f"{path} is of result format {version}; this inpaint-bench reads formats up to "
            f"{FORMAT_VERSION}. Upgrade it: pip install --upgrade inpaint-sdk"
        )
    try:
        return _ADAPTER.validate_python(document, strict=False)
    except ValidationError as error:
        places = "\n".join(f"  {_place(e['loc'])}: {e['msg']}" for e in error.errors()[:10])
        more = len(error.errors()) - 10
        raise BenchError(
            f"{path} breaks the schema of result files:\n{places}"
            + (f"\n  and {more} more places" if more > 0 else "")
        ) from error


def write_result(result: Document, path: Path) -> None:
    """Writes a result; the file appears whole, or stays as it was."""
    text = result.model_dump_json(indent=1) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(_on_one_line(text), encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of result files."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Result of inpaint-bench, format {FORMAT_VERSION}",
        **_ADAPTER.json_schema(),
    }


def _place(location: tuple[int | str, ...]) -> str:
    """``("run", "cases", 0, "key")`` as ``cases[0].key``: the first is the file's kind."""
    text = ""
    for part in location[1:] or location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _on_one_line(text: str) -> str:
    """Indented JSON with lists of numbers on one line each, so that people can read it."""
    lines: list[str] = []
    for line in text.splitlines():
        inner = line.strip()
        if lines and _open_numbers(lines[-1]) and (_is_number(inner) or inner.rstrip(",") == "]"):
            lines[-1] += inner if lines[-1].endswith("[") or inner[0] == "]" else " " + inner
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _open_numbers(line: str) -> bool:
    """Whether a line has a list of numbers that is not closed."""
    start = line.rfind("[")
    return (
        start >= 0
        and all(_is_number(p) for p in line[start + 1 :].split())
        and ("]" not in line[start:])
    )


def _is_number(text: str) -> bool:
    return text.rstrip(",").lstrip("-").replace(".", "", 1).replace("e-", "", 1).isdigit()
