from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inpaint_sdk import BackendError, OptionError, Options, Restorer
from inpaint_sdk.cluster import Workers, restore_pictures
from inpaint_sdk.cluster.pictures import BytesActor

Pixels = NDArray[np.uint8]

SETTINGS = {"name_or_path": "photo", "threads": 1, "options": None}


@pytest.fixture
def pyarrow() -> Any:
    return pytest.importorskip("pyarrow", reason="pip install 'inpaint-sdk[ray]'")


def png(pixels: Pixels) -> bytes:
    return cv2.imencode(".png", pixels)[1].tobytes()


def test_rows_keep_their_other_columns(pyarrow: Any, image: Pixels, mask: Pixels) -> None:
    rows = {
        "path": ["a", "b", "c", "d"],
        "bytes": [png(image), b"damaged", png(image), png(image)],
        "mask": [png(mask), png(mask), png(mask[:50]), None],
    }
    done = BytesActor(SETTINGS)(pyarrow.table(rows))
    assert done.column_names == ["path", "mask", "bytes", "plan", "warnings", "error"]
    good, damaged, unfitting, unmarked = done.to_pylist()
    restorer = Restorer.load("photo", threads=1)
    assert (good["path"], good["error"], good["warnings"]) == ("a", None, [])
    assert good["bytes"] == restorer.restore(png(image), png(mask))
    assert good["plan"].startswith("inpaint (photo)")
    assert (damaged["bytes"], damaged["plan"]) == (None, None)
    assert "not a picture in a known format" in damaged["error"]
    assert "must be of one size" in unfitting["error"]
    assert unmarked["bytes"] == restorer.restore(png(image))


def test_a_table_of_failures_alone_has_the_same_types(pyarrow: Any) -> None:
    actor = BytesActor(SETTINGS)
    schemas = {
        str(actor(pyarrow.table({"bytes": pyarrow.array(rows, pyarrow.binary())})).schema)
        for rows in ([b"damaged"], [])
    }
    assert len(schemas) == 1


def test_rows_without_bytes_are_refused(pyarrow: Any) -> None:
    with pytest.raises(OptionError, match="no column bytes"):
        BytesActor(SETTINGS)(pyarrow.table({"path": ["a"]}))


@pytest.mark.parametrize("given", [{"max_size": 0}, {"threads": 0}, {"threads": 1.5}, {"gpus": -1}])
def test_workers_are_checked(given: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(given))):
        Workers(**given)


def test_without_ray_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BackendError, match=r"pip install 'inpaint-sdk\[ray\]'"):
        restore_pictures(None, "photo", Options())  # type: ignore[arg-type]
