"""The command line: what it imports, and how it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from inpaint_export import evaluation
from inpaint_export.cli import main
from inpaint_export.recipes import NAMES, load_recipe
from inpaint_sdk.models.zoo import open_model

HEAVY = {"torch", "onnx", "onnxruntime", "cv2", "skimage", "matplotlib", "scipy", "tqdm"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(part) for part in arguments])


def run_without(missing: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own that cannot import a module."""
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"from inpaint_export.cli import main; main({[str(part) for part in arguments]!r})"
    )
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", [None, *main.commands])
def test_help_imports_nothing_heavy(command: str | None) -> None:
    arguments = ["--help"] if command is None else [command, "--help"]
    program = (
        "import sys; from inpaint_export.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        "print('loaded:', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    text, loaded = done.stdout.split("loaded:")
    assert "Usage:" in text
    assert "inpaint_export" in loaded.split()
    assert not HEAVY & set(loaded.split())


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_that_is_named_is_there(name: str) -> None:
    assert load_recipe(name).name == name


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    done = run_without("torch", "train", "photo", "--data", tmp_path, "-o", tmp_path / "run")
    assert done.returncode == 1
    assert done.stderr == (
        "Error: torch is not installed. Install the extra: pip install 'inpaint-sdk[train]'\n"
    )


def test_the_survey_says_that_it_needs_a_source_checkout(tmp_path: Path) -> None:
    arguments = ("survey", "table2", "--data", tmp_path, "-o", tmp_path / "tables")
    done = run_without("inpaint_export.survey", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the survey is not part of the wheel.")
    assert "source checkout" in done.stderr


def test_a_missing_module_of_our_own_is_a_bug_and_not_an_extra(tmp_path: Path) -> None:
    arguments = ("train", "photo", "--data", tmp_path, "-o", tmp_path / "run")
    done = run_without("inpaint_export.training.loop", *arguments)
    assert "Traceback" in done.stderr
    assert "Install the extra" not in done.stderr


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_a_lower_precision_needs_data(tmp_path: Path, precision: str) -> None:
    output = tmp_path / "model.onnx"
    result = run("export", open_model("photo").path, "-o", output, "--precision", precision)
    assert result.exit_code == 1
    assert result.output == (
        f"Error: --precision {precision} needs --data, to calibrate and to measure\n"
    )
    assert not output.exists()


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("photo", [], "photo fills holes: give --masks"),
        ("photo", ["--masks", ".", "--distort"], "photo fills holes: give --masks"),
        ("clean", ["--masks", "."], "clean takes no mask: leave out --masks"),
        ("damage", ["--masks", "."], "damage takes no mask: leave out --masks"),
        ("damage", ["--distort"], "damage is a detector: measure it with --film"),
    ],
)
def test_a_model_is_measured_as_its_task_asks_for(
    tmp_path: Path, model: str, options: list[str], message: str
) -> None:
    result = run("eval", open_model(model).path, "--data", tmp_path, *options)
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {message}")


def test_film_and_noise_are_measured_apart(tmp_path: Path) -> None:
    result = run("eval", open_model("clean").path, "--data", tmp_path, "--film", "--noise")
    assert result.exit_code == 2
    assert "--film and --noise are two measurements" in result.output


@pytest.mark.parametrize("error", [PermissionError("no right to read"), ValueError("not a ratio")])
def test_an_expected_error_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(evaluation, "evaluate_model", fail)
    result = run("eval", open_model("photo").path, "--data", tmp_path)
    assert (result.exit_code, result.output) == (1, f"Error: {error}\n")
