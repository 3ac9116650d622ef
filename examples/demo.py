"""Restores a damaged photograph with ``photo`` and lays the result beside OpenCV's.

Writes the pictures to ``demo/``.
"""

from pathlib import Path

import cv2
import numpy as np

from inpaint_sdk import Restorer

HERE = Path(__file__).parent
OUTPUT = Path("demo")


def psnr_in_hole(restored: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    error = np.square(restored.astype(float) - truth.astype(float))[mask > 0].mean()
    return float(10 * np.log10(255**2 / error))


def main() -> None:
    truth = cv2.imread(str(HERE / "images" / "coffee.png"))
    mask = cv2.imread(str(HERE / "images" / "coffee_mask.png"), cv2.IMREAD_GRAYSCALE)
    damaged = truth.copy()
    damaged[mask > 0] = 255

    restorer = Restorer.load("photo")
    restored = restorer.restore(damaged, mask)
    telea = cv2.inpaint(damaged, mask, 3, cv2.INPAINT_TELEA)

    OUTPUT.mkdir(exist_ok=True)
    cv2.imwrite(str(OUTPUT / "damaged.png"), damaged)
    cv2.imwrite(str(OUTPUT / "restored.png"), restored)
    cv2.imwrite(str(OUTPUT / "comparison.png"), np.hstack([damaged, telea, restored, truth]))
    print(f"model {restorer.model.name} on {restorer.backend}")
    print(f"PSNR in the hole: OpenCV {psnr_in_hole(telea, truth, mask):.2f} dB")
    print(f"                  photo  {psnr_in_hole(restored, truth, mask):.2f} dB")
    print(f"{OUTPUT}/comparison.png: damaged, OpenCV, photo, the true picture")


if __name__ == "__main__":
    main()
