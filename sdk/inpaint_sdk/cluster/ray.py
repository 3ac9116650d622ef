"""Ray, imported when it is needed, and actors that load a model once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from inpaint_sdk.errors import BackendError, OptionError
from inpaint_sdk.options import is_integer, is_number

if TYPE_CHECKING:
    from ray.data import Dataset


@dataclass(frozen=True)
class Workers:
    """The actors that restore: each loads its models once.

    Attributes:
        max_size: how many at most; None for as many as the cluster has room for.
        threads: CPU threads for one picture, which are the CPUs that each actor takes.
        gpus: share of a GPU that each actor takes, or a number of them.

    Raises:
        OptionError: one of them is out of range.
    """

    max_size: int | None = None
    threads: int = 1
    gpus: float = 0.0

    def __post_init__(self) -> None:
        for name in ("max_size", "threads"):
            value = getattr(self, name)
            if value is not None and (not is_integer(value) or value < 1):
                raise OptionError(f"{name} is {value!r}; it must be a whole number from 1 on")
        if not is_number(self.gpus) or self.gpus < 0:
            raise OptionError(f"gpus is {self.gpus!r}; it must be a number, 0 for none")


def require_ray() -> Any:
    """The module ``ray``, with ``ray.data``; raises ``BackendError`` if it is not installed."""
    try:
        import ray.data
    except ImportError as error:
        raise BackendError(
            f"Ray Data cannot be imported ({error}): pip install 'inpaint-sdk[ray]'"
        ) from error
    return ray


def map_by_actors(
    dataset: Dataset, actor: type, settings: dict[str, Any], batch_size: int, workers: Workers
) -> Dataset:
    """Maps tables of ``batch_size`` rows by actors, each made with ``settings``.

    An actor that is lost is made again, here or elsewhere, and what it had in hand is done again.
    """
    ray = require_ray()
    return dataset.map_batches(
        actor,
        fn_constructor_kwargs=settings,
        batch_format="pyarrow",
        batch_size=batch_size,
        # A pool that may not shrink would wait for ever for room for an actor that was lost.
        compute=ray.data.ActorPoolStrategy(
            min_size=1, max_size=workers.max_size, initial_size=workers.max_size
        ),
        num_cpus=workers.threads,
        num_gpus=workers.gpus or None,
    )


@contextmanager
def connected(address: str) -> Iterator[None]:
    """A connection to a cluster.

    address: ``HOST:PORT``, ``ray://HOST:PORT``, ``auto`` for one that runs on this machine, or
    ``local`` for one of this process alone.

    Raises:
        BackendError: Ray is not installed, there is no cluster, or it fails as a whole.
    """
    ray = require_ray()
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise BackendError(f"there is no Ray cluster at {address}: {error}") from error
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield
    except ray.exceptions.RayError as error:
        raise BackendError(f"the Ray cluster at {address} failed: {error}") from error
    finally:
        ray.shutdown()
