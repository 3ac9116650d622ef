"""The table of mixed damage, on small pictures and with methods that need no weights."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from inpaint_export.cli import main
from inpaint_export.survey import mixed


def test_each_mixture_is_measured_for_each_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / mixed.FOLDER
    folder.mkdir(parents=True)
    coarse = np.random.default_rng(0).integers(60, 200, (6, 6, 3)).astype(np.uint8)
    picture = cv2.resize(coarse, (160, 160), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(folder / "one.png"), picture)
    mixtures = (("scratches", "noise 25"), ("scratches", "clean"))
    monkeypatch.setattr(mixed, "MIXTURES", mixtures)
    methods = {
        "damaged": lambda picture: picture,
        "median": lambda picture: cv2.medianBlur(picture, 5),
    }
    monkeypatch.setattr(mixed, "_methods", lambda threads: methods)
    command = ["survey", "mixed", "--data", str(tmp_path), "-o", str(tmp_path / "runs")]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "| damaged | " in result.output
    rows = json.loads((tmp_path / "runs" / "mixed" / "mixed.json").read_text())["rows"]
    damaged, median = rows
    assert set(damaged["figures"]) == {"scratches, noise 25", "scratches, clean", "all", "SSIM"}
    assert damaged["figures"]["scratches, noise 25"] == pytest.approx(20.2, abs=1.0)
    assert damaged["figures"]["scratches, clean"] > 24.0
    figures = damaged["figures"]
    mean = (figures["scratches, noise 25"] + figures["scratches, clean"]) / 2
    assert figures["all"] == pytest.approx(mean)
    assert median["figures"]["scratches, noise 25"] > figures["scratches, noise 25"] + 3.0
    assert (tmp_path / "runs" / "mixed" / "mixed.md").is_file()


def test_methods_are_single_models_and_combinations(monkeypatch: pytest.MonkeyPatch) -> None:
    names = []

    class Named:
        def __init__(self, name: str) -> None:
            names.append(name)

        def restore(self, picture: object) -> object:
            return picture

    monkeypatch.setattr(mixed.Restorer, "load", lambda name, **_: Named(name))
    methods = mixed._methods(1)
    assert {"damaged", "damage found, photo", "clean", "auto"} < set(methods)
    assert "damage found, clean, photo" in methods
    assert set(names) == {"photo", "auto", "clean"}
