"""Reading the text that people keep captions in: JSON, JSON Lines, CSV, whatever its encoding and its delimiter."""

from __future__ import annotations

import csv
import io
import json
import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from reelops.dataset.entry import OnNote
from reelops.errors import DatasetError
from reelops.foreign import reading_foreign, reason_of

_TIME = re.compile(r"(?:(?:([0-9]{1,3}):)?([0-9]{1,3}):)?([0-9]{1,9}(?:\.[0-9]{1,9})?)")
_MOST_SECONDS = 10**9
# Bytes that are no UTF-8, as Python keeps them in text.
_UNDECODED = re.compile("[\udc80-\udcff]")
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist, _SHORT.maxstring = 3, 8, 8, 80
_LONGEST_FIELD = 1 << 28  # a row of Panda-70M holds the captions of a whole video


def read_text(path: Path, on_note: OnNote) -> str:
    """A text file as UTF-8, with or without its mark, or as UTF-16 with one; else as Windows-1252, and that is said.

    Raises:
        DatasetError: it cannot be read.
        MachineError: this machine cannot read it now.
    """
    with _reading(path):
        data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", errors="replace")
        if "\ufffd" in text:
            on_note(f"{path} is damaged UTF-16; some letters of it are missing")
        return text
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        on_note(f"{path} is not UTF-8; it was read as Windows-1252, so some letters may be wrong")
        return data.decode("cp1252", errors="replace")


def read_json(path: Path, on_note: OnNote) -> Any:
    """The value in a JSON file.

    Raises:
        DatasetError: it is not JSON.
        MachineError: this machine cannot read it now.
    """
    text = read_text(path, on_note)
    with reading_foreign(path, DatasetError, "is not JSON"):
        return json.loads(text)


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
        with _parsing_csv(path):
            header = lines.readline()
            delimiter = max(",;\t", key=header.count)
            names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
            reader = csv.DictReader(lines, names, delimiter=delimiter)
        is_utf_8 = True
        while True:
            with _parsing_csv(path):
                row = next(reader, None)
            if row is None:
                return
            if None in row or None in row.values():
                on_note(f"{path}, line {reader.line_num + 1} has another number of fields than the header; left out")
                continue
            if is_utf_8 and any(_UNDECODED.search(value) for value in row.values()):
                is_utf_8 = False
                on_note(f"{path} is not UTF-8 in line {reader.line_num + 1}, so letters there may be missing")
            yield row


def captions_of(value: Any) -> tuple[str, ...]:
    """Captions in a text, a list of texts, or the JSON text of a list; blank ones do not count."""
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            with suppress(ValueError, RecursionError):
                return captions_of(json.loads(text))
        return (text,) if text else ()
    if isinstance(value, list):
        return tuple(text.strip() for text in value if isinstance(text, str) and text.strip())
    return ()


def first_of(row: Mapping[str, Any], keys: Iterable[str]) -> Any:
    """The value of the first key that has one."""
    return next((row[key] for key in keys if row.get(key) not in (None, "", [])), None)


def scalar_text(value: Any) -> str | None:
    """A word or a number as text; None for all that is neither."""
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


def _lines(path: Path, on_note: OnNote) -> io.TextIOBase:
    with _reading(path):
        file = path.open(encoding="utf-8-sig", newline="", errors="surrogateescape")
        begins_well = not _UNDECODED.search(file.read(1 << 16))
        file.seek(0)
    if begins_well:
        return file
    file.close()
    return io.StringIO(read_text(path, on_note), newline="")


def _reading(path: Path) -> AbstractContextManager[None]:
    return reading_foreign(path, DatasetError, "cannot be read", "check the path in params.yaml")


def _parsing_csv(path: Path) -> AbstractContextManager[None]:
    return reading_foreign(path, DatasetError, "is no CSV", "copy or download it again")


def _read_json_lines(path: Path, on_note: OnNote) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(read_text(path, on_note).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            on_note(f"{path}, line {number} is not JSON and was left out: {reason_of(error)}")
        else:
            yield from _mappings([row], path, on_note, number)


def _mappings(rows: list[Any], path: Path, on_note: OnNote, start: int = 1) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(rows, start=start):
        if isinstance(row, dict):
            yield row
        else:
            on_note(f"{path}, row {number} is {type(row).__name__}, not a mapping, and was left out")
