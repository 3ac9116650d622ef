"""Batches drawn ahead of training, by processes that give way to it."""

from __future__ import annotations

import os
from collections.abc import Iterator

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

NICE = 10
"""Of drawing processes. Training's threads wait for each other in every layer: one that is put off
holds up all, while a batch that is late is made up for by those drawn ahead."""

PREFETCH = 8
"""Batches that each process draws ahead."""


def draw_batches(
    dataset: Dataset[dict[str, Tensor]],
    start: int,
    stop: int,
    *,
    batch: int,
    workers: int,
    pin: bool,
) -> Iterator[dict[str, Tensor]]:
    """Batches ``start`` to ``stop`` of a dataset, in order: the same ones for any worker count.

    dataset: item i belongs to batch ``i // batch``. workers: drawing processes; 0 draws in the
    training's own. pin: batches lie in page-locked memory, for a GPU.
    """
    loader = DataLoader(
        dataset,
        batch_size=batch,
        sampler=range(start * batch, stop * batch),
        num_workers=workers,
        prefetch_factor=PREFETCH if workers else None,
        pin_memory=pin,
        worker_init_fn=_begin if workers else None,
        # Forked processes share the photographs that are decoded; others would copy them.
        multiprocessing_context="fork" if workers else None,
        # Else the loader would draw from the generator that objectives draw from.
        generator=torch.Generator(),
    )
    # One thread a process: more would take those that the training runs on. It is set before the
    # processes are forked: OpenCV's other threads are not forked with them, and one that waits for
    # those waits for ever.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        batches = iter(loader)
    finally:
        cv2.setNumThreads(threads)
    yield from batches


def _begin(worker: int) -> None:
    torch.set_num_threads(1)
    os.nice(NICE)
