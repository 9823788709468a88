"""What people said of clips: a table that only grows, votes.csv in the folder of the clips."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from reelops.errors import InputError
from reelops.foreign import reading_foreign
from reelops.system.csv_cells import from_cell
from reelops.system.exclusive_lock import patient_lock
from reelops.system.files import write_csv_atomically

Better = Literal["left", "right", "same"]
BETTER: tuple[Better, ...] = ("left", "right", "same")
VOTES_NAME = "votes.csv"
_YES, _NO = "yes", "no"


@dataclass(frozen=True)
class Vote:
    """One person's answer to one pair of clips.

    Attributes:
        left, right: the clips' paths, from the folder that was voted on.
        left_sha256, right_sha256: of their bytes, by which they are known again.
        better: which of them was preferred.
        left_usable, right_usable: whether the person would use it.
        voter: a name, as it was given.
        time: when, in ISO 8601.
    """

    left: str
    right: str
    left_sha256: str
    right_sha256: str
    better: Better
    left_usable: bool
    right_usable: bool
    voter: str
    time: str

    def to_row(self) -> list[Any]:
        return [(_YES if value else _NO) if isinstance(value, bool) else value for value in asdict(self).values()]

    @classmethod
    def from_row(cls, row: Mapping[str, str]) -> Vote:
        """The inverse of `to_row`.

        Raises:
            ValueError: it is no vote.
        """
        texts: dict[str, Any] = {name: from_cell(row[name]) for name in COLUMNS}
        if texts["better"] not in BETTER:
            raise ValueError(f"better is {texts['better']!r}; one of {', '.join(BETTER)} is wanted")
        for name in ("left_usable", "right_usable"):
            if texts[name] not in (_YES, _NO):
                raise ValueError(f"{name} is {texts[name]!r}; {_YES} or {_NO} is wanted")
            texts[name] = texts[name] == _YES
        return cls(**texts)


COLUMNS = tuple(field.name for field in fields(Vote))


def read_votes(path: Path) -> list[Vote]:
    """All votes of a table; none where there is no such file.

    Raises:
        InputError: it cannot be read, or is damaged.
    """
    if not path.is_file():
        return []
    with reading_foreign(path, InputError, "is no table of votes"), path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if missing := [name for name in COLUMNS if name not in (rows.fieldnames or COLUMNS)]:
            raise ValueError(f"it has no column {missing[0]}")
        return [Vote.from_row(row) for row in rows]


def add_vote(path: Path, vote: Vote) -> None:
    """One more vote at the end of a table, to which others may be adding theirs.

    Raises:
        InputError: what is there is damaged.
        MachineError: it cannot be written.
    """
    with patient_lock(path.with_name(f".{path.name}.lock")):
        write_votes(path, [*read_votes(path), vote])


def write_votes(path: Path, votes: Sequence[Vote]) -> None:
    """A table of these votes."""
    write_csv_atomically(path, COLUMNS, (vote.to_row() for vote in votes))
