"""One restorer, many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from inpaint_bench.schema.sdk import SdkRow
from inpaint_eval.drawn import draw_picture
from inpaint_sdk import Restorer


def sharing() -> SdkRow:
    """1000 calls by 8 threads on one Restorer, beside the same calls by one."""
    restorer = Restorer.load("photo", threads=1)
    pictures = [draw_picture(96, 128, seed) for seed in range(10)]
    mask = np.zeros((96, 128), np.uint8)
    mask[30:60, 40:90] = 255
    expected = [restorer.restore(picture, mask) for picture in pictures]

    def differs(index: int) -> bool:
        found = restorer.restore(pictures[index % 10], mask)
        return not np.array_equal(found, expected[index % 10])

    with ThreadPoolExecutor(8) as pool:
        different = sum(pool.map(differs, range(1000)))
    return SdkRow(bar="different = 0", figures={"calls": 1000, "different": different})
