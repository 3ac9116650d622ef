"""The format of result files: typed here, documented in ``benchmarks/FORMAT.md``."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar, overload

from pydantic import Field, TypeAdapter, ValidationError

from inpaint_bench.errors import BenchError
from inpaint_bench.schema import results
from inpaint_bench.schema.common import FORMAT_VERSION, Document, EvaluationResult, Measured
from inpaint_eval import evaluations
from inpaint_sdk.files import write_whole

Result = results.BenchResult | EvaluationResult

_ADAPTER: TypeAdapter[results.BenchResult] = TypeAdapter(
    Annotated[results.BenchResult, Field(discriminator="kind")]
)

_FORMATS: dict[object, tuple[int, TypeAdapter[Any]]] = {
    "inpaint-bench": (FORMAT_VERSION, _ADAPTER),
    evaluations.FORMAT: (evaluations.FORMAT_VERSION, TypeAdapter(EvaluationResult)),
}
"""Programs that write results, to the version that is read here and its types."""

_D = TypeVar("_D", bound=Document)
_M = TypeVar("_M", bound=Measured)


@overload
def read_result(path: Path) -> Result: ...
@overload
def read_result(path: Path, of: type[_M]) -> _M: ...
def read_result(path: Path, of: type[Measured] = Measured) -> Measured:
    """Reads a result file and checks all of it.

    of: the kind that it must be.

    Raises:
        BenchError: there is none, or it is no result file, of another format or kind, or breaks the
            schema; then the message names each place.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise BenchError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise BenchError(f"{path} is not JSON: {error}") from error
    format_ = document.get("format") if isinstance(document, dict) else None
    if format_ not in _FORMATS:
        raise BenchError(f"{path} is not a result of {' or '.join(map(str, _FORMATS))} (no format)")
    known, adapter = _FORMATS[format_]
    version = document.get("format_version")
    if isinstance(version, int) and version != known:
        upgrade = "Upgrade it: pip install --upgrade inpaint-sdk"
        raise BenchError(
            f"{path} is of result format {version}; this inpaint-bench reads format {known}. "
            f"{upgrade if version > known else 'Measure again'}"
        )
    try:
        result = adapter.validate_python(document)
    except ValidationError as error:
        raise BenchError(
            f"{path} breaks the schema of result files:\n{list_places(error)}"
        ) from error
    if not isinstance(result, of):
        raise BenchError(f"{path} holds no {of.__name__}")
    return result


def list_places(error: ValidationError) -> str:
    """What is wrong where, a line each, ten at most. Places are pydantic's: ``run.cases.0.key``."""
    lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
    more = [f"  and {len(lines) - 10} more places"] if len(lines) > 10 else []
    return "\n".join([*lines[:10], *more])


def write_result(result: Document, path: Path) -> None:
    """Writes a result; the file appears whole, or stays as it was."""
    # Lists of numbers on one line each, so that people can read it.
    text = re.sub(
        r"\[([\d\s.,e+-]*\d)\s*\]",
        lambda found: f"[{' '.join(found[1].split())}]",
        result.model_dump_json(indent=1),
    )
    write_text(text + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Writes a file in UTF-8, likewise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(text.encode(), path)


def resume(output: Path, fresh: _D, same: tuple[str, ...]) -> _D:
    """The unfinished result in ``output`` that goes on where it was stopped, or ``fresh``.

    fresh: the result as it is begun here. same: fields that both must agree in.

    Raises:
        BenchError: ``output`` is complete, holds something else, or was begun on another machine,
            with other libraries, another revision or other model files.
    """
    if not output.exists():
        return fresh
    before = read_result(output, type(fresh))
    choose = "choose another --output or delete it"
    if any(getattr(before, name) != getattr(fresh, name) for name in same):
        raise BenchError(f"{output} holds something else; {choose}")
    if getattr(before, "complete", False):
        raise BenchError(f"{output} is complete; {choose}")
    differing = before.machine.differences(fresh.machine)
    if getattr(before, "files", None) != getattr(fresh, "files", None):
        differing.append("model files")
    if differing:
        raise BenchError(
            f"{output} was begun with other {', '.join(differing)}; results of the two do not "
            f"belong together; {choose}"
        )
    return before


def json_schema() -> dict[str, Any]:
    """The JSON Schema of result files."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Result of inpaint-bench, format {FORMAT_VERSION}",
        **_ADAPTER.json_schema(),
    }
