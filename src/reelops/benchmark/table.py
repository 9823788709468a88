"""Figures for people: rows of words under their columns, for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """Rows of words under their columns; the note says what they are about."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""

    @classmethod
    def of(cls, title: str, rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> Table:
        """From the rows' fields.

        Args:
            columns: title of each column, and the field that it shows.
        """
        cells = tuple(tuple(in_words(row[field]) for field in columns.values()) for row in rows)
        return cls(title, tuple(columns), cells)

    def to_markdown(self) -> str:
        lines = [
            f"## {self.title}",
            "",
            *([self.note, ""] if self.note else []),
            f"| {' | '.join(self.columns)} |",
            "|---" * len(self.columns) + "|",
        ]
        return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in self.rows)]) + "\n"


def in_words(value: Any) -> str:
    """Three digits of a float, `not measured` for None, anything else as it is."""
    if value is None:
        return "not measured"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
