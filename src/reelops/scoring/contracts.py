"""What a table of scores must be, where it is written and where it is read: pandera's contract.

The ranges are those that the metrics state. A table that breaks the contract was not written by this version, or was
changed by hand, or shows a fault of a metric; none of these should travel on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reelops.camera.moves import CameraMove
from reelops.metrics.catalogue import METRICS
from reelops.scoring.scored_clip import ANSWERS, UNREADABLE, ScoredClip
from reelops.scoring.tables import COLUMNS, DATA_EXTRA, NUMBERS, WHOLE_NUMBERS, dtypes, frame_of
from reelops.tables.schema_errors import INFINITE, range_check, validate_table

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
    """Validates the table of these clips against its schema.

    Returns:
        A warning where pandera is not installed, so that it could not be checked.

    Raises:
        InputError: it breaks the contract.
    """
    try:
        frame = frame_of(clips)
        validate(frame, "the table of scores")
    except ImportError:
        return [f"the table was not checked against its schema, as pandera is not installed. {DATA_EXTRA}"]
    return []


def validate(frame: pandas.DataFrame, name: str) -> None:
    """Validates a table of scores against its schema.

    Raises:
        InputError: it does not fit; names column, row and value.
    """
    validate_table(table_schema(), frame, name, key="clip")


def table_schema() -> Any:
    """pandera's schema of the table: all columns in their order and no other, ranges, and what goes with what."""
    import pandera.pandas as pandera

    checks: dict[str, list[Any]] = {
        "sha256": [pandera.Check.str_matches(SHA256)],
        "answer": [pandera.Check.isin(ANSWERS)],
        **{name: [pandera.Check.isin([move.value for move in CameraMove])] for name in ("asked_move", "measured_move")},
        **{name: [range_check(*range_of(name))] for name in (*WHOLE_NUMBERS, *NUMBERS)},
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
