"""One file a model. ``load_recipe("photo")`` imports only the one that is asked for.

Names are known without PyTorch, which the recipes themselves import.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inpaint_export.recipes.base import Recipe

_SHARED = frozenset({"base", "data", "sources"})
"""Modules that are no recipes."""

NAMES = tuple(
    sorted(m.name.replace("_", "-") for m in iter_modules(__path__) if m.name not in _SHARED)
)


def load_recipe(name: str) -> Recipe:
    """Returns the recipe of that name; raises ``ValueError`` if there is none."""
    if name not in NAMES:
        raise ValueError(f"no recipe {name!r}; there are: {', '.join(NAMES)}")
    recipe: Recipe = import_module(f"{__name__}.{name.replace('-', '_')}").RECIPE
    return recipe


__all__ = ["NAMES", "load_recipe"]
