"""docs/jetson.md names packages one by one, which pyproject.toml does too."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).parents[4]
FROM_THE_SYSTEM = {"numpy", "opencv-python-headless"}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        document: dict[str, Any] = tomllib.load(file)["project"]
    return document


def names(requirements: list[str]) -> set[str]:
    found = (re.match(r"[\w-]+", requirement) for requirement in requirements)
    return {match.group() for match in found if match} - {"inpaint-sdk"}


def installs(page: str) -> list[list[str]]:
    """The arguments of each ``pip install`` in the page's blocks, without options."""
    lines = re.findall(r"bin/pip install (.*)", re.sub(r"\\\n\s*", "", page))
    words = [re.sub(r"\s#.*", "", line).replace('"', "").split() for line in lines]
    return [[word for word in line if not word.startswith("-")] for line in words]


def test_the_page_installs_what_the_project_needs(project: dict[str, Any]) -> None:
    extras = project["optional-dependencies"]
    _, runtime, cuda, bench, *_ = installs((ROOT / "docs" / "jetson.md").read_text())
    needed = names(project["dependencies"] + extras["tensorrt"]) - FROM_THE_SYSTEM
    assert names(runtime) | names(cuda) == needed
    assert names(bench) == names(extras["bench"] + extras["eval"])


def test_the_first_day_finds_its_programs() -> None:
    """JetPack keeps nvcc off the PATH, and its CMake is older than the build wants."""
    page = (ROOT / "docs" / "jetson.md").read_text()
    (day,) = [block for block in page.split("```") if "run_gpu_checks.sh first-day" in block]
    assert installs(day) == [["cmake"]]
    assert "PATH=~/inpaint/bin:/usr/local/cuda/bin:$PATH" in day
    assert "libnvinfer-headers-dev" in day


def test_the_page_gives_the_versions_that_the_project_allows(project: dict[str, Any]) -> None:
    (_, _, (bindings,), *_) = installs((ROOT / "docs" / "jetson.md").read_text())
    (allowed,) = [r for r in project["optional-dependencies"]["tensorrt"] if "cuda" in r]
    assert bindings == f"{allowed},<13"
