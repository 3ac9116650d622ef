"""Recipes as data: what a checkpoint holds, so that it needs no recipe's file to be read again.

Reading imports the modules that are named, and calls networks, objectives and configurations
alone. Dataclasses, ``functools.partial``, classes and functions are written by their import path;
lambdas and local functions have none and are refused when a recipe is written, not when it is read.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

from torch import nn

from inpaint_export.recipes.base import Recipe


def recipe_to_data(recipe: Recipe) -> dict[str, Any]:
    """The recipe as dicts, lists, strings, numbers, booleans and None.

    Raises:
        ValueError: a part of it cannot be found by an import path, like a lambda.
    """
    data: dict[str, Any] = _to_data(recipe, "recipe")
    return data


def recipe_from_data(data: Mapping[str, Any]) -> Recipe:
    """The recipe that :func:`recipe_to_data` wrote.

    Raises:
        ValueError: it names what this version of the package does not have.
    """
    recipe = _from_data(data)
    if not isinstance(recipe, Recipe):
        raise ValueError(f"this is no recipe but {type(recipe).__name__}")
    return recipe


def differences(mine: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """What differs between two recipes as data, like ``data.scale: [0.8, 1.6], not [0.6, 1.2]``."""
    return list(_differences(_plain(mine), _plain(other), ""))


def _to_data(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, partial):
        keywords = _with_defaults(value.func, value.args, value.keywords)
        return {
            "partial": _path(value.func, where),
            "args": [_to_data(a, where) for a in value.args],
            "keywords": {k: _to_data(v, f"{where}.{k}") for k, v in keywords.items()},
        }
    if is_dataclass(value) and not isinstance(value, type):
        return {
            "class": _path(type(value), where),
            "fields": {
                f.name: _to_data(getattr(value, f.name), f"{where}.{f.name}") for f in fields(value)
            },
        }
    if isinstance(value, tuple | list):
        return [_to_data(v, where) for v in value]
    if isinstance(value, Mapping):
        return {"mapping": {str(k): _to_data(v, f"{where}.{k}") for k, v in value.items()}}
    if isinstance(value, type) and _with_defaults(value, (), {}):
        return _to_data(partial(value), where)
    if callable(value):
        return {"import": _path(value, where)}
    raise ValueError(f"{where} is {value!r}, which cannot be written into a checkpoint")


def _with_defaults(
    function: Callable[..., Any], args: tuple[Any, ...], keywords: Mapping[str, Any]
) -> dict[str, Any]:
    """The keywords and those that are left to their defaults, which may change in the sources."""
    signature = inspect.signature(function)
    bound = signature.bind_partial(*args, **keywords).arguments
    defaults = {
        name: parameter.default
        for name, parameter in signature.parameters.items()
        if name not in bound and parameter.default not in (inspect.Parameter.empty, None)
    }
    return {**keywords, **defaults}


def _from_data(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_from_data(v) for v in data)
    if not isinstance(data, Mapping):
        return data
    if "mapping" in data:
        return {k: _from_data(v) for k, v in data["mapping"].items()}
    if "import" in data:
        return _imported(data["import"])
    if "partial" in data:
        keywords = {k: _from_data(v) for k, v in data["keywords"].items()}
        made = partial(_imported(data["partial"]), *map(_from_data, data["args"]), **keywords)
        try:
            inspect.signature(made.func).bind_partial(*made.args, **made.keywords)
        except TypeError as error:
            raise ValueError(f"{data['partial']} has changed since ({error})") from error
        return made
    kind = _imported(data["class"])
    if not isinstance(kind, type) or not is_dataclass(kind):
        raise ValueError(f"{data['class']} is no configuration")
    try:
        return kind(**{k: _from_data(v) for k, v in data["fields"].items()})
    except TypeError as error:
        raise ValueError(f"{data['class']} has changed since ({error})") from error


def _path(value: Any, where: str) -> str:
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", "<")
    if module is None or "<" in name:
        raise ValueError(
            f"{where} is {value!r}, which has no import path; use a function of a module, a class "
            "or functools.partial of one"
        )
    return f"{module}:{name}"


def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{path} is not in this version of inpaint_export ({error})") from error
    ours = module.startswith("inpaint_export.")
    known = isinstance(found, type) and (issubclass(found, nn.Module) or is_dataclass(found))
    if not (ours or known):
        raise ValueError(f"{path} is no network, objective or configuration; it is not called")
    return found


def _plain(data: Any) -> Any:
    """Without the words that say what is what, so that paths of fields are short."""
    if isinstance(data, Mapping):
        if "partial" in data:  # whose keywords may be called as those words are
            keywords = {k: _plain(v) for k, v in data["keywords"].items()}
            return {**data, "args": _plain(data["args"]), "keywords": keywords}
        if "fields" in data:
            kind = str(data["class"]).rpartition(":")[2]
            return {"class": kind, **{k: _plain(v) for k, v in data["fields"].items()}}
        if "mapping" in data:
            return {k: _plain(v) for k, v in data["mapping"].items()}
        return data["import"]
    return [_plain(v) for v in data] if isinstance(data, list) else data


def _differences(mine: Any, other: Any, path: str) -> Any:
    if isinstance(mine, Mapping) and isinstance(other, Mapping):
        for key in [*mine, *(k for k in other if k not in mine)]:
            below = f"{path}.{key}" if path else str(key)
            yield from _differences(mine.get(key), other.get(key), below)
    elif mine != other:
        yield f"{path}: {mine}, not {other}"
