from __future__ import annotations

import io
import sys

import pytest

from inpaint_sdk.backends.tensorrt.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def build(bar: ProgressBar) -> None:
    """Phases as TensorRT nests them, one of which ends before its last step."""
    bar.start("Building engine", 2, outermost=True)
    bar.step("Building engine")
    bar.start("Timing tactics", 100, outermost=False)
    bar.step("Timing tactics")
    bar.finish("Timing tactics")
    bar.step("a phase that never began")
    bar.step("Building engine")
    bar.finish("Building engine")


def test_a_terminal_sees_the_title_and_the_phase(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    build(ProgressBar("compiling photo"))
    shown = terminal.getvalue()
    assert "compiling photo: 100%" in shown
    assert "  Timing tactics" in shown


def test_a_file_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    build(ProgressBar("compiling photo"))
    assert written.getvalue() == ""
