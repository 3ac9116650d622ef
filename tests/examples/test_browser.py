"""The example in a browser, in Chromium: networks give Python's numbers, and the page restores."""

from __future__ import annotations

import functools
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import list_models
from inpaint_sdk.images.tensors import image_tensor, mask_tensor
from inpaint_sdk.models.zoo import find_model

Pixels = NDArray[np.uint8]

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "browser"
TOLERANCE = 1e-4
RUN = """
async ([name, picture, marked, width, height]) => {
  const { loadModel, runNetwork } = await import("./network.mjs");
  const answer = await fetch(`../../sdk/inpaint_sdk/models/${name}.onnx`);
  const model = await loadModel(new Uint8Array(await answer.arrayBuffer()));
  const planes = await runNetwork(model, picture, marked, width, height);
  return { name: model.info.name, planes: Array.from(planes) };
}
"""

pytestmark = pytest.mark.slow


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example's address, with onnxruntime-web as its package.json has it."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    root = tmp_path_factory.mktemp("site")
    example = root / "examples" / "browser"
    ignored = shutil.ignore_patterns("node_modules")
    shutil.copytree(EXAMPLE, example, ignore=ignored)
    models = root / "sdk" / "inpaint_sdk" / "models"
    models.parent.mkdir(parents=True)
    models.symlink_to(find_model("photo").parent)
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    run = subprocess.run(install, cwd=example, capture_output=True, text=True)
    if run.returncode:
        pytest.skip(f"npm cannot install onnxruntime-web: {run.stderr.strip().splitlines()[-1]}")
    handler = functools.partial(QuietHandler, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/examples/browser/"
        server.shutdown()


@pytest.fixture(scope="module")
def page(site: str) -> Iterator[Any]:
    """The example's page in Chromium."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed (Debian: chromium)")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(120_000)
        page.goto(site)
        yield page
        browser.close()


def rgba(image: Pixels) -> list[int]:
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGBA).ravel().tolist()


@pytest.mark.parametrize(
    "info",
    [info for info in list_models() if info.task != "read"],  # which takes lines of one height
    ids=lambda info: info.name,
)
def test_a_network_gives_python_s_numbers(
    page: Any, image: Pixels, mask: Pixels, info: Any
) -> None:
    import onnxruntime

    height, width = mask.shape
    assert height % info.size_multiple, "the picture is to be padded"
    feeds = {"image": image_tensor(image, "bgr", info.size_multiple)}
    if info.task == "inpaint":
        feeds["mask"] = mask_tensor(mask, info.size_multiple)
    session = onnxruntime.InferenceSession(str(find_model(info.name)))
    expected = session.run(None, feeds)[0][0, :, :height, :width]
    found = page.evaluate(RUN, [info.name, rgba(image), mask.ravel().tolist(), width, height])
    assert found["name"] == info.name
    planes = np.array(found["planes"], np.float32).reshape(expected.shape)
    assert float(np.ptp(expected)) > 0.01, "an output without content proves nothing"
    np.testing.assert_allclose(planes, expected, rtol=0, atol=TOLERANCE)


def test_the_page_restores_what_is_painted(page: Any, tmp_path: Path, image: Pixels) -> None:
    page.click("#restore")
    page.wait_for_function("document.getElementById('said').textContent.includes('open a picture')")
    cv2.imwrite(str(tmp_path / "picture.png"), image)
    page.set_input_files("#file", str(tmp_path / "picture.png"))
    page.wait_for_function("document.getElementById('said').textContent == '130 x 90'")
    page.click("#restore")
    page.wait_for_function("document.getElementById('said').textContent.includes('paint over')")
    page.mouse.move(*at(page, 40, 30))
    page.mouse.down()
    page.mouse.move(*at(page, 80, 30), steps=10)
    page.mouse.up()
    page.click("#restore")
    page.wait_for_function("document.getElementById('said').textContent.startsWith('photo: ')")
    result, marked = (pixels_of(page, name) for name in ("result", "brush"))
    painted = marked[..., 3] > 0
    assert painted[30, 40:80].all()
    assert painted.mean() < 0.2
    before = cv2.cvtColor(image, cv2.COLOR_BGR2RGBA)
    np.testing.assert_array_equal(result[~painted], before[~painted])
    assert (result[painted] != before[painted]).any()


def at(page: Any, x: int, y: int) -> tuple[float, float]:
    """Where a pixel of the picture is in the page."""
    box = page.locator("#brush").bounding_box()
    return box["x"] + x * box["width"] / 130, box["y"] + y * box["height"] / 90


def pixels_of(page: Any, canvas: str) -> Pixels:
    """What is on a canvas, RGBA [H, W, 4]."""
    read = f"""() => {{
      const canvas = document.getElementById("{canvas}");
      const {{ width, height }} = canvas;
      const data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
      return [height, width, Array.from(data)];
    }}"""
    height, width, data = page.evaluate(read)
    return np.array(data, np.uint8).reshape(height, width, 4)
