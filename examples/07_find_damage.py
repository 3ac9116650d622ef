"""A photograph without a mask: the damage is found, shown, and restored."""

from pathlib import Path

import cv2
import numpy as np

from inpaint_sdk import Restorer

IMAGES = Path(__file__).parent / "images"
OUTPUT = Path("demo")


def scratched(picture: np.ndarray) -> np.ndarray:
    """A copy with a few scratches and a date across it."""
    damaged = picture.copy()
    height, width = damaged.shape[:2]
    for start, end in (((40, 30), (190, 270)), ((360, 20), (300, 200)), ((90, 250), (430, 230))):
        cv2.line(damaged, start, end, (235, 240, 245), 2, cv2.LINE_AA)
    where = width - 190, height - 20
    cv2.putText(damaged, "21.08.1987", where, cv2.FONT_HERSHEY_DUPLEX, 0.9, (60, 190, 255), 2)
    return damaged


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
