"""Frozen values to JSON and back, without losing a bit: what is read equals what was written.

It follows the types that the dataclasses themselves state, so a field that is added to one of them is kept without a
word here. Numbers are written as Python writes them, which is the shortest text that reads back as the same number.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np

Value = TypeVar("Value")


def to_plain(value: Any) -> Any:
    """A dataclass, and whatever it holds, as JSON values."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Fraction | Path):
        return str(value)
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(name): to_plain(held) for name, held in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(held) for held in value]
    return value


def from_plain(kind: type[Value], plain: Any) -> Value:
    """The inverse of `to_plain`, for a value of that kind.

    Raises:
        ValueError, TypeError, KeyError: it is no such value.
    """
    value: Value = _read(kind, plain)
    return value


def _read(kind: Any, plain: Any) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _read_union(arguments, plain)
    if origin is Literal:
        return plain
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(_read(arguments[0], held) for held in plain)
        return tuple(_read(each, held) for each, held in zip(arguments, plain, strict=True))
    if origin is not None and issubclass(origin, Mapping):
        return {_read(arguments[0], name): _read(arguments[1], held) for name, held in plain.items()}
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, plain)
    return _read_scalar(kind, plain)


def _read_union(kinds: tuple[Any, ...], plain: Any) -> Any:
    """None, or the one other kind; between several scalars the JSON value itself tells which."""
    if plain is None:
        return None
    others = [kind for kind in kinds if kind is not types.NoneType]
    return _read(others[0], plain) if len(others) == 1 else plain


def _read_dataclass(kind: Any, plain: Any) -> Any:
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind) if field.init]
    return kind(**{name: _read(hints[name], plain[name]) for name in names if name in plain})


def _read_scalar(kind: Any, plain: Any) -> Any:
    if kind is Any:
        return plain
    if kind is np.ndarray:
        return np.array(plain)
    if kind is float and isinstance(plain, int) and not isinstance(plain, bool):
        return float(plain)
    if isinstance(kind, type) and issubclass(kind, Enum | Fraction | Path):
        return kind(plain)
    if not isinstance(plain, kind):
        raise TypeError(f"{plain!r} is no {kind.__name__}")
    return plain


def canonical(plain: Any) -> str:
    """JSON values as text, the same for the same values."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of_plain(plain: Any) -> str:
    """sha256 of JSON values, in hexadecimal digits."""
    return hashlib.sha256(canonical(plain).encode()).hexdigest()
