from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from inpaint_sdk import BackendError, Restorer, doctor
from inpaint_sdk.backends.onnxruntime import loader
from inpaint_sdk.cli.main import main


def by_subject() -> dict[str, doctor.Finding]:
    return {finding.subject: finding for finding in doctor.diagnose()}


def test_a_healthy_installation() -> None:
    findings = by_subject()
    assert not [f for f in findings.values() if f.status == "problem"]
    assert findings["backend onnxruntime-cpu"].status == "ok"
    assert "photo" in findings["models"].detail


def test_two_onnxruntime_wheels_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    both = ["onnxruntime 1.20.0", "onnxruntime-gpu 1.20.0"]
    monkeypatch.setattr(doctor, "installed_wheels", lambda: both)
    finding = by_subject()["onnxruntime"]
    assert finding.status == "problem"
    assert "onnxruntime 1.20.0 and onnxruntime-gpu 1.20.0" in finding.detail


def test_wheels_are_found_by_their_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"onnxruntime": "1.20.0", "onnxruntime-gpu": "1.20.1"}

    def version(name: str) -> str:
        try:
            return versions[name]
        except KeyError:
            raise loader.metadata.PackageNotFoundError(name) from None

    monkeypatch.setattr(loader.metadata, "version", version)
    assert loader.installed_wheels() == ["onnxruntime 1.20.0", "onnxruntime-gpu 1.20.1"]


def test_a_missing_backend_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)  # as if it were not installed
    assert by_subject()["backend onnxruntime-cpu"].status == "missing"
    for backend in ("auto", "onnxruntime-cpu"):
        with pytest.raises(BackendError, match="pip install onnxruntime"):
            Restorer.load("photo", backend=backend)


def test_the_engine_cache_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INPAINT_SDK_CACHE", str(tmp_path))
    (tmp_path / "x.engine").write_bytes(bytes(2_000_000))
    detail = by_subject()["engine cache"].detail
    assert detail.startswith(f"1 engines, 2 MB in {tmp_path}, 1 of them damaged")
    monkeypatch.setenv("INPAINT_SDK_CACHE_GB", "many")
    assert by_subject()["engine cache"].status == "problem"


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("installed_wheels", "onnxruntime"),
        ("probe_backends", "backends"),
        ("EngineCache", "engine cache"),
        ("get_library_path", "scan kernel"),
        ("list_models", "models"),
    ],
)
def test_a_check_that_fails_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, name: str, subject: str
) -> None:
    def fail() -> None:
        raise RuntimeError("injected")

    monkeypatch.setattr(doctor, name, fail)
    findings = by_subject()
    assert findings[subject].status == "problem"
    assert "cannot be checked: RuntimeError: injected" in findings[subject].detail
    assert "models" in findings, "the report goes on"


def test_the_command_counts_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "installed_wheels", lambda: ["onnxruntime 1", "onnxruntime-gpu 1"])
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "1 problem(s) to fix, see above" in result.output
