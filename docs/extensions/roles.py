"""Docstrings name others in Sphinx's roles, which editors know; the site links them."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r":(?:class|func|meth):`([\w.]+)`")


class Roles(Extension):
    """``:meth:`load``` becomes a cross-reference, which a strict build resolves or refuses."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = ROLE.sub(_reference, obj.docstring.value)


def _reference(role: re.Match[str]) -> str:
    shown = role[1].removeprefix("inpaint_sdk.")
    return f"[`{shown}`][{role[1]}]"
