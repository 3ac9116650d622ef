"""A photograph without a mask: the damage is found and restored, and the mask is shown."""

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
    result = restorer.run(damaged)
    print(result.plan)
    print({step: f"{1000 * seconds:.0f} ms" for step, seconds in result.seconds.items()})
    shown = cv2.cvtColor(result.mask, cv2.COLOR_GRAY2BGR)
    cv2.imwrite(str(OUTPUT / "found.png"), np.hstack([damaged, shown, result.image]))
    print(f"wrote {OUTPUT / 'found.png'}")


if __name__ == "__main__":
    main()
