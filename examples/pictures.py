"""Draws the documentation's comparisons: damaged, OpenCV, photo, the true picture."""

from pathlib import Path

import cv2
import numpy as np

from inpaint_sdk import Restorer

HERE = Path(__file__).parent
OUTPUT = HERE.parent / "docs" / "images"
HEIGHT = 300


def main() -> None:
    restorer = Restorer.load("photo")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for name in ("coffee", "astronaut", "chelsea"):
        truth = cv2.imread(str(HERE / "images" / f"{name}.png"))
        mask = cv2.imread(str(HERE / "images" / f"{name}_mask.png"), cv2.IMREAD_GRAYSCALE)
        damaged = truth.copy()
        damaged[mask > 0] = 255
        telea = cv2.inpaint(damaged, mask, 3, cv2.INPAINT_TELEA)
        row = [damaged, telea, restorer.restore(damaged, mask), truth]
        width = round(truth.shape[1] * HEIGHT / truth.shape[0])
        row = [cv2.resize(p, (width, HEIGHT), interpolation=cv2.INTER_AREA) for p in row]
        cv2.imwrite(str(OUTPUT / f"{name}.png"), np.hstack(row))


if __name__ == "__main__":
    main()
