"""Installs the built wheel into clean environments, and tests it there.

    .venv/bin/python packaging/test_pythons.py [--wheel FILE] [--tests none|some|all] PYTHON...

PYTHON: 3.10 for the oldest and the newest versions of its dependencies, 3.10-oldest for those of
packaging/constraints/3.10-oldest.txt alone. For each the wheel is installed by pip with no
compiler on PATH, the README's first example is run, then tests of the SDK are, with nothing of the
checkout's own environment.

An environment that was finished stays in build/pythons and is used again, as long as the wheel and
the versions are the same. Each is tried, whatever became of the others. Exit code 1: one failed; 3:
none did, but a Python is missing.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import click
import uv

ROOT = Path(__file__).parents[1]
PACKAGING = ROOT / "packaging"
WORK = ROOT / "build" / "pythons"
UV = uv.find_uv_bin()
CHOSEN_BY_CALLER = ("CC", "CXX", "PYTHONPATH", "VIRTUAL_ENV")
"""Variables that a clean environment does without."""

TESTS = {
    "none": (),
    # Where Pythons and versions differ: imports, pictures' forms and files, models, ONNX Runtime.
    "some": (
        "tests/sdk/test_imports.py",
        "tests/sdk/images/test_forms.py",
        "tests/sdk/images/test_metadata.py",
        "tests/sdk/models/test_file.py",
        "tests/sdk/backends/test_onnxruntime.py",
        "tests/sdk/cli/test_main.py",
    ),
    # The server's tests need its extra and a client, which has no wheel for Python 3.10.
    "all": ("--ignore", "tests/sdk/server", "tests/sdk"),
}
"""What pytest is given."""


LONGEST = 3600
"""Seconds after which tests count as hanging; they take some minutes, and hung at exit once."""


class MissingPythonError(Exception):
    """An interpreter is not there."""


def find_python(version: str) -> Path:
    """An interpreter on PATH, or one of pyenv's."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    path = os.pathsep.join([os.environ["PATH"], *map(str, root.glob("versions/*/bin"))])
    command = [UV, "python", "find", "--no-python-downloads", "--no-project", "--system", version]
    found = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PATH": path})
    if "No interpreter found" in found.stderr:
        raise MissingPythonError(f"there is no Python {version} on PATH, and none of pyenv's")
    if found.returncode != 0:
        raise OSError(found.stderr.strip())
    return Path(found.stdout.strip())


def build_wheel() -> Path:
    """The wheel for this machine, of the checkout as it is."""
    folder = WORK / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([PACKAGING / "wheels.sh", folder, platform.machine()], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def identify(*files: Path) -> str:
    """Of what an environment is made."""
    return "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}\n" for file in files)


def clean_variables() -> dict[str, str]:
    """Variables of this process but for those that lead out of an environment."""
    return {name: value for name, value in os.environ.items() if name not in CHOSEN_BY_CALLER}


def make(environment: Path, interpreter: Path, wheel: Path, constraints: Path) -> None:
    """Installs the wheel as a user does, runs the README's example, adds what tests need."""
    shutil.rmtree(environment, ignore_errors=True)
    subprocess.run([interpreter, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    variables = clean_variables() | {"PATH": str(environment / "bin")}  # without a compiler
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in (
        # Compiling bytecode of all that is installed takes longest, and little of it is run.
        [*pip, "--no-compile", "--constraint", constraints, wheel],
        [environment / "bin" / "inpaint-sdk", "--version"],
        [python, PACKAGING / "readme_check.py"],
    ):
        subprocess.run(command, check=True, env=variables)
    tests = [
        "--constraint",
        constraints,
        f"{wheel}[video]",
        "--requirement",
        PACKAGING / "tests.in",
    ]
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, *tests], check=True)


def run(name: str, wheel: Path, tests: str) -> None:
    """Makes the environment, unless it is there, and runs tests in it."""
    environment, constraints = WORK / name, PACKAGING / "constraints" / f"{name}.txt"
    interpreter = find_python(name.partition("-")[0])
    made_of = [wheel, constraints, PACKAGING / "tests.in", PACKAGING / "readme_check.py"]
    stamp = environment / "complete"
    identity = identify(*made_of, ROOT / "README.md") + f"{interpreter}\n"
    if not stamp.is_file() or stamp.read_text() != identity:
        make(environment, interpreter, wheel, constraints)
        stamp.write_text(identity)
    if TESTS[tests]:
        command = [environment / "bin" / "python", "-m", "pytest", "-m", "not slow"]
        command += ["-p", "no:cacheprovider", *TESTS[tests]]
        subprocess.run(command, check=True, cwd=ROOT, env=clean_variables(), timeout=LONGEST)


def named(_context: click.Context, _option: click.Parameter, pythons: tuple[str, ...]) -> list[str]:
    """Environments, each a Python and an age of its dependencies."""
    names = [
        name
        for python in pythons
        for name in ([python] if "-" in python else [f"{python}-oldest", f"{python}-newest"])
    ]
    known = sorted(path.stem for path in (PACKAGING / "constraints").glob("*.txt"))
    for name in names:
        if name not in known:
            raise click.BadParameter(f"there is no {name}; there are {', '.join(known)}")
    return names


@click.command(help=__doc__)
@click.option("--wheel", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tests", type=click.Choice(list(TESTS)), default="all", show_default=True)
@click.argument("pythons", nargs=-1, required=True, callback=named)
def main(wheel: Path | None, tests: str, pythons: list[str]) -> None:
    wheel = build_wheel() if wheel is None else wheel.resolve()
    outcomes = {}
    for name in pythons:
        click.echo(f"Python {name.replace('-', ', ')} dependencies")
        try:
            run(name, wheel, tests)
            outcomes[name] = "passed"
        except MissingPythonError as error:
            outcomes[name] = f"missing: {error}"
        except subprocess.CalledProcessError as error:
            command = " ".join(map(str, error.cmd))
            outcomes[name] = f"failed: exit code {error.returncode} of {command}"
        except (OSError, subprocess.TimeoutExpired) as error:
            outcomes[name] = f"failed: {error}"
    for name, outcome in outcomes.items():
        click.echo(f"{name}: {outcome}")
    found = {outcome.partition(":")[0] for outcome in outcomes.values()}
    sys.exit(1 if "failed" in found else 3 if "missing" in found else 0)


if __name__ == "__main__":
    main()
