"""Rows in a JSON value: a list of them, captions by the clips' names, columns as pandas writes them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from reelops.dataset.entry import split_in
from reelops.dataset.sources.delimited import Expected
from reelops.dataset.sources.field_values import folded

_LIST = re.compile(r"\s*\[")
_ROW = re.compile(r"\s*,?\s*\{")
_BETWEEN_ROWS = re.compile(r"\}\s*,\s*(?=\{)")


def rows_in(value: Any, expected: Expected) -> Iterator[Any]:
    """The rows of a JSON file, whichever way they are laid out; a value that is laid out in none of them is one row.

    Args:
        expected: its `names` tell a row from what holds rows; by `is_clip` a key is known for a clip's name.
    """
    if isinstance(value, list):
        yield from (_pair(one, expected) for one in value)
    elif not isinstance(value, dict):
        yield value
    elif _has_name(value, expected):
        yield from _columns(value) if all(isinstance(one, list | dict) for one in value.values()) else (value,)
    elif any(map(expected.is_clip, value)):
        yield from (_named(name, one) for name, one in value.items())
    elif isinstance(columns := value.get("columns"), list) and isinstance(value.get("data"), list):
        # What pandas calls `split`.
        yield from (dict(zip(map(str, columns), row, strict=False)) for row in value["data"] if isinstance(row, list))
    elif value and all(split_in(key) and _is_list_of_rows(one) for key, one in value.items()):
        yield from ({"split": key, **row} for key, rows in value.items() for row in rows)
    elif len(lists := [one for one in value.values() if _is_list_of_rows(one)]) == 1:
        yield from lists[0]
    elif value and all(isinstance(one, dict) and _has_name(one, expected) for one in value.values()):
        yield from value.values()
    else:
        yield value


def rows_of_damaged(text: str) -> tuple[list[dict[str, Any]], int]:
    """The whole rows of a list that is no JSON as a whole, and the first line in which it is damaged, from 1."""
    decoder = json.JSONDecoder(strict=False)
    rows: list[dict[str, Any]] = []
    start = _LIST.match(text)
    place, damaged = (start.end() if start else len(text)), None
    while row := _ROW.match(text, place):
        try:
            value, place = decoder.raw_decode(text, row.end() - 1)
            rows.append(value)
        except (ValueError, RecursionError):
            damaged = row.end() if damaged is None else damaged
            following = _BETWEEN_ROWS.search(text, row.end())
            place = following.start() + 1 if following else len(text)
    return rows, text.count("\n", 0, place if damaged is None else damaged) + 1


def _columns(value: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    """Rows of lists by their columns' names, or of mappings by column and then by number: what pandas writes."""
    columns = {key: [*one.values()] if isinstance(one, dict) else one for key, one in value.items()}
    lists = {key: one for key, one in columns.items() if isinstance(one, list)}
    if len({len(one) for one in lists.values()}) != 1:
        yield value
        return
    for row in zip(*lists.values(), strict=True):
        yield dict(zip(lists, row, strict=True))


def _named(name: Any, said: Any) -> dict[str, Any]:
    return {"file_name": name, **said} if isinstance(said, dict) else {"file_name": name, "caption": said}


def _pair(row: Any, expected: Expected) -> Any:
    """A list of a name and a caption is a row."""
    if isinstance(row, list) and len(row) == 2 and isinstance(row[0], str) and expected.is_clip(row[0]):
        return _named(row[0], row[1])
    return row


def _is_list_of_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _has_name(row: dict[Any, Any], expected: Expected) -> bool:
    return any(folded(key) in expected.names for key in row)
