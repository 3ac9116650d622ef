"""Work in a process of its own, which may crash, hang or run out of memory."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
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
        job, answer = Path(folder) / "job", Path(folder) / "answer"
        job.write_bytes(pickle.dumps((sys.path, pickle.dumps((work, arguments)))))
        command = [sys.executable, "-m", "inpaint_bench.isolated", str(job), str(answer)]
        try:
            # A file for what it says: a pipe that fills up would stop it.
            with (Path(folder) / "log").open("w+b") as log:
                run = subprocess.run(command, stdout=log, stderr=log, timeout=timeout, check=False)
                log.seek(0)
                said = log.read().decode(errors="replace").strip()
        except subprocess.TimeoutExpired:
            raise CannotRunError(f"it took longer than {timeout:g} s (--timeout)") from None
        if not answer.exists():
            last = said.splitlines()[-1] if said else "it said nothing"
            code = run.returncode
            end = f"ended with signal {-code}" if code < 0 else f"ended with exit code {code}"
            if code == -signal.SIGKILL:
                end = "was killed, as happens when memory runs out"
            raise CannotRunError(f"its process {end}; last words: {last}")
        found = pickle.loads(answer.read_bytes())
    if isinstance(found, CannotRunError):
        raise found
    result: T = found
    return result


if __name__ == "__main__":
    _job, _answer = map(Path, sys.argv[1:])
    sys.path[:], _inner = pickle.loads(_job.read_bytes())
    _work, _arguments = pickle.loads(_inner)
    try:
        _found = _work(*_arguments)
    except CannotRunError as error:
        _found = error
    _answer.write_bytes(pickle.dumps(_found))
