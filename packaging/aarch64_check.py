"""What test_aarch64.sh has computed here and under emulation, and compares."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inpaint_sdk import Detector, ModelInfo, Restorer, TextReader
from inpaint_sdk.models.zoo import list_precisions, model_names

Pixels = NDArray[np.uint8]

SIZE = (48, 64)
"""Height and width: emulation is slow."""

TOLERANCE = 1
"""Of 255: rounding."""


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


def line() -> Pixels:
    """A line of text, RGB uint8."""
    made = np.full((40, 300, 3), 235, np.uint8)
    cv2.putText(made, "Serial 42-A7", (8, 29), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (20, 20, 20), 2)
    return made


def run(model: ModelInfo) -> dict[str, NDArray[Any]]:
    """What a bundled model gives, by name; values from 0 to 255."""
    if model.task == "detect":
        with Detector.load(model.name, precision=model.precision, threads=2) as detector:
            found = detector.detect(picture())
        return {kind: np.rint(found.probability(kind) * 255.0) for kind in model.kinds}
    if model.task == "read":
        with TextReader.load(model.name, precision=model.precision, threads=2) as reader:
            text = reader.read(line())
        assert text.text, f"{model.name} read nothing"
        return {f"confidences of {text.text}": np.rint(np.array(text.confidences) * 255.0)}
    with Restorer.load(model.name, precision=model.precision, threads=2) as restorer:
        restored = restorer.restore(picture(), mask() if model.task == "inpaint" else None)
    assert np.any(restored != picture()), f"{model.name} changed nothing"
    return {"image": restored}


def write(output: str) -> None:
    """Runs each bundled model in each precision that it comes in; results go into an .npz."""
    results: dict[str, Any] = {
        f"{model.name}/{model.precision}/{name}": array
        for name_of_model in model_names()
        for model in list_precisions(name_of_model)
        for name, array in run(model).items()
    }
    np.savez(output, **results)


def compare(here: str, there: str) -> None:
    """Ends with an error where a value differs by more than the tolerance."""
    ours, theirs = np.load(here), np.load(there)
    if set(ours) != set(theirs):
        sys.exit(f"computed in one place alone: {', '.join(sorted(set(ours) ^ set(theirs)))}")
    failed = False
    for name in ours:
        difference = int(np.abs(ours[name].astype(int) - theirs[name].astype(int)).max())
        print(f"{name}: differs by at most {difference} of 255")
        failed |= difference > TOLERANCE
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
