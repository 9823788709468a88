"""Cells of CSV files that no spreadsheet takes for a formula.

A prompt, a file's name or a note comes from whoever made the clip, and `=HYPERLINK("http://...")` in a cell is carried
out by the spreadsheet that opens the table. An apostrophe before it makes it text in all of them, as OWASP advises
("CSV Injection"). What began with apostrophes itself gets one more, so that every text comes back as it was.
"""

from __future__ import annotations

_FORMULAS = tuple("=+-@＝＋－＠")  # the wide ones are what spreadsheets of East Asia take for the narrow ones
_BREAKS = ("\t", "\r", "\n")
_MARK = "'"


def to_cell(value: object) -> object:
    """A value as it is written; numbers stay numbers, of any sign."""
    return _MARK + value if isinstance(value, str) and _is_formula(value.lstrip(_MARK)) else value


def from_cell(text: str) -> str:
    """The text that `to_cell` was given."""
    return text[1:] if text.startswith(_MARK) and _is_formula(text.lstrip(_MARK)) else text


def _is_formula(text: str) -> bool:
    return text.startswith(_BREAKS) or text.lstrip().startswith(_FORMULAS)
