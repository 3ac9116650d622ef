"""Fuzzing guided by coverage, with Atheris: ``python guided.py COUNT SEED FOLDER [TARGET...]``.

A defect ends it with the input in the folder. What was reached stays there for the next time.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

try:
    import atheris
except ImportError:
    # One line, since the fuzzers beside it go on.
    print("passed over: Atheris is not installed; it is in inpaint-sdk[fuzz]")
    sys.exit()

# From the sources: what an editable install's own loader loads shows no coverage.
sys.meta_path[:] = [f for f in sys.meta_path if not type(f).__module__.startswith("_editable")]
sys.path.insert(0, str(Path(__file__).parents[2] / "sdk"))
# Atheris keeps what it sees compared: of masks, each array.
masks = "inpaint_sdk.images.masks"
with atheris.instrument_imports(include=["inpaint_sdk"], exclude=[masks]):
    from hardening.targets import KEPT, TARGETS


def fuzz(name: str, count: str, seed: str, folder: Path) -> None:
    """Tries so many inputs on a target, and ends the process."""
    target, seeds = TARGETS[name]
    corpus = folder / name
    corpus.mkdir(parents=True, exist_ok=True)
    for index, data in enumerate(seeds()):
        (corpus / f"seed-{index}").write_bytes(data)
    options = [f"-runs={count}", f"-seed={int(seed) + 1}", "-max_len=4096", "-rss_limit_mb=3072"]
    options += ["-timeout=60", "-verbosity=0", "-print_final_stats=1"]
    options += [f"-artifact_prefix={folder}/{name}-"]
    kept = [str(KEPT / name)] if (KEPT / name).is_dir() else []
    atheris.Setup([sys.argv[0], *options, str(corpus), *kept], target)
    atheris.Fuzz()


def main() -> None:
    """Each target in a process of its own, since Atheris ends it."""
    count, seed, folder, *names = sys.argv[1:]
    for name in names or TARGETS:
        print(f"{name}:", flush=True)
        child = os.fork()
        if not child:
            warnings.simplefilter("ignore")
            fuzz(name, count, seed, Path(folder).absolute())
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"{name} has a defect; the input is {folder}/{name}-*")


if __name__ == "__main__":
    main()
