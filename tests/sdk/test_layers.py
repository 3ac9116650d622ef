"""Imports inside the SDK go one way: each layer knows only those before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import inpaint_sdk

PACKAGE = Path(inpaint_sdk.__file__).parent

LAYERS = (
    ("errors", "version", "native", "prefetch"),
    ("options", "files"),
    ("images",),
    ("media",),
    ("models",),
    ("engines",),
    ("backends",),
    ("regions",),
    ("runners",),
    ("policies",),
    ("frames",),
    ("stream", "gstreamer"),
    ("loaded",),
    ("restorer", "detector", "reader"),
    ("video",),
    ("cluster",),
    ("doctor",),
    ("server",),
    ("cli", "__main__"),
)
"""The SDK's parts, folders and modules, from the ground up. Those in one line are one layer: what
is in it may know the rest of it, as long as no circle of modules comes of it."""

EVERYBODY = {part: level for level, parts in enumerate(LAYERS) for part in parts}


def modules() -> dict[str, Path]:
    """Every module by its dotted name without the package's; the package itself is ''."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    assert len(found) > 50, f"hardly anything in {PACKAGE}"
    return found


def imports(path: Path, known: dict[str, Path]) -> Iterator[tuple[str, int]]:
    """The SDK's modules that a file imports, anywhere in it, each with its line."""
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names]
        for name in names:
            if name != "inpaint_sdk" and not name.startswith("inpaint_sdk."):
                continue
            inner = name.removeprefix("inpaint_sdk").removeprefix(".")
            while inner and inner not in known:  # the last part is a class or a function
                inner = inner.rpartition(".")[0]
            yield inner, node.lineno


def test_every_part_has_a_layer() -> None:
    parts = {name.partition(".")[0] for name in modules()} - {""}
    assert parts == set(EVERYBODY)


def test_imports_go_up_the_layers() -> None:
    known = modules()
    wrong = []
    for name, path in known.items():
        part = name.partition(".")[0]
        if name == "" or (part == "gstreamer" and ".python." in f"{name}."):
            continue  # the table of contents; and a plugin, which uses it as anybody does
        for imported, line in imports(path, known):
            target = imported.partition(".")[0]
            if imported == "":
                wrong.append(f"{name}:{line} imports the package itself")
            elif EVERYBODY[target] > EVERYBODY[part]:
                wrong.append(f"{name}:{line} imports {imported}, which is of a later layer")
    assert not wrong, "\n".join(wrong)


def test_no_circle_of_modules() -> None:
    known = modules()
    graph = {
        name: {imported for imported, _ in imports(path, known)} - {name}
        for name, path in known.items()
        if name and ".python." not in f"{name}."
    }
    done: set[str] = set()
    while True:
        free = {n for n, needs in graph.items() if n not in done and needs & set(graph) <= done}
        if not free:
            break
        done |= free
    assert set(graph) == done, f"in a circle, or behind one: {sorted(set(graph) - done)}"


def test_the_table_of_contents_is_whole() -> None:
    """What is resolved when it is asked for is there, and is listed."""
    for name in inpaint_sdk.__all__:
        assert getattr(inpaint_sdk, name) is not None
    assert set(inpaint_sdk._WHERE) <= set(inpaint_sdk.__all__) <= set(dir(inpaint_sdk))
