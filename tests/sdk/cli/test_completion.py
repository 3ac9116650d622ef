"""Shells complete the commands, as ``docs/cli.md`` says how."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from inpaint_sdk.cli.main import main
from inpaint_sdk.version import __version__

PROGRAMS = {
    "inpaint-sdk": "inpaint_sdk.cli.main",
    "inpaint-export": "inpaint_export.cli",
    "inpaint-bench": "inpaint_bench.cli",
}
"""Where each is; some need an extra."""

REGISTERS = {"bash": "complete -o nosort -F", "zsh": "compdef", "fish": "complete --no-files"}
"""With which a shell's script ties the program to its completion."""


@pytest.mark.parametrize("shell", REGISTERS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_each_shell_gets_its_script(program: str, shell: str) -> None:
    variable = f"_{program.upper().replace('-', '_')}_COMPLETE"
    environment = {variable: f"{shell}_source"}
    command = pytest.importorskip(PROGRAMS[program]).main
    run = CliRunner().invoke(command, [], prog_name=program, env=environment)
    assert run.exit_code == 0
    lines = [line.strip() for line in run.output.splitlines()]
    (line,) = [line for line in lines if line.startswith(REGISTERS[shell])]
    assert program in line
    assert f"{variable}={shell}_complete" in run.output


def test_bash_completes() -> None:
    script = (
        'eval "$(_INPAINT_SDK_COMPLETE=bash_source inpaint-sdk)"; COMP_WORDS=(inpaint-sdk res);'
        'COMP_CWORD=1; _inpaint_sdk_completion inpaint-sdk; echo "${COMPREPLY[@]}"'
    )
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    run = subprocess.run(
        ["bash", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert run.stdout == "restore\n", run.stderr


@pytest.mark.parametrize(
    ("words", "incomplete", "found"),
    [
        ([], "co", ["compile"]),
        (["restore", "--model"], "cloud-", ["cloud-thick", "cloud-thin"]),
        (["restore", "--model"], "au", ["auto"]),
        (["detect", "--detector"], "au", "file"),
        (["compile"], "dam", ["damage"]),
        (["restore"], "scan", "file"),
        (["restore", "--mask"], "", "file"),
        (["restore", "a.png", "-o"], "b", "file"),
        (["restore", "--strategy"], "f", ["full"]),
        (["video"], "--no-st", ["--no-steady"]),
    ],
)
def test_what_is_completed(words: list[str], incomplete: str, found: list[str] | str) -> None:
    completions = ShellComplete(main, {}, "inpaint-sdk", "").get_completions(words, incomplete)
    if found == "file":
        assert [item.type for item in completions] == ["file"]
    else:
        assert [item.value for item in completions] == found


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"inpaint-sdk, version {__version__}\n"
