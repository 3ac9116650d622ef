"""What is in the wheel, and that the extras bring all that is imported."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
EXPORT = ROOT / "export" / "inpaint_export"
EVAL = ROOT / "benchmarks" / "inpaint_eval"
SERVER = ROOT / "sdk" / "inpaint_sdk" / "server"
SURVEY = "inpaint_export.survey"
PROVIDED = {"rapidocr_onnxruntime", "triton_python_backend_utils"}
"""Not by extras: a peer that asks for another wheel of OpenCV, and Triton's own module."""


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


class RunTimeOnly(ast.NodeTransformer):
    """Leaves out what is imported for type checkers alone."""

    def visit_If(self, node: ast.If) -> ast.AST | None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return None
        return self.generic_visit(node)


def imports(source: str) -> Iterator[str]:
    """Modules that a file's text imports when it is run, within functions too."""
    for node in ast.walk(RunTimeOnly().visit(ast.parse(source))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


def test_imports_are_those_at_run_time() -> None:
    source = (
        "import a\nif TYPE_CHECKING:\n    import b\nif x:\n    import c.d\n"
        "def f():\n    from e import g"
    )
    assert set(imports(source)) == {"a", "c.d", "e"}


def distributions(pyproject: dict[str, Any], extra: str) -> set[str]:
    """Normalized names of what an extra installs, with what it takes from others and the base."""
    found = set()
    extras = pyproject["project"]["optional-dependencies"]
    for requirement in (*pyproject["project"]["dependencies"], *extras[extra]):
        name, others = re.fullmatch(r"([\w.-]+)(?:\[([\w,-]+)\])?.*", requirement).groups()
        if name == "inpaint-sdk":
            found |= set().union(*(distributions(pyproject, other) for other in others.split(",")))
        else:
            found.add(normalized(name))
    return found


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("extra", "folder"), [("train", EXPORT), ("eval", EVAL), ("serve", SERVER)]
)
def test_an_extra_brings_all_that_its_package_imports(
    pyproject: dict[str, Any], extra: str, folder: Path
) -> None:
    names = {
        name.partition(".")[0]
        for path in folder.rglob("*.py")
        for name in imports(path.read_text())
    }
    names -= sys.stdlib_module_names | PROVIDED
    foreign = {name for name in names if not name.startswith("inpaint_")}
    assert foreign
    of = packages_distributions()
    installed = distributions(pyproject, extra)
    missing = {name for name in foreign if not installed & set(map(normalized, of[name]))}
    assert missing == set()


def test_an_extra_brings_what_scikit_image_imports_when_asked(pyproject: dict[str, Any]) -> None:
    """Its wavelet denoiser is a peer in the survey, and PyWavelets is optional there."""
    assert "pywavelets" in distributions(pyproject, "train")


def test_the_runtime_alone_stays_light(pyproject: dict[str, Any]) -> None:
    base = {re.match(r"[\w.-]+", text)[0] for text in pyproject["project"]["dependencies"]}
    assert "numpy" in base
    assert not base & {"torch", "onnx", "onnxscript", "scikit-image", "scipy", "pydantic"}


def test_the_wheel_leaves_out_the_survey_and_the_sdist_has_it(pyproject: dict[str, Any]) -> None:
    settings = pyproject["tool"]["scikit-build"]
    assert settings["wheel"]["exclude"] == ["inpaint_export/survey"]
    assert (EXPORT / "survey" / "__init__.py").is_file()
    for pattern in settings["sdist"]["exclude"]:
        assert not fnmatch("export/inpaint_export/survey/base.py", f"{pattern}*")


def test_nothing_in_the_wheel_needs_the_survey() -> None:
    """The command line alone names it, and does without it."""
    users = {
        path.relative_to(EXPORT)
        for path in EXPORT.rglob("*.py")
        if any(name.startswith(SURVEY) for name in imports(path.read_text()))
        and not path.is_relative_to(EXPORT / "survey")
    }
    assert users == {Path("cli.py")}
