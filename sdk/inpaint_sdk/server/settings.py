"""What a server offers, and how much it takes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from math import inf

from inpaint_sdk.errors import OptionError
from inpaint_sdk.models.zoo import list_models
from inpaint_sdk.options import Options
from inpaint_sdk.policies.auto import NAME as AUTO
from inpaint_sdk.policies.make import DETECTOR


def restoring_models() -> tuple[str, ...]:
    """Names of all that restores and comes with the SDK, ``auto`` first."""
    return (AUTO, *(model.name for model in list_models() if model.restores))


@dataclass(frozen=True)
class Settings:
    """Of one server.

    Attributes:
        models: names by which clients choose what restores.
        detector: name or path of the model that finds damage.
        token: that requests have to bring; None for nobody but this machine.
        hosts: names by which the server may be addressed beside this machine's own; only they count
            as its own origin too.
        max_bytes: of a request's body.
        max_pixels: of a picture, known from its header before it is decoded.
        memory_mb: most that a request may ask of ``Options.memory_mb``.
        queue: requests that may wait while one is worked on.
        max_wait: seconds until one that waits is sent away.
        max_upload: seconds in which a body has to arrive.
        max_work: seconds that work on one picture may take.

    Raises:
        OptionError: one of them is out of range.
    """

    models: Sequence[str]
    detector: str = DETECTOR
    token: str | None = None
    hosts: frozenset[str] = frozenset()
    max_bytes: int = 128 << 20
    max_pixels: int = 64_000_000
    memory_mb: int = Options().memory_mb
    queue: int = 8
    max_wait: float = 60.0
    max_upload: float = 60.0
    max_work: float = 300.0

    def __post_init__(self) -> None:
        if not self.models:
            raise OptionError("no model is named; give one, like photo")
        if self.token is not None and (len(self.token) < 16 or not self.token.isascii()):
            raise OptionError("a token has at least 16 letters or digits: it can be guessed else")
        for name in ("max_bytes", "max_pixels", "max_wait", "max_upload", "max_work"):
            if not 0 < getattr(self, name) < inf:
                raise OptionError(f"{name} is {getattr(self, name)}; it must be positive, finite")
        if self.queue < 0:
            raise OptionError(f"queue is {self.queue}; it must be 0 or more")


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
