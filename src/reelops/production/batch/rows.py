"""Rows of a file of orders: JSON, JSON Lines, CSV and its kin, Parquet; read as they come, and none left out."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from reelops.dataset.sources.text_file import open_text, read_text
from reelops.errors import DatasetError, InputError
from reelops.foreign import printable, reading_foreign
from reelops.system.csv_cells import from_cell

DELIMITERS: Mapping[str, str | None] = {".csv": None, ".tsv": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
SUFFIXES = (".json", *JSON_LINES, *DELIMITERS, ".parquet")
_MOST_JSON_BYTES = 256_000_000  # it is read as a whole, and a list of a million orders fits
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Row:
    """What one row says.

    Attributes:
        place: where it is, for people: `row 3 (line 4)`.
        fields: by the names that they have in the file; empty cells are left out.
        wrong: why it has none; a sentence that names file and place. The rows after it can be read all the same.
    """

    place: str
    fields: Mapping[str, Any]
    wrong: str | None = None


def read_rows(path: Path) -> Iterator[Row]:
    """All rows in their order, those that are none among them.

    JSON is a list of orders, or an object with that list in `jobs` and what all of them share in `defaults`.

    Raises:
        InputError: the file is of another kind, or cannot be read from some row on, which is named.
        MachineError: this machine cannot read it now.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path} is no file of orders; these end in {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise InputError(f"{path} does not exist; check the path.")
    if suffix == ".parquet":
        rows = _parquet(path)
    elif suffix in DELIMITERS:
        rows = _delimited(path, DELIMITERS[suffix])
    else:
        rows = _json_lines(path) if suffix in JSON_LINES else _json(path)
    for row in rows:
        yield replace(row, fields={name: value for name, value in row.fields.items() if not _is_empty(value)})


def _is_empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _json(path: Path) -> Iterator[Row]:
    if path.stat().st_size > _MOST_JSON_BYTES:
        raise InputError(
            f"{path} is over {_MOST_JSON_BYTES // 1_000_000} MB, and JSON is read as a whole. Save it as JSON Lines."
        )
    text = read_text(path, _ignore)
    with reading_foreign(path, DatasetError, "is not JSON"):
        value = json.loads(text)
    defaults: Any = {}
    if isinstance(value, dict):
        if unknown := sorted(set(value) - {"jobs", "defaults"}):
            raise InputError(f"{path} has {unknown[0]!r}; an object has the list `jobs`, and may have `defaults`.")
        defaults, value = value.get("defaults", {}), value.get("jobs")
    if not isinstance(value, list) or not isinstance(defaults, dict):
        raise InputError(f"{path} holds no list of orders; give one, or an object with it in `jobs`.")
    for number, one in enumerate(value, start=1):
        row = _row(one, path, f"row {number}")
        yield replace(row, fields={**defaults, **row.fields})


def _json_lines(path: Path) -> Iterator[Row]:
    number = 0
    for line_number, line in enumerate(open_text(path, _ignore).lines(), start=1):
        if not line.strip():
            continue
        number += 1
        place = f"row {number} (line {line_number})"
        try:
            with reading_foreign(f"{path}, {place}", DatasetError, "is not JSON"):
                value = json.loads(line)
        except DatasetError as error:
            yield Row(place, {}, str(error))
        else:
            yield _row(value, path, place)


def _delimited(path: Path, delimiter: str | None) -> Iterator[Row]:
    text = open_text(path, _ignore)
    lines = text.lines()
    header = next(lines, "")
    delimiter = delimiter or max(",;\t|", key=header.count)
    reader = csv.reader(_with(header, lines), delimiter=delimiter, strict=True, skipinitialspace=True)
    names: list[str] = []
    number = 0
    while True:
        begins = reader.line_num + 1
        place = f"row {number + 1} (line {begins})"
        with reading_foreign(f"{path}, {place}", DatasetError, "cannot be read"):
            cells = next(reader, None)
        if cells is None:
            return
        if not any(cell.strip() for cell in cells):
            continue
        if not names:
            names = [name.strip() for name in cells]
            if twice := next((name for name in names if name and names.count(name) > 1), None):
                raise InputError(f"{path} has two columns {printable(twice)!r}; remove one of them.")
            continue
        number += 1
        if len(cells) > len(names) and any(cells[len(names) :]):
            told = f"{path}, {place} has {len(cells)} fields, and the header {len(names)}. "
            yield Row(place, {}, f"{told}Put a text that has commas in quotes.")
            continue
        named = zip(names, (from_cell(cell.strip()) for cell in cells), strict=False)
        yield Row(place, {name: cell for name, cell in named if name})


def _parquet(path: Path) -> Iterator[Row]:
    import pyarrow.parquet as pq

    number = 0
    with reading_foreign(path, DatasetError, "is no Parquet file"):
        opened = path.open("rb")  # pyarrow itself opens no path that is no Unicode
    with opened:
        with reading_foreign(path, DatasetError, "is no Parquet file"):
            batches = pq.ParquetFile(opened).iter_batches(batch_size=_ROWS_AT_ONCE)
        while True:
            with reading_foreign(path, DatasetError, "is damaged"):
                batch = next(batches, None)
                rows = None if batch is None else batch.to_pylist()
            if rows is None:
                return
            for row in rows:
                number += 1
                yield Row(f"row {number}", row)


def _row(value: Any, path: Path, place: str) -> Row:
    if isinstance(value, dict):
        return Row(place, value)
    return Row(place, {}, f"{path}, {place} is {json.dumps(value)[:40]}, and an order is an object with fields.")


def _with(first: str, others: Iterator[str]) -> Iterator[str]:
    yield first
    yield from others


def _ignore(_note: str) -> None:
    """Notes on encodings: an order shows what was read."""
