"""Ending a command from outside, so that it leaves nothing half written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

SIGNALS = ("SIGTERM", "SIGHUP")  # of docker stop, systemd and schedulers; of a closed terminal


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Turn a signal to end into ``SystemExit``: temporary files go, as with Ctrl-C.

    The exit code is 128 plus the signal's number, as in shells. Signals that follow are ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]

    def leave(number: int, _: object) -> None:
        for each in taken:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    # One that is ignored stays so, as nohup asks for.
    taken = [each for each in numbers if signal.getsignal(each) == signal.SIG_DFL]
    before = {each: signal.signal(each, leave) for each in taken}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
