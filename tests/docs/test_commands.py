"""Commands and examples of the documentation run, page by page, as a reader would run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import inpaint_bench.cli
import inpaint_export.cli
import inpaint_sdk.cli.main
from support.documents import ROOT, Block, blocks_of, code_in_sentences, command_lines, documents
from support.videos import write_video

Pixels = NDArray[np.uint8]

COMMANDS: dict[str, click.Command] = {
    "inpaint-sdk": inpaint_sdk.cli.main.main,
    "inpaint-export": inpaint_export.cli.main,
    "inpaint-bench": inpaint_bench.cli.main,
}

CAMERA, SERVER = "rtsp://camera/stream", "http://localhost:8000/"
"""What a test does not have, or has elsewhere."""

LANGUAGES = {"python", "sh"}
CONFIGURATION = {"nginx"}
"""Languages of blocks that are no commands."""

BLOCKS = {path: list(blocks_of(path)) for path in documents()}
PAGES = [
    pytest.param(path, is_slow, id=str(path.relative_to(ROOT)), marks=[pytest.mark.slow] * is_slow)
    for path, blocks in BLOCKS.items()
    for is_slow in (False, True)
    if any(block.note == ("slow" if is_slow else "") for block in blocks)
]
COMMAND_LINES = [
    (block, words)
    for blocks in BLOCKS.values()
    for block in blocks
    if block.language == "sh"
    for words in command_lines(block.code)
]
IN_SENTENCES = [
    pytest.param(words, id=f"{path.relative_to(ROOT)}: {text}")
    for path in BLOCKS
    for text in sorted(code_in_sentences(path))
    if text.split()[0] in {*COMMANDS, "make"}
    for words in command_lines(text)
]

OF_THIS_TREE = re.compile(
    r"(?<![\w/-])(?:benchmarks|docs|examples|export|kernels|packaging|sdk|tests)/[\w./-]*\w"
)
"""A file or folder."""

EXTRAS = re.compile(r"(?:inpaint-sdk|'\.)\[([\w,-]+)\]")
"""What is installed with the SDK."""

SETTING = re.compile(r"[A-Z]+=")
"""A word of make's that sets a variable."""


def line() -> Pixels:
    """A line of text, uint8 [40, 300, 3]."""
    drawn = np.full((40, 300, 3), 235, np.uint8)
    cv2.putText(drawn, "Serial 42-A7", (8, 29), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20, 20, 20), 2)
    return drawn


