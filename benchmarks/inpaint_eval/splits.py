"""What may be trained on, and what is held out: written down once, for all recipes and measures.

======================  ===========================================================================
``photos/train``        trained on
``photos/val``          validation while training; a development set
``photos/kodak24``      a development set: it was looked at while models were chosen
``photos/more``         trained on, but for names whose CRC-32 is divisible by 5
``film/shapes``         trained on, but for files whose number is divisible by 5
``film/frames``         01 to 07 trained on; 08, 09 and 10 held out
``rice1``, ``rice2``    ``train`` trained on, ``test`` never
``polyu``, ``paris``    never trained on
``damaged``,            never trained on
``old-film``
======================  ===========================================================================

Other folders are the user's own: all that is in them may be trained on.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

from inpaint_eval.pictures import list_pictures

Split = Literal["train", "held-out"]

FRAMES_HELD_OUT = frozenset({"08", "09", "10"})


def _number(name: str) -> int:
    numbers = re.findall(r"\d+", name)
    if not numbers:
        raise ValueError(f"{name} has no number, by which film shapes are held out")
    return int(numbers[-1])


_RULES: Mapping[str, Callable[[str], bool]] = {
    "photos/train": lambda name: False,
    "photos/val": lambda name: True,
    "photos/kodak24": lambda name: True,
    "photos/more": lambda name: zlib.crc32(name.encode()) % 5 == 0,
    "film/shapes": lambda name: _number(Path(name).stem) % 5 == 0,
    "film/frames": lambda name: Path(name).stem in FRAMES_HELD_OUT,
    **dict.fromkeys(
        ("rice1/test", "rice2/test", "polyu", "paris", "damaged", "old-film"), lambda name: True
    ),
}
"""Folder below the data root to whether the file of a name there is held out of all training."""


def is_held_out(folder: str, name: str) -> bool:
    """Whether a file may not be trained on.

    folder: below the data root, with forward slashes, e.g. ``photos/more`` or one below it.
    name: of the file, with its suffix.

    Raises:
        ValueError: the folder is not below the data root, or the name does not tell.
    """
    parts = PurePosixPath(folder).parts
    if ".." in parts or folder.startswith("/"):
        raise ValueError(f"folder is {folder!r}; name it from the data root down, without '..'")
    folder = "/".join(parts)
    for known, rule in _RULES.items():
        if folder == known or folder.startswith(f"{known}/"):
            return rule(name)
    return False


def list_split(root: Path, folder: str, split: Split) -> list[Path]:
    """A folder's picture files that are of the split, sorted by name.

    Raises:
        FileNotFoundError: there are none.
    """
    held_out = split == "held-out"
    found = [p for p in list_pictures(root / folder) if is_held_out(folder, p.name) == held_out]
    if not found:
        raise FileNotFoundError(f"no picture of {root / folder} is of the split {split!r}")
    return found
