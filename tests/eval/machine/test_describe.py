"""This machine, and the revision that runs on it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from inpaint_eval.machine import describe, read_machine


def test_this_machine() -> None:
    machine = read_machine()
    assert machine.cpu.cores >= 1
    assert machine.memory_mb > 0
    assert machine.libraries["onnxruntime"]
    assert machine.differences(read_machine()) == []


def test_a_changed_tree_is_dirty_but_for_its_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "describe.py"
    source.write_text("")
    monkeypatch.setattr(describe, "__file__", str(source))
    assert describe.read_revision() == (None, None)
    user = ["-c", "user.name=a", "-c", "user.email=a@b"]

    def run_git(*arguments: str) -> None:
        subprocess.run(["git", "-C", str(tmp_path), *user, *arguments], check=True)

    run_git("init", "-q")
    run_git("commit", "-q", "--allow-empty", "-m", "of another project")
    assert describe.read_revision() == (None, None)
    run_git("add", "describe.py")
    run_git("commit", "-q", "-m", "first")
    commit, dirty = describe.read_revision()
    assert commit is not None
    assert (len(commit), dirty) == (12, False)
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "benchmarks" / "results" / "run.json").write_text("{}")
    assert describe.read_revision() == (commit, False)
    (tmp_path / "benchmarks" / "run.py").write_text("")
    assert describe.read_revision() == (commit, True)
