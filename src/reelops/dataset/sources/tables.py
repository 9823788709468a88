"""Reading the text that people keep captions in: JSON, JSON Lines, CSV, whatever its encoding and its delimiter."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from reelops.dataset.entry import OnNote
from reelops.errors import DatasetError

_TIME = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,9}(?:\.\d{1,9})?)$")
_LONGEST_FIELD = 1 << 28  # a row of Panda-70M holds the captions of a whole video


def read_text(path: Path, on_note: OnNote) -> str:
    """A text file as UTF-8, with or without its mark, or as UTF-16 with one; else as Windows-1252, and that is said.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}; check the path in params.yaml.") from error
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        on_note(f"{path} is not UTF-8; it was read as Windows-1252, so some letters may be wrong")
        return data.decode("cp1252", errors="replace")


def read_json(path: Path, on_note: OnNote) -> Any:
    """The value in a JSON file.

    Raises:
        DatasetError: it is not JSON.
    """
    try:
        return json.loads(read_text(path, on_note))
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{path} is not JSON: {error}. Copy or download it again.") from error


def read_rows(path: Path, on_note: OnNote) -> Iterator[dict[str, Any]]:
    """Rows of a .csv, .tsv, .jsonl or .json table as mappings; what is no row is left out, and said.

    Raises:
        DatasetError: the file cannot be read as such a table at all.
    """
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        yield from read_csv(path, on_note)
    elif suffix == ".jsonl":
        yield from _read_json_lines(path, on_note)
    else:
        rows = read_json(path, on_note)
        yield from _mappings(rows if isinstance(rows, list) else [rows], path, on_note)


def read_csv(path: Path, on_note: OnNote) -> Iterator[dict[str, Any]]:
    """Rows of a delimited table with a header; commas, semicolons and tabs are told apart by the header.

    A table in UTF-8 is read line by line, however long it is.

    Raises:
        DatasetError: it cannot be read.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    with _lines(path, on_note) as lines:
        header = lines.readline()
        delimiter = max(",;\t", key=header.count)
        names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
        reader = csv.DictReader(lines, names, delimiter=delimiter)
        try:
            for row in reader:
                if None in row or None in row.values():
                    on_note(
                        f"{path}, line {reader.line_num + 1} has another number of fields than the header; left out"
                    )
                    continue
                yield row
        except (csv.Error, UnicodeDecodeError) as error:
            raise DatasetError(f"{path}, line {reader.line_num + 1} is no CSV: {error}. Download it again.") from error


def captions_of(value: Any) -> tuple[str, ...]:
    """Captions in a text, a list of texts, or the JSON text of a list; blank ones do not count."""
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            try:
                return captions_of(json.loads(text))
            except ValueError:
                pass
        return (text,) if text else ()
    if isinstance(value, list):
        return tuple(text.strip() for text in value if isinstance(text, str) and text.strip())
    return ()


def first_of(row: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """The value of the first key that has one."""
    return next((row[key] for key in keys if row.get(key) not in (None, "", [])), None)


def seconds(value: Any) -> Fraction:
    """Seconds, exactly, from a number, `137.72`, or `0:02:17.720`.

    Raises:
        ValueError: it is none of them.
    """
    if isinstance(value, int | float) and math.isfinite(value):
        return Fraction(str(value))
    match = _TIME.match(str(value).strip())
    if not match:
        raise ValueError(f"{value!r} is no time")
    hours, minutes, rest = (Fraction(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def _lines(path: Path, on_note: OnNote) -> io.TextIOBase:
    try:
        file = path.open(encoding="utf-8-sig", newline="")
        file.read(1 << 16)
        file.seek(0)
    except UnicodeDecodeError:
        file.close()
        return io.StringIO(read_text(path, on_note), newline="")
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}; check the path in params.yaml.") from error
    return file


def _read_json_lines(path: Path, on_note: OnNote) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(read_text(path, on_note).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            yield from _mappings([json.loads(line)], path, on_note, number)
        except (ValueError, RecursionError) as error:
            on_note(f"{path}, line {number} is not JSON and was left out: {error}")


def _mappings(rows: list[Any], path: Path, on_note: OnNote, start: int = 1) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(rows, start=start):
        if isinstance(row, dict):
            yield row
        else:
            on_note(f"{path}, row {number} is {type(row).__name__}, not a mapping, and was left out")
