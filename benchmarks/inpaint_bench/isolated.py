"""Work in a process of its own, which may crash, hang or run out of memory."""

from __future__ import annotations

import pickle
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
            raise CannotRunError(_death(run.returncode, said))
        found = pickle.loads(answer.read_bytes())
    if isinstance(found, CannotRunError):
        raise found
    result: T = found
    return result


def _death(code: int, said: str) -> str:
    last = said.splitlines()[-1] if said else "it said nothing"
    if code == -9:
        return f"its process was killed, as happens when memory runs out; last words: {last}"
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"its process ended with {how}; last words: {last}"


def _main(job: Path, answer: Path) -> None:
    sys.path[:], inner = pickle.loads(job.read_bytes())
    work, arguments = pickle.loads(inner)
    try:
        found = work(*arguments)
    except CannotRunError as error:
        found = error
    answer.write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
