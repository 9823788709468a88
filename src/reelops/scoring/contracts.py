"""What a table of scores must be, where it is written and where it is read: pandera's contract.

The ranges are those that the metrics state. A table that breaks the contract was not written by this version, or was
changed by hand, or shows a fault of a metric; none of these should travel on.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.camera.moves import CameraMove
from reelops.metrics.catalogue import METRICS
from reelops.scoring.scored_clip import ANSWERS, UNREADABLE, ScoredClip
from reelops.scoring.tables import COLUMNS, DATA_EXTRA, NUMBERS, WHOLE_NUMBERS, dtypes, frame_of, read_table
from reelops.tables.schema_errors import INFINITE, hold_to, within

if TYPE_CHECKING:
    import pandas


_OF_CLIPS: dict[str, tuple[float, float]] = {
    "num_frames": (2, INFINITE),
    "width": (1, INFINITE),
    "height": (1, INFINITE),
    "fps": (0, INFINITE),
    "move_extent": (0, INFINITE),
}

SHA256 = r"^[0-9a-f]{64}$"


def range_of(column: str) -> tuple[float, float]:
    """Least and greatest value that a column of numbers can hold."""
    metric = METRICS.get(column)
    return (metric.low, metric.high) if metric else _OF_CLIPS[column]


def check_table(clips: Sequence[ScoredClip]) -> list[str]:
    """Holds the table of these clips to the contract.

    Returns:
        What the user should be told aloud: that it could not be checked, where pandera is not installed.

    Raises:
        InputError: it breaks the contract.
    """
    try:
        frame = frame_of(clips)
        validate(frame, "the table of scores")
    except ImportError:
        return [f"the table was not held to its contract, as pandera is not installed. {DATA_EXTRA}"]
    return []


def read_checked(path: Path) -> pandas.DataFrame:
    """A table of scores from a CSV or Parquet file, held to the contract.

    Raises:
        InputError: it cannot be read, or breaks the contract; names column, row and value.
    """
    frame = read_table(path)
    validate(frame, str(path))
    return frame


def validate(frame: pandas.DataFrame, name: str) -> None:
    """Holds a table to the contract.

    Raises:
        InputError: it breaks it.
    """
    hold_to(table_schema(), frame, name, key="clip")


def table_schema() -> Any:
    """pandera's schema of the table: all columns in their order and no other, ranges, and what goes with what."""
    import pandera.pandas as pandera

    checks: dict[str, list[Any]] = {
        "sha256": [pandera.Check.str_matches(SHA256)],
        "answer": [pandera.Check.isin(ANSWERS)],
        **{name: [pandera.Check.isin([move.value for move in CameraMove])] for name in ("asked_move", "measured_move")},
        **{name: [within(*range_of(name))] for name in (*WHOLE_NUMBERS, *NUMBERS)},
    }
    always = {"clip", "answer"}
    columns = {
        name: pandera.Column(kind, checks.get(name), nullable=name not in always, unique=name == "clip")
        for name, kind in dtypes().items()
    }
    together = [
        pandera.Check(
            lambda frame: (frame["answer"] == UNREADABLE) == frame["error"].notna(),
            error="a clip has an error if, and only if, it could not be scored",
        ),
        pandera.Check(
            lambda frame: (frame["answer"] == UNREADABLE) | frame["num_frames"].notna(),
            error="a clip that was scored has its format",
        ),
        pandera.Check(
            lambda frame: frame["reasons"].notna() == frame["answer"].isin(["review", "reject"]),
            error="a clip has reasons if, and only if, it was not accepted",
        ),
    ]
    return pandera.DataFrameSchema({name: columns[name] for name in COLUMNS}, together, strict=True, ordered=True)
