"""The element and the source against the real GStreamer, in the Python that it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from inpaint_sdk import BackendError
from inpaint_sdk.cli.main import main
from inpaint_sdk.gstreamer import plugin_settings
from support.detector import write_detector

Pixels = NDArray[Any]
HEIGHT, WIDTH, STRIDE = 48, 66, 200
SOURCE = f"videotestsrc pattern=smpte ! video/x-raw,width={WIDTH},height={HEIGHT}"


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    if shutil.which("gst-launch-1.0") is None:
        pytest.skip("GStreamer is not installed (gst-launch-1.0)")
    try:
        settings = plugin_settings()
    except BackendError as error:
        pytest.skip(str(error))
    return {**os.environ, **settings}


@pytest.fixture
def mask(tmp_path: Path) -> Pixels:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[10:20, 12:40] = 255
    cv2.imwrite(str(tmp_path / "mask.png"), mask)
    return mask


def launch(
    pipeline: str, environment: dict[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    command = ["gst-launch-1.0", "-q", *pipeline.split()]
    return subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120
    )


def frames(path: Path) -> Pixels:
    """Raw frames as GStreamer writes them, rows at multiples of 4 bytes."""
    rows = np.fromfile(path, np.uint8).reshape(-1, HEIGHT, STRIDE)
    return rows[:, :, : 3 * WIDTH].reshape(-1, HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("form", ["BGR", "RGB"])
def test_only_what_the_mask_marks_changes(
    environment: dict[str, str], mask: Pixels, tmp_path: Path, form: str
) -> None:
    source = SOURCE.replace("smpte", "smpte num-buffers=3") + f",format={form}"
    assert not launch(f"{source} ! filesink location=in.raw", environment, tmp_path).returncode
    element = "inpaintrestore model=photo mask=mask.png backend=onnxruntime-cpu"
    run = launch(f"{source} ! {element} ! filesink location=out.raw", environment, tmp_path)
    assert run.returncode == 0, run.stderr
    before, after = frames(tmp_path / "in.raw"), frames(tmp_path / "out.raw")
    assert len(before) == len(after) == 3
    np.testing.assert_array_equal(after[:, mask == 0], before[:, mask == 0])
    assert (after[:, mask > 0] != before[:, mask > 0]).any()


def test_an_activated_virtual_environment_does_not_hide_the_bindings(
    environment: dict[str, str], mask: Pixels, tmp_path: Path
) -> None:
    if sys.prefix == sys.base_prefix:
        pytest.skip("the tests do not run in a virtual environment")
    activated = {
        **environment,
        "PATH": f"{Path(sys.prefix) / 'bin'}:{environment['PATH']}",
        "GST_REGISTRY": str(tmp_path / "registry.bin"),  # would remember what did not load
    }
    element = "inpaintrestore model=photo mask=mask.png"
    run = launch(
        f"{SOURCE.replace('smpte', 'smpte num-buffers=1')} ! {element} ! fakesink",
        activated,
        tmp_path,
    )
    assert run.returncode == 0, run.stderr


def test_the_line_of_the_documentation(
    environment: dict[str, str], mask: Pixels, tmp_path: Path
) -> None:
    """With caps that videoconvert has to negotiate on both sides."""
    run = launch(
        "videotestsrc num-buffers=3 ! video/x-raw,format=I420,width=66,height=48 ! videoconvert "
        "! inpaintrestore model=photo mask=mask.png ! videoconvert ! video/x-raw,format=NV12 "
        "! fakesink",
        environment,
        tmp_path,
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("damage", ["static", "frame"])
def test_damage_is_found_without_a_mask(
    environment: dict[str, str], tmp_path: Path, damage: str
) -> None:
    """The test picture's magenta bar is taken for damage."""
    write_detector(tmp_path / "magenta.onnx")
    source = SOURCE.replace("smpte", "smpte num-buffers=3") + ",format=BGR"
    assert not launch(f"{source} ! filesink location=in.raw", environment, tmp_path).returncode
    element = f"inpaintrestore damage={damage} detector=magenta.onnx backend=onnxruntime-cpu"
    run = launch(f"{source} ! {element} ! filesink location=out.raw", environment, tmp_path)
    assert run.returncode == 0, run.stderr
    before, after = frames(tmp_path / "in.raw"), frames(tmp_path / "out.raw")
    changed = (after[0] != before[0]).any(axis=2)
    assert 0.05 < changed.mean() < 0.3
    bar = (before[0].astype(int) * (1, -2, 1)).sum(axis=2) > 300
    assert changed[bar].mean() > 0.9


