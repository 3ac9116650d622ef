"""Work in a process of its own, which may crash, hang or run out of memory."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Any, TypeVar

from inpaint_bench.errors import CannotRunError

T = TypeVar("T")


def run_isolated(work: Callable[..., T], *arguments: Any, timeout: float | None = None) -> T:
    """What ``work`` returns in a process of its own.

    work: a module's function; it, its arguments and its result can be pickled. timeout: seconds.

    Raises:
        CannotRunError: it raised that, failed, crashed, or did not come back in time; the message
            says which, with the last line that the process wrote.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer"
        command = [sys.executable, "-m", "inpaint_bench.isolated", str(answer)]
        job = pickle.dumps((work, arguments))
        try:
            run = subprocess.run(command, input=job, stdout=PIPE, stderr=STDOUT, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise CannotRunError(f"it took longer than {timeout:g} s (--timeout)") from None
        if not answer.exists():
            said = run.stdout.decode(errors="replace").strip()
            last = said.splitlines()[-1] if said else "it said nothing"
            code = run.returncode
            end = f"ended with signal {-code}" if code < 0 else f"ended with exit code {code}"
            if code == -signal.SIGKILL:
                end = "was killed, as happens when memory runs out"
            raise CannotRunError(f"its process {end}; last words: {last}")
        found: T | CannotRunError = pickle.loads(answer.read_bytes())
    if isinstance(found, CannotRunError):
        raise found
    return found


if __name__ == "__main__":
    _work, _arguments = pickle.load(sys.stdin.buffer)
    try:
        _found = _work(*_arguments)
    except CannotRunError as error:
        _found = error
    Path(sys.argv[1]).write_bytes(pickle.dumps(_found))
