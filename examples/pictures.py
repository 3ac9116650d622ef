"""Draws the documentation's comparisons: damaged, OpenCV, photo, the true picture."""

from pathlib import Path

import cv2
from demo import restore_example, side_by_side

from inpaint_sdk import Restorer

OUTPUT = Path(__file__).parents[1] / "docs" / "images"
WIDTH = 1600


def main() -> None:
    restorer = Restorer.load("photo")
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for name in ("coffee", "astronaut", "chelsea"):
        row = side_by_side(restore_example(restorer, name))
        size = (WIDTH, round(row.shape[0] * WIDTH / row.shape[1]))
        picture = cv2.resize(row, size, interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(OUTPUT / f"{name}.jpg"), picture, [cv2.IMWRITE_JPEG_QUALITY, 92])


if __name__ == "__main__":
    main()