@pytest.mark.parametrize("damage", ["static", "frame"])
def test_frames_that_are_damaged_everywhere_pass(
    environment: dict[str, str], tmp_path: Path, damage: str
) -> None:
    write_detector(tmp_path / "magenta.onnx")
    magenta = "solid-color foreground-color=0xffff00ff num-buffers=2"
    source = SOURCE.replace("smpte", magenta) + ",format=BGR"
    element = f"inpaintrestore damage={damage} detector=magenta.onnx"
    run = launch(f"{source} ! {element} ! filesink location=out.raw", environment, tmp_path)
    assert run.returncode == 0, run.stderr
    found = frames(tmp_path / "out.raw")
    assert len(found) == 2
    assert (found == (255, 0, 255)).all()


@pytest.mark.parametrize(
    ("element", "message"),
    [
        ("inpaintrestore mask=none.png", "there is no file none.png"),
        ("inpaintrestore", "needs the property mask"),
        ("inpaintrestore mask=mask.png damage=static", "not both"),
        ("inpaintrestore damage=all", "damage is 'all'; it must be one of 'frame', 'static'"),
        ("inpaintrestore model=clean damage=static", "sees damage by itself"),
        ("inpaintrestore clouds=thin mask=mask.png", "clouds is for the model 'auto'"),
        ("inpaintrestore damage=frame detector=none", "no model 'none'"),
        ("inpaintrestore model=none mask=mask.png", "no model 'none'"),
        ("inpaintrestore backend=none mask=mask.png", "no backend 'none'"),
    ],
)
def test_what_is_wrong_is_said(
    environment: dict[str, str], mask: Pixels, tmp_path: Path, element: str, message: str
) -> None:
    source = SOURCE.replace("smpte", "smpte num-buffers=3")
    run = launch(f"{source} ! videoconvert ! {element} ! fakesink", environment, tmp_path)
    assert run.returncode != 0
    assert message in run.stderr


READ = """
import sys
from inpaint_sdk import SourceError
from inpaint_sdk.stream import open_source
try:
    frames = list(open_source(sys.argv[1]))
    print(len(frames), frames[0].shape, frames[0].dtype, frames[0][40, 3].tolist())
except SourceError as error:
    print(error)
"""


def read(pipeline: str, environment: dict[str, str], folder: Path | None = None) -> str:
    python = Path("/usr/bin") / f"python{sys.version_info.major}.{sys.version_info.minor}"
    if not python.exists():
        pytest.skip(f"there is no {python}, whose PyGObject Debian's is")
    command = [str(python), "-c", READ, pipeline]
    run = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_pipeline_is_a_source(environment: dict[str, str]) -> None:
    source = "videotestsrc num-buffers=4 pattern=red ! video/x-raw,width=66,height=48"
    found = read(f"{source} ! videoconvert ! appsink", environment)
    assert found.startswith("4 (48, 66, 3) uint8 [0, 0, 25")


@pytest.mark.parametrize("pipeline", ["nonsense ! appsink", "filesrc location=/none ! appsink"])
def test_a_pipeline_that_cannot_run(environment: dict[str, str], pipeline: str) -> None:
    assert "GStreamer cannot" in read(pipeline, environment)


def test_a_mask_of_another_size(environment: dict[str, str], mask: Pixels, tmp_path: Path) -> None:
    # Known only when frames come, when gst-launch may miss it.
    source = f"{SOURCE.replace('66', '80')} ! videoconvert ! inpaintrestore mask=mask.png"
    assert "of one size" in read(f"{source} ! appsink", environment, tmp_path)


def test_a_loader_of_another_python_is_refused(tmp_path: Path) -> None:
    (tmp_path / "libgstpython.so").write_bytes(b"\x7fELF...libpython3.1.so.1.0...")
    with pytest.raises(BackendError, match=r"runs Python 3\.1, .*Make the environment"):
        plugin_settings(tmp_path / "libgstpython.so")


def test_the_command_prints_settings(environment: dict[str, str]) -> None:
    result = CliRunner().invoke(main, ["gstreamer"])
    assert result.exit_code == 0
    assert "export GST_PLUGIN_PATH=" in result.output
    assert "export PYTHONPATH=" in result.output
