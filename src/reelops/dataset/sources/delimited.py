"""Tables of text: fields between commas, semicolons, tabs or bars, as anybody's program writes them.

A quotation mark says in one table that a field goes on over lines, and is in another a letter of the text. So each
record is read in the ways that programs write them, the strictest first, and the first that gives as many fields as
the header has is taken; what would take in rows that name clips of their own is none. A row that none of the ways fits
is left out by its line, and costs itself only.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from reelops.dataset.entry import OnNote
from reelops.dataset.sources.field_values import folded
from reelops.dataset.sources.notes import Tally
from reelops.dataset.sources.text_file import TextFile
from reelops.errors import DatasetError
from reelops.foreign import printable

DELIMITERS = (",", ";", "\t", "|")
_NO_DELIMITER = "\x1f"
_EXCELS_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
# What fills up lines and ends of files without saying anything; MS-DOS ended texts with \x1a.
_NOTHING = " \t\r\n\0\x1a\ufeff"
_LONGEST_FIELD = 1 << 28  # a row of Panda-70M holds the captions of a whole video
_MOST_LINES = 10_000  # of one record
_LOOKED_AT = 50  # lines


@dataclass(frozen=True)
class Expected:
    """What is known of a table before it is read.

    Attributes:
        names: names of columns, folded, that say which clip a row is of.
        columns: names of all columns, folded, that are understood; a header has one of them at least.
        texts: those of columns whose text may hold commas.
        is_clip: whether a field names a clip that there is, or could be one.
        delimiter: where it is known.
    """

    names: Sequence[str]
    columns: Sequence[str]
    is_clip: Callable[[str], bool]
    delimiter: str | None = None
    texts: Sequence[str] = ()


@dataclass(frozen=True)
class _Form:
    """How a table is written.

    Attributes:
        columns: the header's.
        has_header: whether it stands in the table.
        escapes: whether a backslash takes its meaning from the sign after it.
    """

    delimiter: str
    columns: tuple[str, ...]
    has_header: bool = True
    escapes: bool = False


Way = Literal["quoted", "escaped", "plain", "open"]


@dataclass(frozen=True)
class _Record:
    """A row, where its fields could be told, and how they were: from quoted fields, from ones with backslashes, with
    quotation marks as text, with commas of the last field as text."""

    line: int
    fields: list[str] | None
    way: Way = "quoted"


def read_delimited(text: TextFile, expected: Expected, on_note: OnNote) -> Iterator[dict[str, str]]:
    """Rows of a table by the names in its header.

    Raises:
        DatasetError: it has no column that is known.
        MachineError: this machine cannot read it now.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    form = _form_of(text, expected, on_note)
    if form is None:
        return
    wrong, plain, escaped, opened = Tally(), Tally(), Tally(), Tally()
    for record in _records(text, form, expected):
        if record.fields is None:
            wrong.add(f"{text.path}, line {record.line} has another number of fields than the header; left out")
            continue
        if record.way == "plain":
            plain.add(f"{text.path}, line {record.line}: a quotation mark without its other half was read as text")
        if record.way == "open":
            mark = printable(form.delimiter)
            opened.add(f"{text.path}, line {record.line}: {mark!r} in the last column was read as text")
        if record.way == "escaped":
            escaped.add(f"{text.path}, line {record.line}: backslashes before quotation marks were taken out")
        yield dict(zip(form.columns, record.fields, strict=False))
    for tally in (escaped, plain, opened, wrong):
        tally.say(on_note)


