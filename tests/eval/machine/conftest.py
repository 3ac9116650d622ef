"""NVML, which a stand-in plays."""

from __future__ import annotations

import pytest

from inpaint_eval.machine import nvml
from support.nvml import FakeNvml


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> FakeNvml:
    found = FakeNvml(*getattr(request, "param", ()))
    monkeypatch.setattr(nvml, "open_nvml", lambda: found)
    return found
