"""Loaded models in a forked process.

A runtime's threads do not exist in the child: what the parent loaded would wait for them for ever,
when it is run and when it is taken down. So each session is told that it is in a child, lets go of
what it has without taking it down, and makes it anew when it is run.
"""

from __future__ import annotations

import ctypes
import os
import sys
import weakref
from typing import Protocol


class Inherited(Protocol):
    """Something that must know when it finds itself in a forked process."""

    def after_fork(self) -> None:
        """Called in the child, before anything else runs there; no other thread exists."""


_watched: weakref.WeakSet[Inherited] = weakref.WeakSet()
_used = False
"""Whether anything was ever watched: libraries may have threads that outlive it."""


def watch(inherited: Inherited) -> None:
    """Has ``after_fork`` called in every process that is forked as long as the object lives."""
    global _used
    _used = True
    _watched.add(inherited)


def abandon(value: object) -> None:
    """Keeps an object for as long as the process lives, so that its destructor never runs.

    A list of the module would not do: it is emptied when the interpreter ends.
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(value))


def _in_child() -> None:
    if not _used:
        return
    for inherited in list(_watched):
        inherited.after_fork()
    cv2 = sys.modules.get("cv2")
    if cv2 is not None:
        # OpenCV's threads are gone too. 0 lets it run in the caller's thread; 1 would end the
        # threads first, and wait for them for ever.
        cv2.setNumThreads(0)
    _leave_without_destructors()


def _leave_without_destructors() -> None:
    """Ends the process, after what Python does at its end, before libraries take themselves down.

    ONNX Runtime starts a thread of its own when it is imported, and waits for it at the end of the
    process. C's exit handlers run in reverse order, so this one runs before those of libraries.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):  # glibc; it calls the function with the exit status
        libc.on_exit(libc._exit, None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
