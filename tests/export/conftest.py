"""A recipe that trains in seconds, and data for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra inpaint-sdk[train]")

from inpaint_export.recipes.base import Recipe  # noqa: E402
from support.training import tiny_recipe, write_pictures  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Networks this small are slowed down by a second thread."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def no_denormals() -> Iterator[None]:
    """As in a trainer: small networks that learn constants slow down tenfold with them.

    Set back afterwards, since it holds in the whole process and other tests count on denormals.
    """
    torch.set_flush_denormal(True)
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six pictures of smooth colours for training and two for validation."""
    root = tmp_path_factory.mktemp("data")
    write_pictures(root, {"train": 6, "val": 2})
    return root


@pytest.fixture
def holed_data(tmp_path: Path) -> Path:
    """Three pictures for training, three to measure on, and masks of half a picture."""
    rng = np.random.default_rng(0)
    for folder in ("train", "paris", "masks"):
        (tmp_path / folder).mkdir()
    for index in range(3):
        picture = rng.integers(0, 256, (340, 340, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "train" / f"{index}.png"), picture)
        cv2.imwrite(str(tmp_path / "paris" / f"{index}.png"), picture[:64, :96])
        mask = np.zeros((512, 512), np.uint8)
        mask[:, : 256 + index] = 255
        cv2.imwrite(str(tmp_path / "masks" / f"{8000 + index:05d}.png"), mask)
    return tmp_path


@pytest.fixture(name="tiny_recipe")
def _tiny_recipe() -> Recipe:
    """``photo``, shrunk."""
    return tiny_recipe()
