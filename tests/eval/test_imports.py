"""The leaf package, and the two that use it and not each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PACKAGES = {
    "inpaint_sdk": ROOT / "sdk" / "inpaint_sdk",
    "inpaint_kernels": ROOT / "kernels" / "inpaint_kernels",
    "inpaint_eval": ROOT / "benchmarks" / "inpaint_eval",
    "inpaint_bench": ROOT / "benchmarks" / "inpaint_bench",
    "inpaint_export": ROOT / "export" / "inpaint_export",
}

MAY_IMPORT = {
    "inpaint_kernels": set(),
    "inpaint_sdk": {"inpaint_kernels"},
    "inpaint_eval": {"inpaint_sdk"},
    "inpaint_bench": {"inpaint_eval", "inpaint_kernels", "inpaint_sdk"},
    "inpaint_export": {"inpaint_eval", "inpaint_kernels", "inpaint_sdk"},
}

NAMED = ("inpaint_eval", "inpaint_bench", "inpaint_export")
"""Packages that are looked for in strings; inpaint_sdk is the name of an operator's domain too."""


def imported(source: str) -> Iterator[str]:
    """Packages of ours that a module's text names as modules.

    Import statements wherever they stand, within functions and under TYPE_CHECKING too, and strings
    that are a module's path or contain one, as ``importlib`` and ``python -m`` take them.
    """
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            yield from (name for name in NAMED if name in node.value)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_it_may(package: str) -> None:
    modules = sorted(PACKAGES[package].rglob("*.py"))
    assert modules
    allowed = MAY_IMPORT[package] | {package}
    found = {
        str(path.relative_to(ROOT)): names
        for path in modules
        if (names := set(imported(path.read_text(encoding="utf-8"))) & set(PACKAGES) - allowed)
    }
    assert found == {}


@pytest.mark.parametrize(
    "statement",
    [
        "import inpaint_export.recipes",
        "from inpaint_export import recipes",
        "def f():\n    from inpaint_export.recipes import load_recipe",
        "if TYPE_CHECKING:\n    import inpaint_export",
        "importlib.import_module('inpaint_export.recipes')",
        "importlib.import_module(f'inpaint_export.{name}')",
        "subprocess.run([sys.executable, '-m', 'inpaint_export'])",
    ],
)
def test_every_form_of_import_is_seen(statement: str) -> None:
    assert "inpaint_export" in set(imported(statement))


def test_a_docstring_may_name_another_package() -> None:
    assert set(imported('"""See inpaint_export."""')) == set()


def test_the_leaf_is_light() -> None:
    """Every module of it, in a fresh process: neither PyTorch nor what reads its models."""
    paths = sorted(PACKAGES["inpaint_eval"].rglob("*.py"))
    names = [
        ".".join(path.relative_to(ROOT / "benchmarks").with_suffix("").parts) for path in paths
    ]
    statements = "\n".join(f"import {name.removesuffix('.__init__')}" for name in names)
    program = f"import sys, time\n{statements}\nprint(time.process_time(), *sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    seconds, *modules = run.stdout.split()
    heavy = {"torch", "onnx", "onnxruntime", "skimage", "scipy", "pydantic", "psutil"}
    assert heavy & set(modules) == set()
    assert "inpaint_eval.machine.jetson" in modules
    assert float(seconds) < 1.0  # of processor time; PyTorch alone takes more
