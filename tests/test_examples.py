"""Every numbered example runs and says that it did."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from inpaint_sdk import BackendError
from inpaint_sdk.gstreamer import plugin_settings

EXAMPLES = Path(__file__).parents[1] / "examples"
SAYS = {
    "01_photograph.py": "wrote demo/chelsea.png",
    "02_folder.py": "wrote demo/folder/coffee.png",
    "03_video_logo.py": "wrote demo/no_logo.mp4, 50 frames",
    "04_camera.py": "captured 60, restored ",
    "05_web_service.py": "4 answers, each 451x300",
    "06_gstreamer.sh": "30 frames went through inpaintrestore",
    "07_find_damage.py": "wrote demo/found.png",
    "08_stages.py": "wrote demo/stages.png",
    "09_clean.py": "wrote demo/clean.png",
}


def test_every_example_is_tested() -> None:
    assert sorted(p.name for p in EXAMPLES.glob("[0-9]*")) == sorted(SAYS)


@pytest.mark.parametrize("name", SAYS)
def test_it_runs(name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / name)]
    if name == "03_video_logo.py":
        pytest.importorskip("av")
    if name.endswith(".sh"):
        if shutil.which("gst-launch-1.0") is None:
            pytest.skip("GStreamer is not installed (gst-launch-1.0)")
        try:
            plugin_settings()
        except BackendError as error:
            pytest.skip(str(error))
        command = ["bash", str(EXAMPLES / name)]
    environment = {**os.environ, "PYTHON": sys.executable}
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    assert SAYS[name] in run.stdout
