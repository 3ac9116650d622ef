"""The page in a browser: what people do with it, by mouse, keys and fingers."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from inpaint_sdk import Options, Restorer
from support.server import process

sync_api = pytest.importorskip("playwright.sync_api")

pytestmark = pytest.mark.slow

Pixels = NDArray[np.uint8]
Encode = Callable[..., bytes]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
TOKEN = "a-token-of-some-length"
GIVE = """([name, type, data]) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type }));
    document.dispatchEvent(%s);
}"""
DROP = GIVE % 'new DragEvent("drop", { dataTransfer: transfer })'
PASTE = GIVE % 'new ClipboardEvent("paste", { clipboardData: transfer })'
KEEP_MASK = """
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
        if (body instanceof FormData && body.has("mask")) window.sentMask = body.get("mask");
        return send.call(this, body);
    };
"""
READ_MASK = """() => new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result.split(",")[1]);
    reader.readAsDataURL(window.sentMask);
})"""

IS_SEEN = """() => {
    const focused = document.activeElement;
    const box = focused.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const top = document.elementFromPoint(x, y);
    return focused.contains(top) || focused.parentElement.contains(top);
}"""

MARKS_OF_PARTS = """async () => {
    const { Marks } = await import("/marks.js");
    const some = (length, every) =>
        Uint8Array.from({ length }, (_, at) => (at % every ? 0 : 1 + (at % 2)));
    const differing = [];
    for (const [width, height] of [[1, 1], [1, 9], [3, 5], [5, 3], [8, 4], [131, 91]]) {
        const marks = new Marks(width, height);
        marks.edits.set(some(width * height, 13));
        marks.setFound(some(width * height, 11), 3);
        const all = marks.shown.slice();
        marks.shown.fill(0);
        marks.refresh(0, 0, width, height);
        if (!all.some((mark) => mark) || all.some((mark, at) => mark !== marks.shown[at])) {
            differing.push([width, height]);
        }
    }
    return differing;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(kinds_file: Path) -> Iterator[str]:
    with process("--model", "photo", "--model", "clean", "--detector", str(kinds_file)) as (_, url):
        yield url


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens an address; at the end nothing may have gone wrong in the page."""
    contexts, wrong = [], []

    def opened(address: str, **options: object) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 760}, **options})
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(KEEP_MASK)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    refusals = "Failed to load resource"  # which the page tells by itself
    assert [said for said in wrong if not said.startswith(refusals)] == []


@pytest.fixture
def photograph(damaged: Pixels, encode: Encode) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "a box of scans"
    return encode(damaged, "WEBP", lossless=True, exif=exif)


def drop(page: Any, data: bytes, name: str = "scan.webp", kind: str = "image/webp") -> None:
    """Drops a file and waits until it was looked at."""
    page.evaluate(DROP, [name, kind, base64.b64encode(data).decode()])
    page.wait_for_selector("#kinds li")
    page.wait_for_selector("#working", state="hidden")


def restore(page: Any) -> dict[str, Any]:
    """Restores; answers what the server told of it."""
    with page.expect_response("**/v1/restore*") as response:
        page.click("#restore")
    page.wait_for_selector("#done")
    told: dict[str, Any] = json.loads(response.value.headers["inpaint-report"])
    return told


def focused(page: Any) -> str:
    return str(page.evaluate("() => document.activeElement.id"))


def sent_mask(page: Any) -> Pixels:
    data = base64.b64decode(page.evaluate(READ_MASK))
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)


def download(page: Any) -> tuple[str, bytes]:
    with page.expect_download() as taken:
        page.click("#download")
    return taken.value.suggested_filename, taken.value.path().read_bytes()


def seen(page: Any) -> Pixels:
    """The canvas as it is shown, RGB."""
    page.wait_for_timeout(100)
    shown = Image.open(BytesIO(page.locator("#view").screenshot()))
    return np.asarray(shown.convert("RGB"))


def place(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where on the screen a pixel of the picture is, when all of it is shown."""
    box = page.locator("#view").bounding_box()
    scale = min((box["width"] - 32) / 130, (box["height"] - 32) / 90)
    left = box["x"] + (box["width"] - 130 * scale) / 2
    top = box["y"] + (box["height"] - 90 * scale) / 2
    return left + (x + 0.5) * scale, top + (y + 0.5) * scale


def colour_at(page: Any, x: float, y: float) -> Pixels:
    box = page.locator("#view").bounding_box()
    left, top = place(page, x, y)
    return seen(page)[round(top - box["y"]), round(left - box["x"])].astype(int)


def test_a_picture_is_dropped_corrected_restored_compared_and_taken_home(
    open_page: Callable[..., Any],
    address: str,
    photograph: bytes,
    damaged: Pixels,
    restorer: Restorer,
) -> None:
    page = open_page(address)
    drop(page, photograph)
    assert page.inner_text("#name") == "scan.webp"
    rows = page.locator("#kinds li")
    assert "Scratches" in rows.nth(0).inner_text()
    red, green, blue = colour_at(page, 45, 30)  # in the magenta hole, under red
    assert red > 180 and green < 100 and blue < 140
    assert page.is_checked("[data-kind=scratch]")
    assert not page.is_checked("[data-kind=overlay]"), "text is no damage unless one says so"

    page.uncheck("[data-kind=speck]")
    page.mouse.move(*place(page, 20, 10))
    page.mouse.down()
    page.mouse.move(*place(page, 60, 10), steps=4)
    page.mouse.up()
    page.click("#undo")
    assert page.is_disabled("#undo")
    page.click("#redo")
    page.check("[name=tool][value=eraser]", force=True)
    page.mouse.move(*place(page, 31, 21))
    page.mouse.down()
    page.mouse.up()
    page.uncheck("[data-kind=scratch]")
    page.check("[data-kind=scratch]")

    report = restore(page)
    assert report["changed"] is True
    mask = sent_mask(page)
    assert mask.shape == (90, 130)
    assert mask[10, 40] == 255, "the brush marks"
    assert mask[30, 45] == 255, "what was found is marked"
    assert mask[21, 31] == 0, "the eraser unmarks"
    assert mask[63, 103] == 0, "a kind that is switched off is not marked"
    assert mask[86, 50] == 0

    before = colour_at(page, 10, 40)
    page.locator("#split").fill("0")
    after = colour_at(page, 45, 30)
    page.locator("#split").fill("100")
    assert np.abs(colour_at(page, 45, 30) - (255, 0, 255)).max() < 12, "as it was"
    assert np.abs(after - (255, 0, 255)).max() > 60, "restored"
    assert np.abs(colour_at(page, 10, 40) - before).max() < 3

    name, data = download(page)
    assert name == "scan-restored.webp"
    assert data == restorer.restore(photograph, mask), "as through every other door"
    with Image.open(BytesIO(data)) as restored:
        assert restored.getexif()[0x010E] == "a box of scans"


def test_what_was_found_is_restored_as_without_the_page(
    open_page: Callable[..., Any], address: str, photograph: bytes, restorer: Restorer
) -> None:
    page = open_page(address)
    drop(page, photograph)
    restore(page)
    restored = restorer.restore(photograph)
    assert download(page)[1] == restored
    page.click("#again")
    page.wait_for_selector("#done", state="hidden")
    page.wait_for_selector("#kinds li")
    page.wait_for_selector("#working", state="hidden")
    page.check("[data-kind=overlay]")
    restore(page)
    everything = Options(kinds=frozenset({"scratch", "speck", "overlay"}))
    assert download(page)[1] == restorer.restore(restored, options=everything)


def test_what_is_marked_is_told(
    open_page: Callable[..., Any], address: str, photograph: bytes
) -> None:
    """What was found is damage. What is painted may be an object, and nothing shows through
    letters."""
    page = open_page(address)
    drop(page, photograph)

    def told() -> str:
        with page.expect_request("**/v1/restore*") as request:
            page.click("#restore")
        page.wait_for_selector("#done")
        return parse_qs(urlsplit(request.value.url).query)["mask_marks"][0]

    assert told() == "damage"
    page.check("[data-kind=overlay]")
    assert told() == "holes"
    page.uncheck("[data-kind=overlay]")
    assert told() == "damage"
    page.check("[value=brush]")
    page.mouse.click(*place(page, 20, 10))
    assert told() == "holes"
    page.click("#undo")
    assert told() == "damage"


def test_all_marks_are_shown_as_those_of_a_part(
    open_page: Callable[..., Any], address: str
) -> None:
    """In pictures whose rows, or whose bytes, are no whole words."""
    differing = open_page(address).evaluate(MARKS_OF_PARTS)
    assert differing == []


def test_a_picture_is_pasted_or_opened(
    open_page: Callable[..., Any], address: str, photograph: bytes, tmp_path: Path
) -> None:
    page = open_page(address)
    page.evaluate(PASTE, ["image.webp", "image/webp", base64.b64encode(photograph).decode()])
    page.wait_for_selector("#kinds li")
    assert page.inner_text("#name") == "image.webp"
    (tmp_path / "scan.webp").write_bytes(photograph)
    with page.expect_file_chooser() as chooser:
        page.click("#another")
    chooser.value.set_files(tmp_path / "scan.webp")
    page.wait_for_selector("#name:has-text('scan.webp')")
    page.wait_for_selector("#kinds li")
    assert restore(page)["changed"] is True


def test_keys_alone_do_it(open_page: Callable[..., Any], address: str, photograph: bytes) -> None:
    page = open_page(address)
    drop(page, photograph)
    assert focused(page) == "view", "what is opened has the focus"
    for key in ("e", "b", "ArrowRight", "ArrowDown", "]", "Space"):
        page.keyboard.press(key)
    assert page.is_enabled("#undo")
    page.keyboard.press("Control+z")
    assert page.is_disabled("#undo")
    page.keyboard.press("Control+Shift+z")
    assert page.is_enabled("#undo")
    page.focus("#undo")
    page.keyboard.press("Control+z")
    assert page.is_disabled("#undo"), "whatever has the focus"
    page.focus("#view")
    page.keyboard.press("m")
    whole = seen(page)
    page.keyboard.press("+")
    page.keyboard.press("ArrowLeft")
    assert (seen(page) != whole).any()
    page.keyboard.press("0")
    np.testing.assert_array_equal(seen(page), whole)
    page.focus("#restore")
    page.keyboard.press("Enter")
    page.wait_for_selector("#done")
    assert focused(page) == "download", "the focus follows to what is next"
    page.focus("#view")
    compared = seen(page)
    page.keyboard.press("ArrowLeft")
    assert page.input_value("#split") == "48"
    assert (seen(page) != compared).any()


@pytest.mark.parametrize("size", [(1366, 640), (844, 390), (500, 600)])
def test_all_is_at_hand_in_a_low_window(
    open_page: Callable[..., Any], address: str, photograph: bytes, size: tuple[int, int]
) -> None:
    """That of a laptop, or of a phone on its side: what is done next is in sight, what has the
    focus is not behind it."""
    page = open_page(address, viewport={"width": size[0], "height": size[1]})
    drop(page, photograph)
    box = page.locator("#restore").bounding_box()
    assert box["y"] + box["height"] <= size[1]
    restore(page)
    box = page.locator("#download").bounding_box()
    assert box["y"] + box["height"] <= size[1]
    page.focus("#another")
    reached = []
    while not reached or reached[-1] != "again":
        page.keyboard.press("Tab")
        reached.append(focused(page))
        assert page.evaluate(IS_SEEN), f"{reached[-1]} is covered"
    assert {"view", "size", "model", "restore", "download"} <= set(reached)


def test_a_full_queue_is_waited_for(
    open_page: Callable[..., Any], address: str, photograph: bytes
) -> None:
    page, asked = open_page(address), []

    def refuse_once(route: Any) -> None:
        asked.append(route.request.url)
        if len(asked) > 1:
            route.continue_()
        else:
            route.fulfill(status=429, headers={"Retry-After": "1"}, json={"message": "full"})

    page.route("**/v1/detect", refuse_once)
    page.evaluate(DROP, ["scan.webp", "image/webp", base64.b64encode(photograph).decode()])
    page.wait_for_selector("#kinds li")
    assert len(asked) == 2
    assert page.inner_text("#error") == ""


def test_waiting_for_a_queue_can_be_cancelled(
    open_page: Callable[..., Any], address: str, photograph: bytes
) -> None:
    page = open_page(address)
    full = {"status": 429, "headers": {"Retry-After": "600"}, "json": {"message": "full"}}
    page.route("**/v1/detect", lambda route: route.fulfill(**full))
    page.evaluate(DROP, ["scan.webp", "image/webp", base64.b64encode(photograph).decode()])
    page.wait_for_selector("#step:has-text('Waiting')")
    page.click("#cancel")
    page.wait_for_selector("#working", state="hidden")
    assert "not looked for any more" in page.inner_text("#looked")
    page.wait_for_selector("#restore:enabled")  # as soon as the server has told of its models


def test_what_is_painted_is_restored_before_damage_is_found(
    open_page: Callable[..., Any], address: str, photograph: bytes
) -> None:
    page = open_page(address)
    page.route("**/v1/detect", lambda _: None)  # is never answered
    page.evaluate(DROP, ["scan.webp", "image/webp", base64.b64encode(photograph).decode()])
    page.wait_for_selector("#restore:enabled")
    page.click("#restore")
    assert "Nothing is marked yet" in page.inner_text("#error")
    page.mouse.click(*place(page, 20, 10))
    restore(page)
    assert "not looked for any more" in page.inner_text("#looked")
    mask = sent_mask(page)
    assert mask[10, 20] == 255
    assert mask[30, 45] == 0


def test_everything_has_a_name(
    open_page: Callable[..., Any], address: str, photograph: bytes
) -> None:
    page = open_page(address)
    drop(page, photograph)
    restore(page)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, a, canvas, progress")]
            .filter((each) => !(each.getAttribute("aria-label") || each.textContent.trim()
                || [...(each.labels ?? [])].some((label) => label.textContent.trim())))
            .map((each) => each.outerHTML)"""
    )
    assert nameless == []
    assert page.get_attribute("html", "lang") == "en"
    assert "Restored" in page.inner_text("#status")


def test_fingers_paint_and_pinch(
    open_page: Callable[..., Any], address: str, photograph: bytes
) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    page = open_page(address, **phone)
    drop(page, photograph)
    fits = "() => document.documentElement.scrollWidth <= window.innerWidth"
    assert page.evaluate(fits), "nothing is cut off at the side"
    button = page.locator("#restore").bounding_box()
    assert button["y"] + button["height"] <= 844, "restoring is at hand"
    devtools = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(points)]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
        page.wait_for_timeout(50)  # a finger at rest; what flies on swallows the next tap

    touch("touchStart", place(page, 20, 10))
    for x in (58, 60, 60):
        touch("touchMove", place(page, x, 10))
    touch("touchEnd")
    assert page.is_enabled("#undo")
    page.tap("#undo")
    whole = seen(page)
    middle = place(page, 65, 45)
    near = [(middle[0] - 20, middle[1]), (middle[0] + 20, middle[1])]
    far = [(middle[0] - 60, middle[1]), (middle[0] + 60, middle[1])]
    touch("touchStart", near[0])
    touch("touchStart", *near)
    touch("touchMove", *far)
    touch("touchEnd")
    assert page.is_disabled("#undo"), "a pinch is no stroke"
    assert (seen(page) != whole).any()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_systems_colours(
    open_page: Callable[..., Any], address: str, scheme: str
) -> None:
    page = open_page(address, color_scheme=scheme)
    colour = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(",")))
    assert brightness > 600 if scheme == "light" else brightness < 150


def test_what_the_browser_cannot_show_is_shown_by_the_server(
    open_page: Callable[..., Any], address: str, damaged: Pixels, restorer: Restorer
) -> None:
    deep = cv2.cvtColor(damaged.astype(np.uint16) * 257, cv2.COLOR_RGB2BGR)
    tiff = cv2.imencode(".tiff", deep)[1].tobytes()
    page = open_page(address)
    drop(page, tiff, "scan.tif", "image/tiff")
    red, green, _ = colour_at(page, 45, 30)
    assert red > 180 and green < 100
    restore(page)
    name, data = download(page)
    assert name == "scan-restored.tif"
    assert data == restorer.restore(tiff)


def test_what_is_no_picture_is_said(open_page: Callable[..., Any], address: str) -> None:
    page = open_page(address)
    page.evaluate(DROP, ["a.png", "image/png", base64.b64encode(b"no picture").decode()])
    page.wait_for_selector("#error:not(:empty)")
    assert "is not a picture that can be read" in page.inner_text("#error")


def test_a_token_is_asked_for_or_taken_from_the_address(
    open_page: Callable[..., Any], kinds_file: Path, photograph: bytes
) -> None:
    options = ("--model", "photo", "--detector", str(kinds_file), "--token", TOKEN)
    with process(*options) as (_, given):
        address = given.partition("#")[0]
        page = open_page(given)
        assert page.url == address, "the token does not stay in the address"
        drop(page, photograph)
        other = open_page(address)
        for tried, said in (("no token of this one", "was printed"), (TOKEN, "not right")):
            other.wait_for_selector("#locked[open]")
            assert said in other.inner_text("#why")
            other.fill("#token", tried)
            other.click("#locked button")
        other.wait_for_selector("#locked", state="hidden")
        drop(other, photograph)
