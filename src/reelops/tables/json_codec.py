"""Frozen values to JSON and back, without losing a bit: what is read equals what was written.

It follows the types that the dataclasses themselves state, by pydantic's `TypeAdapter`, so a field that is added to one
of them is kept without a word here. Numbers are written as Python writes them, which is the shortest text that reads
back as the same number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import BeforeValidator, InstanceOf, PlainSerializer, TypeAdapter

from reelops.system.plain_text import to_utf8

Value = TypeVar("Value")
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
Array = Annotated[
    InstanceOf[np.ndarray], BeforeValidator(np.asarray), PlainSerializer(np.ndarray.tolist, return_type=list)
]
"""The type of a field that holds an array, in a value that goes to JSON."""


def to_plain(value: Any) -> Any:
    """A dataclass, and whatever it holds, as JSON values."""
    return _adapter(type(value)).dump_python(value, mode="json", fallback=_number, warnings=False)


def from_plain(kind: type[Value], plain: Any) -> Value:
    """The inverse of `to_plain`, for a value of that kind.

    Raises:
        ValueError: it is no such value.
    """
    value: Value = _adapter(kind).validate_python(plain)
    return value


def _number(value: Any) -> Any:
    """numpy's scalars, where a type leaves open what is there."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} cannot be written as JSON")


def canonical(plain: Any) -> str:
    """JSON values as text, the same for the same values."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of_plain(plain: Any) -> str:
    """sha256 of JSON values, in hexadecimal digits."""
    return hashlib.sha256(to_utf8(canonical(plain))).hexdigest()
