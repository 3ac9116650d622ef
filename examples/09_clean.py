"""A noisy, compressed photograph: what is wrong with it, and what becomes of it without a mask."""

from pathlib import Path

import cv2
import numpy as np
from distortions import poorly_shot

from inpaint_sdk import Restorer

IMAGES = Path(__file__).parent / "images"
OUTPUT = Path("demo")


def main() -> None:
    OUTPUT.mkdir(exist_ok=True)
    picture = cv2.imread(str(IMAGES / "chelsea.png"))
    poor = poorly_shot(picture)
    restorer = Restorer.load("clean")
    result = restorer.run(poor)
    seen = result.degradation
    print(f"noise of {seen.noise_sigma:.0f} of 255, blur of {seen.blur_sigma:.1f} pixels,")
    print(f"compressed as by JPEG of quality {seen.codec_quality:.0f}")
    after = cv2.PSNR(result.image, picture)
    print(f"PSNR {cv2.PSNR(poor, picture):.2f} dB before, {after:.2f} after")
    cv2.imwrite(str(OUTPUT / "clean.png"), np.hstack([poor, result.image, picture]))
    print(f"wrote {OUTPUT / 'clean.png'}")


if __name__ == "__main__":
    main()
