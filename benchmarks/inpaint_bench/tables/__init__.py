"""Tables in Markdown files, generated from result files.

    <!-- inpaint-bench: KIND NAME=FILE.json NAME=FILE.json models=NAME,NAME -->
    ... generated ...
    <!-- inpaint-bench: end -->

Kinds are those of :data:`inpaint_bench.tables.kinds.KINDS`; some show only the models that are
named. Files are given from the Markdown file's folder. They must be complete, and of a clean
revision that is in the repository's history.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError, validate_call

from inpaint_bench.errors import BenchError
from inpaint_bench.schema import Result, list_places, read_result
from inpaint_bench.tables.kinds import KINDS
from inpaint_eval.machine.describe import git
from inpaint_eval.render import Table, to_markdown

_TABLE = re.compile(
    r"(?P<begin><!-- inpaint-bench: (?P<kind>\S+) (?P<arguments>[^>]*?)\s*-->\n)"
    r".*?"
    r"(?P<end><!-- inpaint-bench: end -->)",
    re.DOTALL,
)


def fill_tables(text: str, folder: Path) -> str:
    """A Markdown file's text with every table made anew.

    Raises:
        BenchError: there is no table, or one of an unknown kind, or a file cannot be read, is not
            of a clean revision of this repository, or lacks what the table shows.
    """
    if not _TABLE.search(text):
        raise BenchError("there is no table to generate (<!-- inpaint-bench: KIND NAME=FILE -->)")
    return _TABLE.sub(lambda match: _fill(match, folder), text)


def _fill(match: re.Match[str], folder: Path) -> str:
    kind = match["kind"]
    if kind not in KINDS:
        raise BenchError(f"there is no kind of table {kind!r}; there are {', '.join(KINDS)}")
    arguments = dict(_argument(entry, folder) for entry in match["arguments"].split())
    try:
        found = validate_call(KINDS[kind])(**arguments)
    except ValidationError as error:
        places = list_places(error)
        raise BenchError(f"a table of kind {kind} takes other files:\n{places}") from error
    except KeyError as error:
        raise BenchError(f"a table of kind {kind} takes other files: no {error}") from error
    tables = [found] if isinstance(found, Table) else found
    return match["begin"] + "\n\n".join(map(to_markdown, tables)) + "\n" + match["end"]


def _argument(entry: str, folder: Path) -> tuple[str, Any]:
    """``NAME=FILE.json``, with what the file holds, or ``NAME=WORD,WORD``."""
    name, _, value = entry.partition("=")
    if not value.endswith(".json"):
        return name, value.split(",")
    result = read_result(folder / value)
    require_revision(result, value)
    return name, result


def require_revision(result: Result, name: str) -> None:
    """Raises ``BenchError`` unless a result is complete and of a clean revision that exists here.

    name: of its file, for the message.
    """
    revision = result.machine.revision
    if not result.is_complete:
        raise BenchError(f"{name} is not complete; the same command goes on with it")
    if revision is None:
        raise BenchError(f"{name} is of no known revision; measure again in a git checkout")
    if result.machine.dirty:
        raise BenchError(
            f"{name} was measured with changes since {revision}; commit them and measure again"
        )
    if git("merge-base", "--is-ancestor", revision, "HEAD") is None:
        raise BenchError(
            f"{name} is of revision {revision}, which is not in this repository's history; measure "
            "again (or, in a shallow clone: git fetch --unshallow)"
        )
