"""A photograph without a mask: the damage is found, shown, and restored."""

from pathlib import Path

import cv2
import numpy as np
from scratches import scratched

from inpaint_sdk import Restorer

IMAGES = Path(__file__).parent / "images"
OUTPUT = Path("demo")


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    damaged = scratched(cv2.imread(str(IMAGES / "chelsea.png")))
    restorer = Restorer.load("photo")
    found = restorer.detect(damaged)
    print(f"{100 * found.share:.1f} % of the picture is damaged")
    print(restorer.plan(damaged))
    shown = cv2.cvtColor(found.mask, cv2.COLOR_GRAY2BGR)
    row = np.hstack([damaged, shown, restorer.restore(damaged)])
    cv2.imwrite(str(OUTPUT / "found.png"), row)
    print(f"wrote {OUTPUT / 'found.png'}")


if __name__ == "__main__":
    main()
