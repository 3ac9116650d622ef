"""Runs the README's first example in a folder of its own, and checks what it restored.

For test_pythons.py; needs nothing but the SDK.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "examples" / "images"
EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def main() -> None:
    found = EXAMPLE.search((ROOT / "README.md").read_text(encoding="utf-8"))
    if found is None or "Restorer.load" not in found[1]:
        sys.exit("the README does not begin with an example of Restorer.load")
    photo, mask = (
        cv2.imread(str(IMAGES / f"{name}.png"), flag)
        for name, flag in (("chelsea", cv2.IMREAD_COLOR), ("chelsea_mask", cv2.IMREAD_GRAYSCALE))
    )
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        cv2.imwrite("photo.jpg", photo)
        cv2.imwrite("mask.png", mask)
        exec(found[1], {})
        damaged, restored = cv2.imread("photo.jpg"), cv2.imread("restored.png")
        os.chdir(ROOT)
    changed = (restored != damaged).any(axis=2)
    if np.any(changed & (mask == 0)):
        sys.exit("the README's example changed what the mask does not cover")
    if changed.sum() < 0.5 * np.count_nonzero(mask):
        sys.exit("the README's example left most of the masked pixels as they were")


if __name__ == "__main__":
    main()
