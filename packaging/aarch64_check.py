"""What test_aarch64.sh has computed here and under emulation, and compares."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk import Detector, Restorer

Pixels = NDArray[np.uint8]

SIZE = (48, 64)
"""Height and width: emulation is slow."""

CASES: dict[str, Literal["fp32", "int8"]] = {
    "photo": "fp32",
    "photo-codebook": "fp32",
    "clean": "fp32",
    "cloud-thin": "fp32",
    "photo, int8": "int8",
}
"""Precisions by name and model."""


def picture() -> Pixels:
    """Smooth shapes with noise and a bright scratch, RGB uint8."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(np.float32)
    waves = [np.sin(x / 9 + c) + np.cos(y / (7 + c)) for c in range(3)]
    noise = np.random.default_rng(0).normal(0.0, 6.0, (*SIZE, 3))
    made = np.clip(128 + 50 * np.stack(waves, axis=2) + noise, 0, 255).astype(np.uint8)
    made[:, 20:22] = 250
    return made


def mask() -> Pixels:
    """The scratch and a hole, uint8: 255 is restored."""
    made = np.zeros(SIZE, np.uint8)
    made[:, 19:23] = 255
    made[10:26, 36:56] = 255
    return made


def write(output: str) -> None:
    """Restores the picture with each model, into an .npz."""
    results: dict[str, Any] = {}
    for name, precision in CASES.items():
        model = name.partition(",")[0]
        with Restorer.load(model, precision=precision, threads=2) as restorer:
            takes_mask = restorer.model.task == "inpaint"
            results[name] = restorer.restore(picture(), mask() if takes_mask else None)
    found = Detector.load("damage", threads=2).detect(picture())
    results["damage"] = np.rint(found.probability() * 255.0)
    np.savez(output, **results)


def compare(here: str, there: str) -> None:
    """Ends with an error where a value differs by more than 1 of 255; by 2 in int8."""
    ours, theirs = np.load(here), np.load(there)
    assert set(ours) == set(theirs)
    failed = False
    for name in ours:
        difference = int(np.abs(ours[name].astype(int) - theirs[name].astype(int)).max())
        print(f"{name}: differs by at most {difference} of 255")
        failed |= difference > (2 if name.endswith("int8") else 1)
    if failed:
        sys.exit("results differ by more than rounding")


def pictures(folder: str) -> None:
    """Two pictures and a mask for the command line."""
    Path(folder).mkdir(exist_ok=True)
    for name in ("a", "b"):
        cv2.imwrite(str(Path(folder, f"{name}.png")), picture())
    cv2.imwrite("mask.png", mask())


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    commands: dict[str, Callable[..., None]]
    commands = {"write": write, "compare": compare, "pictures": pictures}
    commands[command](*arguments)
