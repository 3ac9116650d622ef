"""Small folders of pictures and masks, and a run that was measured once."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from inpaint_bench.cli import main
from inpaint_bench.schema import read_result
from inpaint_bench.schema.results import RunResult
from support.bench import QUICK, Bench, Measured


@pytest.fixture(scope="session")
def bench() -> Bench:
    """Runs ``inpaint-bench`` with arguments in this process."""
    return lambda *arguments: CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Three pictures of 64x48; masks with a hole of 15 % and of 35 %."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for name in ("pictures", "masks"):
        (root / name).mkdir()
    for index in range(3):
        coarse = rng.integers(0, 256, (5, 5, 3)).astype(np.uint8)
        picture = cv2.resize(coarse, (64, 48), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(root / "pictures" / f"{index}.png"), picture)
    for name, rows in (("a", 15), ("b", 35)):
        mask = np.zeros((50, 50), np.uint8)
        mask[5 : 5 + rows, 10:35] = 255
        cv2.imwrite(str(root / "masks" / f"{name}.png"), mask)
    return root / "pictures", root / "masks"


@pytest.fixture(scope="session")
def run_file(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A measured run: photo and two peers at 64x64, one of which cannot run."""
    output = tmp_path_factory.mktemp("photo") / "photo.json"
    arguments = ["--sizes", "64", "--peers", "opencv-telea,opencv-ns", "-o", str(output), *QUICK]
    found = bench("run", "--models", "photo,photo-9", *arguments)
    assert found.exit_code == 0, found.output
    return output


@pytest.fixture(scope="session")
def measured(
    bench: Bench, folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Measured:
    """Speed and quality of the pictures under the masks, by both hole ratios; not to be changed."""
    folder = tmp_path_factory.mktemp("measured")
    pictures, masks = folders
    data = ["--pictures", pictures, "--masks", masks, "--holes", "10-20,30-40"]
    gallery = ["--gallery", folder / "gallery", "--peers", "opencv-telea", "--threads", "1"]
    commands = {
        "run": [*data, "--peers", "opencv-telea,opencv-ns", "--sizes", "own", *QUICK],
        "quality": [*data, "--kinds", "box", *gallery],
    }
    printed = {}
    for name, arguments in commands.items():
        found = bench(name, *arguments, "-o", folder / f"{name}.json")
        assert found.exit_code == 0, found.output
        printed[name] = found.output
    return Measured(folder, printed)


@pytest.fixture(scope="session")
def run_result(run_file: Path) -> RunResult:
    result = read_result(run_file)
    assert isinstance(result, RunResult)
    return result