def _form_of(text: TextFile, expected: Expected, on_note: OnNote) -> _Form | None:
    """How a table is written; None where it is empty."""
    lines = [line for line in islice(text.lines(), _LOOKED_AT) if line.strip(_NOTHING)]
    delimiters: Sequence[str] = (expected.delimiter,) if expected.delimiter else DELIMITERS
    if lines and (stated := _EXCELS_LINE.fullmatch(lines[0])):
        delimiters = (stated[1],)
        del lines[0]
    if not lines:
        return None
    headers = {delimiter: _fields_of_one(lines[0], delimiter) for delimiter in delimiters}
    known = {delimiter: sum(folded(one) in expected.columns for one in header) for delimiter, header in headers.items()}
    best = max(delimiters, key=lambda one: (known[one], len(headers[one])))
    if known[best]:
        columns = tuple(name.strip() for name in headers[best])
        form = _Form(best if len(columns) > 1 else _NO_DELIMITER, columns)
        for name in sorted(
            {one for one in columns if one and columns.count(one) > 1 and folded(one) in expected.columns}
        ):
            on_note(f"{text.path} has more than one column {printable(name)!r}; the last of them was read")
    else:
        form = _without_header(text, lines, delimiters, expected, on_note)
    if _backslashes_escape(text, form.delimiter):
        return _Form(form.delimiter, form.columns, form.has_header, escapes=True)
    return form


def _without_header(
    text: TextFile, lines: Sequence[str], delimiters: Sequence[str], expected: Expected, on_note: OnNote
) -> _Form:
    """The form of a table of one or two columns, one of which names clips from the first line on.

    Raises:
        DatasetError: it is no such table.
    """
    rows = {one: [_fields_of_one(line, one) for line in lines] for one in delimiters}
    named = {one: sum(any(map(expected.is_clip, row)) for row in rows[one]) for one in delimiters}
    best = max(delimiters, key=lambda one: (named[one], sum(len(row) == 2 for row in rows[one])))
    first = rows[best][0]
    if len(first) == 1 and expected.is_clip(first[0]):
        return _Form(_NO_DELIMITER, ("file_name",), has_header=False)
    if len(first) != 2 or not any(map(expected.is_clip, first)):
        raise DatasetError(
            f"{text.path} has no column that is known in its first line, {lines[0].strip()[:80]!r}; call one file_name "
            "and one caption."
        )
    place = 0 if expected.is_clip(first[0]) else 1
    columns = ("file_name", "caption") if place == 0 else ("caption", "file_name")
    on_note(f"{text.path} has no header; column {place + 1} was read as names of files, the other as captions")
    return _Form(best, columns, has_header=False)


def _records(text: TextFile, form: _Form, expected: Expected) -> Iterator[_Record]:
    lines = _Lines(text.lines())
    while (line := lines.peek(0)) is not None and (not line.strip(_NOTHING) or _EXCELS_LINE.fullmatch(line)):
        lines.drop(1)
    if form.has_header:
        lines.drop(1)
    while lines.peek(0) is not None:
        record, taken = _next_record(lines, form, expected)
        if record:
            yield record
        lines.drop(taken)


def _next_record(lines: _Lines, form: _Form, expected: Expected) -> tuple[_Record | None, int]:
    """The record that begins with the next line, and how many lines it takes; none is in a blank line."""
    line, number = lines.peek(0) or "", lines.number
    if not line.strip(_NOTHING):
        return None, 1
    width = len(form.columns)
    if '"' not in line and not (form.escapes and "\\" in line):
        if (fitting := _of_width(line.rstrip("\r\n").split(form.delimiter), width)) is not None:
            return _Record(number, fitting), 1
        return _with_open_end(number, line, form, expected), 1
    miscounted = False
    for escapes in (True, False) if form.escapes else (False, True):
        fields, taken = lines.parse(form.delimiter, escapes=escapes)
        if fields is None or (taken > 1 and _takes_in_rows(lines, taken, width, form.delimiter, expected)):
            continue
        if (fitting := _of_width(fields, width)) is not None:
            return _Record(number, fitting, "escaped" if escapes and '\\"' in line else "quoted"), taken
        miscounted = miscounted or (taken == 1 and not escapes)
    if miscounted:
        return _with_open_end(number, line, form, expected), 1
    return _Record(number, _of_width(_unquoted(line, form.delimiter), width), "plain"), 1


def _takes_in_rows(lines: _Lines, taken: int, width: int, delimiter: str, expected: Expected) -> bool:
    """Whether a field that goes on over lines is in truth a stray quotation mark before rows of other clips."""
    for place in range(1, taken):
        fields = _of_width(_unquoted(lines.peek(place) or "", delimiter), width)
        if fields and any(map(expected.is_clip, fields)):
            return True
    return False


