"""Which models ``auto`` may choose from, and loading them when they are first needed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from inpaint_sdk.models.zoo import is_bundled
from inpaint_sdk.images.image import Channels

if TYPE_CHECKING:
    from inpaint_sdk.restorer import Restorer

NAME = "auto"
"""By which ``Restorer.load`` knows it."""

Role = Literal["fill", "fill wide", "clean", "thin clouds", "thick clouds"]

CHOICES: Mapping[Role, tuple[str, ...]] = {
    "fill": ("photo",),
    "fill wide": ("photo-codebook",),  # photo-staged does not win: docs/tables/wide.md
    "clean": ("clean",),
    "thin clouds": ("cloud-thin",),
    "thick clouds": ("cloud-thick",),
}
"""Models for each role, the best first; those that are not bundled are not chosen."""


def choose(role: Role) -> str | None:
    """The best bundled model for a role, or None if there is none."""
    return next((name for name in CHOICES[role] if is_bundled(name)), None)


class Parts:
    """Models by name, each loaded once, whichever thread asks."""

    def __init__(self, backend: str, threads: int | None, channels: Channels) -> None:
        self._backend = backend
        self._threads = threads
        self._channels: Channels = channels
        self._lock = threading.Lock()
        self._loaded: dict[str, Restorer] = {}

    def get(self, name: str) -> Restorer:
        """Raises ``ModelError`` or ``BackendError`` if it cannot be loaded."""
        from inpaint_sdk.restorer import Restorer

        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = Restorer.load(
                    name, backend=self._backend, threads=self._threads, channels=self._channels
                )
            return self._loaded[name]
