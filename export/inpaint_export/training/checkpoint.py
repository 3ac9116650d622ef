"""Checkpoints: written whole or not at all, read without executing anything."""

from __future__ import annotations

import os
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

import inpaint_sdk
from inpaint_sdk.files import writing

FILE_NAME = "last.pt"
"""Of the checkpoint in a run's folder."""

KEYS = ("recipe", "revision", "seed", "step", "precision", "rng", "ema")
"""What every checkpoint has.

recipe: as :func:`inpaint_export.recipes.data.recipe_to_data` has it. revision: of the sources, see
:func:`revision`. step: steps done. precision: of the passes. rng: state of PyTorch's generator.
ema: the averaged weights by name.
"""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Writes by rename, so a run that is killed leaves the previous checkpoint intact.

    Raises:
        OutputError: it cannot be written; the previous one is still there.
    """
    torch.save(state, content := BytesIO())  # of a file's errors it tells too little
    # Always the same name: what a killed run left is large, and the next save replaces it.
    partial = path.with_name(path.name + ".partial")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                file.write(content.getbuffer())
                file.flush()
                os.fsync(file)  # a rename may reach the disk before the content does
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a checkpoint onto the CPU; raises ``FileNotFoundError`` or ``ValueError``."""
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling raises whatever the bytes lead to
        raise ValueError(f"{path} is no checkpoint of inpaint-export train") from error
    if not isinstance(state, dict) or not set(KEYS) <= set(state):
        raise ValueError(
            f"{path} was not written by inpaint-export train, or by one that is too old"
        )
    return state


def revision() -> str:
    """The sources' git revision, with ``-dirty`` where they were changed; else the version."""
    here = Path(__file__)
    try:
        _git(here.parent, "ls-files", "--error-unmatch", here.name)  # not a repository about us
        return _git(here.parent, "describe", "--always", "--abbrev=40", "--dirty")
    except (OSError, subprocess.CalledProcessError):
        return inpaint_sdk.__version__


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
