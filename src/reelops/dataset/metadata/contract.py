"""What the table of clips must be before anything learns from it: pandera's contract.

A table that breaks it was not written by this version, or was changed by hand, or shows a fault; none should travel on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from reelops.dataset.table import SPLITS, ClipRow, clip_facts
from reelops.tables.schema_errors import INFINITE, range_check, validate_table

if TYPE_CHECKING:
    import pandas

SHA256 = r"^[0-9a-f]{64}$"
RATIONAL = r"^[1-9][0-9]*(?:/[1-9][0-9]*)?$"
RANGES: dict[str, tuple[float, float]] = {
    "size_bytes": (1, INFINITE),
    **dict.fromkeys(("width", "height"), (1, INFINITE)),
    "window_frames": (2, INFINITE),
    **dict.fromkeys(("duration_seconds", "start_seconds", "end_seconds"), (0, INFINITE)),
    **dict.fromkeys(("motion", "sharpness", "cuts"), (0, INFINITE)),
    **dict.fromkeys(("brightness", "scene_cut", "still_share", "text_share"), (0, 1)),
}
"""Least and greatest possible value of columns of numbers."""

_OPTIONAL = {"category"}
_PATTERNS = {"sha256": SHA256, "fps": RATIONAL, "window_fps": RATIONAL, "image_path": r"\.png$", "prompt": r"\S"}


def check_clips(rows: Sequence[ClipRow]) -> None:
    """Validates the rows against the schema.

    Raises:
        InputError: they break it; names column, row and value.
        ImportError: pandera is not installed.
    """
    validate_table(clips_contract(), frame_of(rows), "the table of clips", key="clip_id")


def frame_of(rows: Sequence[ClipRow]) -> pandas.DataFrame:
    """The rows as a DataFrame of plain values."""
    import pandas

    return pandas.DataFrame([clip_facts(row) for row in rows], columns=[one.name for one in fields(ClipRow)])


def clips_contract() -> Any:
    """pandera's schema: all columns in their order and no other, ranges, and what goes with what."""
    import pandera.pandas as pandera

    def checks(name: str) -> list[Any]:
        if name in RANGES:
            return [range_check(*RANGES[name])]
        if name in _PATTERNS:
            return [pandera.Check(lambda column: column.str.contains(_PATTERNS[name]), error=f"like {_PATTERNS[name]}")]
        return [pandera.Check.isin(SPLITS)] if name == "split" else []

    columns = {
        one.name: pandera.Column(
            checks=checks(one.name), nullable=one.name in _OPTIONAL, unique=one.name == "clip_id", required=True
        )
        for one in fields(ClipRow)
    }
    together = [
        pandera.Check(lambda frame: frame["captions"].str.len() > 0, error="a clip has a caption"),
        pandera.Check(lambda frame: frame["start_seconds"] < frame["duration_seconds"], error="the window is in it"),
        pandera.Check(lambda frame: frame["end_seconds"] > frame["start_seconds"], error="the window has a length"),
        pandera.Check(
            lambda frame: frame.groupby("origin")["split"].transform("nunique") == 1,
            error="clips of one origin are in one split",
        ),
        pandera.Check(
            lambda frame: frame["clip_id"].is_monotonic_increasing, error="clips are in the order of their ids"
        ),
    ]
    return pandera.DataFrameSchema(columns, together, strict=True, ordered=True)
