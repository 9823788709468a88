"""Rows of the tables that people keep captions in: CSV and its kin, JSON, JSON Lines, Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reelops.dataset.entry import OnNote
from reelops.dataset.sources.delimited import Expected, read_delimited
from reelops.dataset.sources.field_values import folded
from reelops.dataset.sources.json_rows import rows_in, rows_of_damaged
from reelops.dataset.sources.notes import Tally
from reelops.dataset.sources.text_file import TextFile, open_text, read_text
from reelops.errors import DatasetError
from reelops.foreign import reading_foreign, reason_of

DELIMITED = (".csv", ".tsv", ".txt")
JSON_LINES = (".jsonl", ".ndjson")
SUFFIXES = (*DELIMITED, *JSON_LINES, ".json", ".parquet")


def read_rows(path: Path, expected: Expected, on_note: OnNote) -> Iterator[dict[str, Any]]:
    """Rows of a table as mappings; what is no row is left out, and said.

    Args:
        path: of a file that ends in one of `SUFFIXES`.

    Raises:
        DatasetError: the file cannot be read as such a table at all.
        MachineError: this machine cannot read it now.
    """
    suffix = path.suffix.lower()
    if suffix in DELIMITED:
        return read_delimited(open_text(path, on_note), expected, on_note)
    if suffix == ".parquet":
        return _read_parquet(path, expected)
    return _mappings(_read_json(path, expected, on_note), path, on_note)


def read_json(path: Path, on_note: OnNote) -> Any:
    """The value in a JSON file.

    Raises:
        DatasetError: it is not JSON.
        MachineError: this machine cannot read it now.
    """
    text = read_text(path, on_note)
    with reading_foreign(path, DatasetError, "is not JSON"):
        return json.loads(text, strict=False)


def _read_json(path: Path, expected: Expected, on_note: OnNote) -> Iterator[Any]:
    """Rows of JSON or of JSON Lines; some call one by the other's suffix."""
    text = open_text(path, on_note)
    if _is_json_lines(text):
        yield from _read_json_lines(text, on_note)
        return
    whole = text.read()
    try:
        with reading_foreign(path, DatasetError, "is not JSON"):
            value = json.loads(whole, strict=False)
    except DatasetError:
        rows, line = rows_of_damaged(whole)
        if not rows:
            raise
        on_note(f"{path} is damaged JSON from line {line} on; its {len(rows):,} whole rows were read")
        yield from rows
    else:
        yield from rows_in(value, expected)


def _is_json_lines(text: TextFile) -> bool:
    lines = (line for line in text.lines() if line.strip())
    first, second = (_parsed(next(lines, "").rstrip().removesuffix(",")) for _ in range(2))
    if text.path.suffix.lower() in JSON_LINES:
        return isinstance(first, dict) or _parsed(text.read()) is None
    return isinstance(first, dict) and isinstance(second, dict)


def _read_json_lines(text: TextFile, on_note: OnNote) -> Iterator[Any]:
    damaged = Tally()
    for number, line in enumerate(text.lines(), start=1):
        if not line.strip("\0\x1a\ufeff \t\r\n"):
            continue
        try:
            row = json.loads(line.rstrip().removesuffix(","), strict=False)
        except (ValueError, RecursionError) as error:
            damaged.add(f"{text.path}, line {number} is not JSON and was left out: {reason_of(error)}")
        else:
            yield row
    damaged.say(on_note)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return None


def _read_parquet(path: Path, expected: Expected) -> Iterator[dict[str, Any]]:
    """Rows of the columns that are understood; others may hold whole videos."""
    import pyarrow.parquet as pq

    with reading_foreign(path, DatasetError, "is no Parquet file"):
        opened = path.open("rb")  # pyarrow itself opens no path that is no Unicode
    with opened:
        with reading_foreign(path, DatasetError, "is no Parquet file"):
            file = pq.ParquetFile(opened)
            columns = [name for name in file.schema_arrow.names if folded(name) in expected.columns]
        if not columns:
            raise DatasetError(f"{path} has no column that is known; call one file_name and one caption.")
        batches = file.iter_batches(batch_size=1024, columns=columns)
        while True:
            with reading_foreign(path, DatasetError, "is damaged"):
                batch = next(batches, None)
                rows = batch.to_pylist() if batch is not None else None
            if rows is None:
                return
            yield from rows


def _mappings(rows: Iterator[Any], path: Path, on_note: OnNote) -> Iterator[dict[str, Any]]:
    odd = Tally()
    for number, row in enumerate(rows, start=1):
        if isinstance(row, dict):
            yield row
        else:
            odd.add(f"{path}, row {number} is {type(row).__name__}, not a mapping, and was left out")
    odd.say(on_note)
