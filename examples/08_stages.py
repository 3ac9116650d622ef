"""A large hole, filled in stages from its border inward, drawn as a strip."""

from pathlib import Path

import cv2
import numpy as np

from inpaint_sdk import Restorer

IMAGES = Path(__file__).parent / "images"
OUTPUT = Path("demo")


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    image = cv2.imread(str(IMAGES / "coffee.png"))
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    mask[height // 4 : 3 * height // 4, width // 3 : 2 * width // 3] = 255
    damaged = image.copy()
    damaged[mask > 0] = 255
    restorer = Restorer.load("photo-staged")
    stages = list(restorer.plan(image, mask).stages())
    cv2.imwrite(str(OUTPUT / "stages.png"), np.hstack([damaged, *stages]))
    print(f"{len(stages)} stages")
    print(f"wrote {OUTPUT / 'stages.png'}")


if __name__ == "__main__":
    main()
