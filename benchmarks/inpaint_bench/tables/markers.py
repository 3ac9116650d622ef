"""Where tables stand in a Markdown file.

    <!-- inpaint-bench: KIND NAME=FILE NAME=FILE -->
    ... generated ...
    <!-- inpaint-bench: end -->

Files are given from the Markdown file's folder.
"""

from __future__ import annotations

import re
from pathlib import Path

from inpaint_bench.errors import BenchError
from inpaint_bench.schema.files import read_result
from inpaint_bench.tables.kinds import KINDS

_TABLE = re.compile(
    r"(?P<begin><!-- inpaint-bench: (?P<kind>\S+) (?P<files>[^>]*?)\s*-->\n)"
    r".*?"
    r"(?P<end><!-- inpaint-bench: end -->)",
    re.DOTALL,
)


def fill_tables(text: str, folder: Path) -> str:
    """A Markdown file's text with every table made anew.

    Raises:
        BenchError: there is no table, or one of an unknown kind, or a file cannot be read or lacks
            what the table shows.
    """
    if not _TABLE.search(text):
        raise BenchError("there is no table to generate (<!-- inpaint-bench: KIND NAME=FILE -->)")
    return _TABLE.sub(lambda match: _fill(match, folder), text)


def _fill(match: re.Match[str], folder: Path) -> str:
    kind = match["kind"]
    if kind not in KINDS:
        raise BenchError(f"there is no kind of table {kind!r}; there are {', '.join(KINDS)}")
    files = dict(entry.partition("=")[::2] for entry in match["files"].split())
    results = {name: read_result(folder / path) for name, path in files.items()}
    try:
        table = KINDS[kind](**results)
    except TypeError as error:
        raise BenchError(f"a table of kind {kind} takes other files: {error}") from error
    return f"{match['begin']}{table.rstrip()}\n{match['end']}"
