"""Batches come in order from any start, whichever process draws them."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from inpaint_export.data.loading import draw_batches


class Numbers(Dataset[dict[str, Tensor]]):
    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"image": torch.tensor([index])}


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_in_order_from_any_start(workers: int) -> None:
    batches = list(draw_batches(Numbers(), 1, 3, batch=4, workers=workers, pin=False))
    assert [batch["image"].flatten().tolist() for batch in batches] == [
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]


FORKED = """
import cv2, numpy, test_loading
from inpaint_export.data.loading import draw_batches

cv2.setNumThreads(4)
cv2.GaussianBlur(numpy.zeros((2000, 2000, 3), numpy.uint8), (0, 0), 3)
print(len(list(draw_batches(test_loading.Numbers(), 0, 3, batch=4, workers=1, pin=False))))
assert cv2.getNumThreads() == 4
"""


def test_workers_do_not_wait_for_threads_that_were_not_forked() -> None:
    """OpenCV has run on several threads in the process that the workers are forked from."""
    folder = str(__file__).rsplit("/", 1)[0]
    command = [sys.executable, "-c", FORKED]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    assert run.stdout.strip() == "3", run.stderr