def _of_width(fields: list[str], width: int) -> list[str] | None:
    """The fields, without blank ones that stand beyond the header's; None where there are more or fewer."""
    if len(fields) > width and not any(field.strip() for field in fields[width:]):
        return fields[:width]
    return fields if len(fields) == width else None


def _with_open_end(number: int, line: str, form: _Form, expected: Expected) -> _Record:
    """A row in whose last field, a text without quotation marks around it, there are commas as people set them."""
    fields, last = _unquoted(line, form.delimiter), len(form.columns) - 1
    is_text = folded(form.columns[-1]) in expected.texts
    if is_text and len(fields) > last + 1 and all(field.startswith(" ") for field in fields[last + 1 :]):
        return _Record(number, [*fields[:last], form.delimiter.join(fields[last:])], "open")
    return _Record(number, None)


def _unquoted(line: str, delimiter: str) -> list[str]:
    """The fields of a line in which quotation marks are text, but for those around a whole field."""
    fields = line.rstrip("\r\n").split(delimiter)
    return [one[1:-1] if len(one) > 1 and one[0] == one[-1] == '"' else one for one in fields]


def _fields_of_one(line: str, delimiter: str) -> list[str]:
    fields, _ = _Lines(iter([line])).parse(delimiter, escapes=False)
    return fields if fields is not None else _unquoted(line, delimiter)


def _backslashes_escape(text: TextFile, delimiter: str) -> bool:
    r"""Whether quotation marks within fields stand behind backslashes, all of them: no other program writes `\"a`."""
    edge = re.escape(delimiter) + "\r\n"
    escaped, bare = re.compile(rf'\\"[^"{edge}]'), re.compile(rf'[^\\{edge}]"[^{edge}]')
    found = False
    for line in text.lines():
        if '"' in line:
            if bare.search(line):
                return False
            found = found or escaped.search(line) is not None
    return found


def names_a_clip(text: TextFile, expected: Expected) -> bool:
    """Whether a text is a table, by its first line: that names a clip and says something of it, or is a header."""
    line = next((line for line in text.lines() if line.strip(_NOTHING)), "")
    rows = [_fields_of_one(line, delimiter) for delimiter in DELIMITERS]
    return any(len(row) > 1 and _begins_table(row, expected) for row in rows)


def _begins_table(row: list[str], expected: Expected) -> bool:
    return any(map(expected.is_clip, row)) or (
        any(folded(cell) in expected.names for cell in row) and any(folded(cell) in expected.texts for cell in row)
    )


class _Lines:
    """Lines of a file, some of which are looked at before it is known whose they are."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._ahead: deque[str] = deque()
        self.number = 1  # of the line that is next, from 1

    def peek(self, place: int) -> str | None:
        """The line so many places on; None beyond the end."""
        while len(self._ahead) <= place:
            line = next(self._lines, None)
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[place]

    def drop(self, count: int) -> None:
        for _ in range(count):
            self._ahead.popleft()
        self.number += count

    def parse(self, delimiter: str, *, escapes: bool) -> tuple[list[str] | None, int]:
        """The fields of the record that begins here, as a program writes them that quotes with care, and its lines."""
        taken = 0

        def following() -> Iterator[str]:
            nonlocal taken
            while taken < _MOST_LINES and (line := self.peek(taken)) is not None:
                taken += 1
                yield _with_plain_backslashes(line, delimiter) if escapes else line

        reader = csv.reader(
            following(), delimiter=delimiter, escapechar="\\" if escapes else None, skipinitialspace=True, strict=True
        )
        try:
            return next(reader), taken
        except (csv.Error, StopIteration):
            return None, taken


def _with_plain_backslashes(line: str, delimiter: str) -> str:
    """Backslashes that stand before plain letters doubled, so that they stay: `C:\\new`."""

    def kept(pair: re.Match[str]) -> str:
        return pair[0] if pair[1] in f'\\"\r\n {delimiter}' else f"\\{pair[0]}"

    return re.sub(r"\\(.|\s)", kept, line)
