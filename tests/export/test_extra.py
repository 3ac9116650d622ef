"""``[train]`` alone runs the commands: none of them counts on what other extras bring."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

import cv2
import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from inpaint_export.cli import main
from support.training import write_pictures

TESTS = Path(__file__).parents[1]

PROGRAM = """
import importlib, json, pkgutil, sys
hidden, commands, own = json.load(sys.stdin)
sys.modules.update(dict.fromkeys(hidden))  # what is None there cannot be imported
from click.testing import CliRunner
from inpaint_export import cli, recipes
from support.training import tiny_recipe
recipes.load_recipe = lambda name: tiny_recipe()
results = [CliRunner().invoke(cli.main, command) for command in commands]
missing = {}
for package in map(importlib.import_module, own):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            missing[module.name] = error.name
json.dump([[[r.exit_code, r.output] for r in results], missing], sys.stdout)
"""
"""Runs commands and imports modules where other modules are hidden; `photo` is a tiny one there."""


def installed_by(extra: str) -> set[str]:
    """Distributions that the SDK requires with one extra, and those that they require in turn."""
    found = set()
    left = [("inpaint-sdk", ""), ("inpaint-sdk", extra)]
    while left:
        name, of_extra = entry = left.pop()
        if entry in found:
            continue
        found.add(entry)
        try:
            lines = requires(name) or []
        except PackageNotFoundError:  # of another platform, or not needed by what is installed
            continue
        for needed in map(Requirement, lines):
            if needed.marker is None or needed.marker.evaluate({"extra": of_extra}):
                known = canonicalize_name(needed.name)
                left += [(known, other) for other in ("", *needed.extras)]
    return {name for name, _ in found}


def hidden_from(extra: str) -> list[str]:
    """Modules that are installed here, and would not be with the extra alone."""
    there = installed_by(extra)
    return [
        module
        for module, names in packages_distributions().items()
        if there.isdisjoint(map(canonicalize_name, names)) and module.isidentifier()
    ]


def test_what_an_extra_brings_is_told_from_the_rest() -> None:
    there = installed_by("train")
    assert {"click", "torch", "sympy", "onnx", "scikit-image"} <= there
    assert not there & {"pytest", "pydantic", "fastapi", "ray", "matplotlib", "bm3d"}
    assert {"pytest", "pydantic", "matplotlib"} <= set(hidden_from("train"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Pictures to train and to validate on, and a mask."""
    write_pictures(tmp_path, {"train": 2, "val": 2})
    (tmp_path / "masks").mkdir()
    mask = np.zeros((512, 512), np.uint8)
    mask[100:300, 100:300] = 255
    cv2.imwrite(str(tmp_path / "masks" / "08000.png"), mask)
    return tmp_path


def test_the_extra_train_runs_every_command(data: Path) -> None:
    """Of ``survey``, whose tables train for long, help, and that its modules can be imported."""
    model = data / "m.onnx"
    masked = ["--masks", data / "masks", "--ratios", "box"]
    runs = [
        ["train", "photo", "--data", data, "-o", data / "run", "--steps", "1", "--workers", "0"],
        ["speed", "photo", "--data", data, "--threads", "1", "--workers", "0", "--steps", "1"],
        ["export", data / "run" / "last.pt", "-o", model],
        ["precisions", data, "--data", data],
        ["eval", model, "--data", data / "val", *masked, "-o", data / "quality.json", "--write"],
        ["triton", model, "-o", data / "repository"],
    ]
    assert {name for name, *_ in runs} == set(main.commands) - {"survey"}
    commands = [[name, "--help"] for name in main.commands]
    commands += [[str(word) for word in run] for run in runs]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input=json.dumps([hidden_from("train"), commands, ["inpaint_export", "inpaint_eval"]]),
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results, missing = json.loads(done.stdout)
    assert [output for code, output in results if code != 0] == []
    assert missing == {"inpaint_export.triton.served": "triton_python_backend_utils"}
