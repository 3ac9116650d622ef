"""From a JSON document to dataclasses, with every value checked against its field's type."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

MAX_INTEGER = 2**53
"""Largest magnitude of an integer, the largest that every JSON reader keeps exactly."""


class DecodingError(ValueError):
    """The document is not JSON, or a value in it is not of its field's type."""


def parse_object(text: str) -> dict[str, Any]:
    """Parses a JSON object.

    Raises:
        DecodingError: the text is not JSON, is nested too deeply, holds a number that JSON has not
            (NaN, Infinity) or one of thousands of digits, or is not an object.
    """
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise DecodingError("it is nested too deeply") from None
    except ValueError as error:  # of the syntax, or of too many digits
        raise DecodingError(str(error)) from error
    if not isinstance(document, dict):
        raise DecodingError("it is not an object")
    return document


def decode(kind: type[T], document: object, where: str = "") -> T:
    """Makes the dataclass ``kind`` of a JSON object.

    Fields may be of str, int, float, Literal, None, tuples of one type, and dataclasses and named
    tuples of these. A field with a default may be missing; fields that ``kind`` lacks are ignored.
    ``where`` is the path of the object in the document, for errors.

    Raises:
        DecodingError: a field is missing, or its value is of another type.
    """
    if not isinstance(document, Mapping):
        raise _mismatch(where, document, kind)
    hints = _hints(kind)  # type: ignore[arg-type]  # a class is hashable
    values = {}
    for field in fields(kind):  # type: ignore[arg-type]  # a dataclass
        path = f"{where}.{field.name}" if where else field.name
        if field.name in document:
            values[field.name] = _value(hints[field.name], document[field.name], path)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise DecodingError(f"it lacks {path!r}")
    return kind(**values)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _value(kind: Any, value: object, path: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        if isinstance(value, str) and value in arguments:
            return value
        raise DecodingError(f"{path!r} is {_shown(value)}; it must be one of {_listed(arguments)}")
    if origin in (Union, UnionType):
        if value is None and NoneType in arguments:
            return None
        (kind,) = (argument for argument in arguments if argument is not NoneType)
        return _value(kind, value, path)
    if hasattr(kind, "_fields"):  # a named tuple
        if not isinstance(value, list) or len(value) != len(kind._fields):
            raise _mismatch(path, value, kind)
        kinds = zip(kind._fields, value, strict=True)
        return kind(*(_value(_hints(kind)[name], v, f"{path}.{name}") for name, v in kinds))
    if origin is tuple:
        if not isinstance(value, list):
            raise _mismatch(path, value, kind)
        return tuple(_value(arguments[0], v, f"{path}[{i}]") for i, v in enumerate(value))
    if is_dataclass(kind):
        return decode(kind, value, path)  # type: ignore[arg-type]  # a class, not an instance
    result = _SCALARS[kind](value)
    if result is None:
        raise _mismatch(path, value, kind)
    return result


def _text(value: object) -> str | None:
    # JSON can escape half of a surrogate pair, which no file or terminal takes.
    if isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value):
        return value
    return None


def _integer(value: object) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and abs(value) <= MAX_INTEGER else None  # type: ignore[arg-type, return-value]


def _number(value: object) -> float | None:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    whole = _integer(value)
    return None if whole is None else float(whole)


_SCALARS: Mapping[type, Callable[[object], Any]] = {str: _text, int: _integer, float: _number}


def _refuse_constant(name: str) -> object:
    raise DecodingError(f"{name} is not JSON")


def _mismatch(path: str, value: object, kind: Any) -> DecodingError:
    name = getattr(kind, "__name__", str(kind)) if get_origin(kind) is None else str(kind)
    return DecodingError(f"{path!r} is {_shown(value)}, expected {name}")


def _shown(value: object) -> str:
    return reprlib.repr(value)


def _listed(choices: tuple[Any, ...]) -> str:
    return ", ".join(map(str, choices))
