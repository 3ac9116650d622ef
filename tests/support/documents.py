"""Code in the documentation, in blocks and in sentences, and the command lines in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, takewhile
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]

NOTE = re.compile(r"<!-- (not run|slow): (.+) -->\s*")
"""Before a block that a test does not run, or not each time; says why."""

SUBSTITUTION = re.compile(r"\$\(([^()]+)\)")
OPERATORS = {"|", "&&", ";", ">", "<"}


@dataclass(frozen=True)
class Block:
    """A block of code.

    line: number of lines before its code. note: ``not run``, ``slow`` or nothing. reason: of the
    note.
    """

    path: Path
    line: int
    language: str
    code: str
    note: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line + 1}"


def documents() -> list[Path]:
    """The pages, with the file that one of them is taken from, and what stands beside them."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    beside = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "benchmarks/README.md"]
    beside += ["kernels/README.md", "examples/README.md", "examples/browser/README.md"]
    return [*(ROOT / name for name in beside), *pages]


def blocks_of(path: Path) -> Iterator[Block]:
    """All blocks of a document; indented ones have no language."""
    previous = None
    for token in MarkdownIt("commonmark").parse(path.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            note = NOTE.fullmatch(previous.content) if previous is not None else None
            line = token.map[0] + (token.type == "fence")
            said = note.groups() if note else ("", "")
            yield Block(path, line, token.info, token.content, *said)
        previous = token if token.type == "html_block" else None


def code_in_sentences(path: Path) -> set[str]:
    """What is set as code within a document's text."""
    inline = (
        token.children or [] for token in MarkdownIt("commonmark").parse(path.read_text("utf-8"))
    )
    return {part.content for parts in inline for part in parts if part.type == "code_inline"}


def command_lines(code: str) -> Iterator[list[str]]:
    """The words of each command in a shell's block, without what is set for it before its name."""
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        for inner in SUBSTITUTION.findall(" ".join(words)):
            yield from command_lines(inner)
        starts = [0, *(i + 1 for i, word in enumerate(words) if word in OPERATORS), len(words) + 1]
        for start, end in pairwise(starts):
            command = words[start : end - 1]
            settings = takewhile(lambda word: "=" in word, command)
            yield command[len(list(settings)) :]
