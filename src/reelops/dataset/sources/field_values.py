"""What stands in a field of a publisher's list: captions, times, words, however they are written there."""

from __future__ import annotations

import ast
import json
import math
import re
import reprlib
import warnings
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

_TIME = re.compile(r"(?:(?:([0-9]{1,3}):)?([0-9]{1,3}):)?([0-9]{1,9}(?:\.[0-9]{1,9})?)")
_MOST_SECONDS = 10**9
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist, _SHORT.maxstring = 3, 8, 8, 80
# In lists of captions that are objects: the text of each, and the number that ShareGPT4Video gives to the whole clip's.
_TEXT_KEYS = ("caption", "content", "text", "sentence")
_OF_THE_WHOLE = "-1"


def folded(name: object) -> str:
    """A column's or key's name without case, spaces and strokes: `File_Name`, `fileName` and `file name` are one."""
    return "".join(letter for letter in str(name).casefold() if letter.isalnum())


def captions_of(value: Any) -> tuple[str, ...]:
    """Captions in a text, a list of texts or of objects with one each, or a list as JSON or Python write it; blank ones
    do not count."""
    if isinstance(value, str):
        text = value.strip()
        listed = _list_in(text)
        return captions_of(listed) if listed is not None else (text,) if text else ()
    if isinstance(value, list):
        texts = [_text_of(one) for one in _of_the_whole(value)]
        return tuple(text.strip() for text in texts if text and text.strip())
    return ()


def _list_in(text: str) -> list[Any] | None:
    if not (text.startswith("[") and text.endswith("]")):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            with warnings.catch_warnings(action="ignore"):  # of Python's parser, about backslashes in captions
                value = parse(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        return value if isinstance(value, list) else None
    return None


def _of_the_whole(captions: list[Any]) -> list[Any]:
    """Of captions that are numbered, those of the whole clip rather than of its parts; of others all."""
    whole = [one for one in captions if isinstance(one, dict) and str(one.get("idx")) == _OF_THE_WHOLE]
    return whole or captions


def _text_of(value: Any) -> str | None:
    text = first_of(value, _TEXT_KEYS) if isinstance(value, dict) else value
    return text if isinstance(text, str) else None


def first_of(row: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """The value of the first key that has one."""
    return next((row[key] for key in keys if row.get(key) not in (None, "", [])), None)


def scalar_text(value: Any) -> str | None:
    """A word or a number as text; None for all that is neither, as pandas' NaN for a field without a value."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, str | int | float) else None


def shown_row(row: Any) -> str:
    """The beginning of a row that cannot be used, for people; it may be nested however deeply."""
    return _SHORT.repr(row)[:80]


def seconds(value: Any) -> Fraction:
    """Seconds, exactly, from a number, `137.72`, or `0:02:17.720`.

    Raises:
        ValueError: it is none of them.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST_SECONDS:
        return Fraction(str(value))
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"{shown_row(value)} is no time")
    hours, minutes, rest = (Fraction(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest
