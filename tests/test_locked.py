"""What CI installs is locked: the versions of constraints.txt, each file with its hash."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)")


def versions(text: str) -> dict[str, str]:
    found = filter(None, map(PIN.match, text.splitlines()))
    return {re.sub(r"[-_.]+", "-", match[1]).lower(): match[2] for match in found}


def test_locked_versions_are_those_of_the_constraints() -> None:
    locked = versions((ROOT / "packaging" / "locked.txt").read_text())
    constraints = versions((ROOT / "constraints.txt").read_text())
    both = locked.keys() & constraints.keys()
    assert len(both) > 100
    assert {name: locked[name] for name in both} == {name: constraints[name] for name in both}
    makefile = (ROOT / "Makefile").read_text()
    for name, version in re.findall(r"(\S+)==(\S+)", makefile):
        assert locked[name] == version


def test_each_is_locked_by_hashes_from_nowhere_special() -> None:
    text = (ROOT / "packaging" / "locked.txt").read_text()
    assert "://" not in text
    assert "--index" not in text
    for entry in re.split(r"\n(?=\w)", text.partition("\n")[2]):
        assert "==" in entry
        assert "--hash=sha256:" in entry, entry
