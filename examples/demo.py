"""Restores a damaged photograph with ``photo`` and lays the result beside OpenCV's.

Writes the pictures to ``demo/``.
"""

from pathlib import Path

import cv2
import numpy as np

from inpaint_sdk import Restorer

IMAGES = Path(__file__).parent / "images"
OUTPUT = Path("demo")


def psnr_in_hole(restored: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    error = np.square(restored.astype(float) - truth.astype(float))[mask > 0].mean()
    return float(10 * np.log10(255**2 / error))


def restore_example(restorer: Restorer, name: str) -> dict[str, np.ndarray]:
    """The example of that name: its mask, and four pictures to be shown side by side."""
    truth = cv2.imread(str(IMAGES / f"{name}.png"))
    mask = cv2.imread(str(IMAGES / f"{name}_mask.png"), cv2.IMREAD_GRAYSCALE)
    damaged = truth.copy()
    damaged[mask > 0] = 255
    return {
        "mask": mask,
        "damaged": damaged,
        "opencv": cv2.inpaint(damaged, mask, 3, cv2.INPAINT_TELEA),
        "restored": restorer.restore(damaged, mask),
        "truth": truth,
    }


def side_by_side(pictures: dict[str, np.ndarray]) -> np.ndarray:
    return np.hstack([pictures[n] for n in ("damaged", "opencv", "restored", "truth")])


def main() -> None:
    restorer = Restorer.load("photo")
    pictures = restore_example(restorer, "coffee")
    OUTPUT.mkdir(exist_ok=True)
    for name, picture in {**pictures, "comparison": side_by_side(pictures)}.items():
        cv2.imwrite(str(OUTPUT / f"{name}.png"), picture)
    mask, truth = pictures["mask"], pictures["truth"]
    print(f"model {restorer.model.name} on {restorer.backend}")
    print(f"PSNR in the hole: OpenCV {psnr_in_hole(pictures['opencv'], truth, mask):.2f} dB")
    print(f"                  photo  {psnr_in_hole(pictures['restored'], truth, mask):.2f} dB")
    print(f"{OUTPUT}/comparison.png: damaged, OpenCV, photo, the true picture")


if __name__ == "__main__":
    main()
