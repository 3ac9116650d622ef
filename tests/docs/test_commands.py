"""Commands and examples of the documentation run, page by page, as a reader would run them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
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
from support.documents import ROOT, Block, blocks_of, command_lines, documents
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
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        assert cv2.imwrite(str(tmp_path / name), pixels)
    for name in ("in.mp4", "camera.mp4", "film.mp4"):
        write_video(tmp_path / name, [scratched] * 5)
    write_video(tmp_path / "masks.mp4", [cv2.cvtColor(mask, cv2.COLOR_GRAY2BGR)] * 5)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    monkeypatch.setenv("INPAINT_SDK_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server with all models."""
    pytest.importorskip("httpx2", reason="the server's tests need httpx2")
    from support.server import process, until_ready

    with process() as (_, address):
        until_ready(address)
        yield address


@pytest.mark.parametrize(("path", "with_slow"), PAGES)
@pytest.mark.usefixtures("folder")
def test_a_page_runs(path: Path, with_slow: bool, request: pytest.FixtureRequest) -> None:
    pytest.importorskip("av", reason="pages that show videos need PyAV")
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


def read(command: click.Command, words: list[str]) -> None:
    """Reads the words as a command does, but opens no files."""
    context = click.Context(command)
    if isinstance(command, click.Group):
        context.allow_interspersed_args = False
    values, rest, _ = command.make_parser(context).parse_args(list(words))
    for option in command.params:
        given = values.get(option.name or "")
        assert given is not None or not option.required, f"{option.name} is missing"
        if not isinstance(option.type, click.Path):
            option.type_cast_value(context, given)
    if not isinstance(command, click.Group):
        assert rest == []
    elif rest:
        sub = command.get_command(context, rest[0])
        assert sub is not None, f"there is no command {rest[0]}"
        read(sub, rest[1:])


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


def test_what_is_made_can_be_made() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    made = {word for _, words in COMMAND_LINES if words[:1] == ["make"] for word in words[1:]}
    assert {"demo", "test", "docs"} <= made <= targets
