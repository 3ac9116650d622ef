"""A classical peer as an executor."""

from __future__ import annotations

from typing import Any

from inpaint_bench.executors.base import CannotRunError, Frame, Order, Pixels
from inpaint_bench.peers.classical import PEERS, Restore


class Classical:
    """A function of a library. Its threads are those that the library was told to use."""

    def __init__(self, order: Order) -> None:
        if order.scope != "call":
            raise CannotRunError("it has no network: it is measured in scope call")
        if order.batch != 1:
            raise CannotRunError("it takes one picture a call")
        self._peer = PEERS[order.candidate.name]
        self._restore: Restore | None = None
        self.notes: list[str] = []
        self.gpu = False

    def load(self) -> None:
        try:
            self._restore = self._peer.load()
        except ImportError as error:
            raise CannotRunError(
                f'{error}. It comes with pip install "inpaint-sdk[bench]" ({self._peer.library})'
            ) from error

    def feed(self, frame: Frame) -> tuple[Pixels, Pixels]:
        return frame.pictures[0], frame.masks[0]

    def infer(self, fed: tuple[Pixels, Pixels]) -> Pixels:
        assert self._restore is not None
        return self._restore(*fed)

    def pictures(self, result: Any) -> list[Pixels]:
        return [result]

    def device_mb(self) -> float | None:
        return None

    def close(self) -> None:
        self._restore = None