@pytest.fixture
def folder(tmp_path: Path, image: Pixels, mask: Pixels, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the files that the pages name."""
    scratched = image.copy()
    cv2.line(scratched, (10, 15), (125, 70), (255, 255, 255), 2)
    noise = np.random.default_rng(0).normal(0.0, 20.0, image.shape)
    noisy = np.clip(image + noise, 0.0, 255.0).astype(np.uint8)
    for name, pixels in {
        "photo.jpg": image,
        "scratched.jpg": scratched,
        "noisy.jpg": noisy,
        "cloudy.png": image,
        "mask.png": mask,
        "logo.png": mask,
        "scan.tif": image.astype(np.uint16) * 257,
        "photos/first.jpg": image,
        "photos/second.png": scratched,
        "masks/first.png": mask,
        "masks/second.png": mask,
        "frames/0001.png": scratched,
        "in/first.jpg": image,
        "line.png": line(),
        "lines/first.png": line(),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        assert cv2.imwrite(str(tmp_path / name), pixels)
    for name in ("in.mp4", "camera.mp4", "film.mp4"):
        write_video(tmp_path / name, [scratched] * 5)
    write_video(tmp_path / "masks.mp4", [cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR)] * 5)
    for name in ("examples", "export"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setenv("INPAINT_SDK_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server with all models."""
    if sys.version_info < (3, 11):
        pytest.skip("httpx2, the server's client, has no wheel for Python 3.10")
    from support.server import process, until_ready

    with process() as (_, address):
        until_ready(address)
        yield address


@pytest.mark.parametrize(("path", "with_slow"), PAGES)
@pytest.mark.usefixtures("folder")
def test_a_page_runs(path: Path, with_slow: bool, request: pytest.FixtureRequest) -> None:
    names: dict[str, Any] = {}
    notes = {"", "slow"} if with_slow else {""}
    for block in BLOCKS[path]:
        if block.note not in notes or block.language not in LANGUAGES:
            continue
        code = block.code.replace(CAMERA, "camera.mp4")
        if SERVER in code:
            code = code.replace(SERVER, request.getfixturevalue("server"))
        if block.language == "sh":
            run_shell(block, code)
        else:
            # So that a traceback names the page's own lines.
            exec(compile("\n" * block.line + code, str(block.path), "exec"), names)


def run_shell(block: Block, code: str) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    command = [bash, "-euo", "pipefail", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, f"{block}\n{run.stdout}{run.stderr}"


@pytest.mark.parametrize("path", BLOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_blocks_say_what_they_are(path: Path) -> None:
    """So that none is passed over: a language, and no indented blocks."""
    others = [str(b) for b in BLOCKS[path] if b.language not in LANGUAGES | CONFIGURATION]
    assert others == []


@pytest.mark.parametrize(
    ("block", "words"),
    [(block, words) for block, words in COMMAND_LINES if words and Path(words[0]).name in COMMANDS],
    ids=lambda value: str(value) if isinstance(value, Block) else " ".join(value[:3]),
)
def test_a_command_line_can_be_read(block: Block, words: list[str]) -> None:
    """Of blocks that are not run, too: its options are there, and take what they are given."""
    read(COMMANDS[Path(words[0]).name], words[1:])


@pytest.mark.parametrize("words", IN_SENTENCES)
def test_a_command_in_a_sentence_can_be_read(words: list[str]) -> None:
    """What it needs beside may be left out there."""
    if words[0] == "make":
        assert_can_be_made(words[1:])
    else:
        read(COMMANDS[words[0]], words[1:], whole=False)


def options(command: click.Command) -> set[str]:
    """Of a program, and of all its commands."""
    own = (each for each in command.params if isinstance(each, click.Option))
    subs = command.commands.values() if isinstance(command, click.Group) else ()
    return {name for each in own for name in each.opts + each.secondary_opts}.union(
        *map(options, subs)
    )


def test_an_option_in_a_sentence_is_there() -> None:
    known = {"--help", "--version"}.union(*map(options, COMMANDS.values()))
    named = {
        (str(path.relative_to(ROOT)), text.split()[0])
        for path in BLOCKS
        for text in code_in_sentences(path)
        if text.startswith("--")
    }
    assert len(named) > 20
    assert {each for each in named if each[1] not in known} == set()


@pytest.mark.parametrize("path", BLOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_extras_that_are_named_are_there(path: Path) -> None:
    """In blocks that are not run, too."""
    known = set(metadata("inpaint-sdk").get_all("Provides-Extra", []))
    for text in (*(block.code for block in BLOCKS[path]), *code_in_sentences(path)):
        assert [file for file in OF_THIS_TREE.findall(text) if not (ROOT / file).exists()] == []
        assert {name for names in EXTRAS.findall(text) for name in names.split(",")} <= known


def read(
    command: click.Command,
    words: list[str],
    *,
    whole: bool = True,
    parent: click.Context | None = None,
) -> None:
    """Reads the words as a command does, but opens no files.

    whole: whether all options that are required must be there.
    """
    context = click.Context(command, parent, **command.context_settings)
    if isinstance(command, click.Group):
        context.allow_interspersed_args = False
    values, rest, _ = command.make_parser(context).parse_args(list(words))
    for option in command.params:
        given = values.get(option.name or "")
        if whole:
            assert given is not None or not option.required, f"{option.name} is missing"
        if given is not None and not isinstance(option.type, click.Path):
            option.type_cast_value(context, given)
    if not isinstance(command, click.Group):
        assert rest == []
    elif rest:
        sub = command.get_command(context, rest[0])
        assert sub is not None, f"there is no command {rest[0]}"
        read(sub, rest[1:], whole=whole, parent=context)


@pytest.mark.parametrize(
    "line",
    [
        "restore a.png",
        "restore a.png -o b.png --masks c.png",
        "restor",
        "models now",
        "restore a.png -o b.png --strategy half",
    ],
)
def test_a_command_line_that_is_wrong_is_found(line: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        read(COMMANDS["inpaint-sdk"], line.split())


def assert_can_be_made(words: list[str]) -> None:
    """Whether the Makefile has these targets, and the variables that they set."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"^(?:ifdef )?([A-Z]+)\b", makefile, re.MULTILINE))
    for word in words:
        if SETTING.match(word):
            assert word.partition("=")[0] in variables
        else:
            assert word in targets


def test_what_is_made_can_be_made() -> None:
    made = [words[1:] for _, words in COMMAND_LINES if words[:1] == ["make"]]
    assert {"demo", "test", "docs"} <= {word for words in made for word in words}
    for words in made:
        assert_can_be_made(words)


@pytest.mark.parametrize("words", [["no-such-target"], ["test", "NOTHING=1"]])
def test_what_cannot_be_made_is_found(words: list[str]) -> None:
    with pytest.raises(AssertionError):
        assert_can_be_made(words)


def test_what_make_demo_runs(folder: Path) -> None:
    """``make demo`` itself makes an environment; the rest of it is this."""
    (program,) = re.findall(
        r"^demo: .*\n\t\$\(BIN\)/python (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )
    subprocess.run([sys.executable, program], cwd=folder, check=True, capture_output=True)
    assert (folder / "demo" / "comparison.png").is_file()
