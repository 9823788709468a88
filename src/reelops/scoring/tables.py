"""Scores as a table: one row per clip, one column per metric; CSV for people, Parquet for programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.errors import MachineError
from reelops.foreign import refuse_machine_fault
from reelops.metrics.catalogue import METRICS
from reelops.scoring.scored_clip import ScoredClip
from reelops.system.csv_cells import from_cell
from reelops.system.files import write_atomically, write_csv_atomically
from reelops.system.plain_text import spelt_out

if TYPE_CHECKING:
    import pandas
    import pyarrow

Row = dict[str, Any]

TEXTS = ("clip", "sha256", "answer", "reasons", "limits", "profile", "prompt", "picture", "asked_move", "measured_move")
WHOLE_NUMBERS = ("num_frames", "width", "height")
NUMBERS = ("fps", "move_extent", *METRICS)
LAST = ("notes", "error")
COLUMNS = (*TEXTS, *WHOLE_NUMBERS, *NUMBERS, *LAST)
"""All columns in their order. `reasons` and `notes` hold a line each; what is unknown or was not measured is empty."""

DATA_EXTRA = 'Install it with pip install "reelops[data]".'


def row_of(clip: ScoredClip) -> Row:
    """A clip's row, with None for what is not known. Tables take Unicode alone, so other names are spelt out."""
    row: Row = dict.fromkeys(COLUMNS)
    row |= {"clip": str(clip.path), "sha256": clip.sha256, "answer": clip.answer, "error": clip.error}
    row["notes"] = "\n".join(clip.notes) or None
    if clip.origin:
        picture = str(clip.origin.picture) if clip.origin.picture else None
        row |= {"profile": clip.origin.profile, "prompt": clip.origin.prompt, "picture": picture}
    if clip.scores and clip.verdict:
        row |= _scores_of(clip)
    return {name: spelt_out(value) if isinstance(value, str) else value for name, value in row.items()}


def _scores_of(clip: ScoredClip) -> Row:
    assert clip.scores and clip.verdict
    scores, form = clip.scores, clip.scores.format
    return {
        **{name: value for name, value in scores.items() if name in METRICS},
        "reasons": "\n".join(reason.text for reason in clip.verdict.reasons) or None,
        "limits": clip.verdict.limits,
        "asked_move": scores.asked_move.value if scores.asked_move else None,
        "measured_move": scores.measured_move.value if scores.measured_move else None,
        "move_extent": scores.camera.extent if scores.camera else None,
        "num_frames": form.num_frames,
        "fps": float(form.fps),
        "width": form.width,
        "height": form.height,
    }


def columns_of(clips: Sequence[ScoredClip]) -> dict[str, list[Any]]:
    """The table by columns."""
    rows = [row_of(clip) for clip in clips]
    return {name: [row[name] for row in rows] for name in COLUMNS}


def write_csv(clips: Sequence[ScoredClip], path: Path) -> None:
    """Writes the table as CSV; `read_table` reads everything back as it was.

    Raises:
        MachineError: the file cannot be written.
    """
    write_csv_atomically(path, COLUMNS, ([*row_of(clip).values()] for clip in clips))


def write_parquet(clips: Sequence[ScoredClip], path: Path) -> None:
    """Writes the table as Parquet.

    Raises:
        MachineError: pyarrow is not installed, or the file cannot be written.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MachineError(f"Parquet needs pyarrow, which is not installed. {DATA_EXTRA}") from error
    table = pyarrow.table(columns_of(clips), schema=parquet_schema())
    # Opened here: pyarrow itself opens no path that is no Unicode.
    with write_atomically(path) as partial, partial.open("wb") as file:
        parquet.write_table(table, file)


def parquet_schema() -> pyarrow.Schema:
    """Stated, since a column without a single value has no type of its own."""
    import pyarrow

    kinds = {**dict.fromkeys(WHOLE_NUMBERS, pyarrow.int64()), **dict.fromkeys(NUMBERS, pyarrow.float64())}
    return pyarrow.schema([(name, kinds.get(name, pyarrow.string())) for name in COLUMNS])


def frame_of(clips: Sequence[ScoredClip]) -> pandas.DataFrame:
    """The table as a DataFrame with the types of `DTYPES`."""
    import pandas

    return pandas.DataFrame(columns_of(clips), columns=list(COLUMNS)).astype(dtypes())


def read_table(path: Path) -> pandas.DataFrame:
    """A table that `write_csv` or `write_parquet` wrote, by its ending; not yet checked, see `contracts.check_table`.

    Raises:
        InputError: it cannot be read as such a table.
    """
    import pandas

    from reelops.errors import InputError

    try:
        if path.suffix.lower() == ".parquet":
            with path.open("rb") as file:
                frame = pandas.read_parquet(file)
        else:
            # Only an empty field is no value: a clip may be called "NA".
            frame = pandas.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
            frame = frame.map(from_cell, na_action="ignore")
        return frame.astype({name: kind for name, kind in dtypes().items() if name in frame})
    except (OSError, ValueError, TypeError, UnicodeDecodeError) as error:
        refuse_machine_fault(path, error)
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is no table of scores: {reason}. Give one that reelops score wrote.") from error


def dtypes() -> dict[str, str]:
    """pandas' name for the type of each column; whole numbers may be missing."""
    return {
        **dict.fromkeys((*TEXTS, *LAST), "string"),
        **dict.fromkeys(WHOLE_NUMBERS, "Int64"),
        **dict.fromkeys(NUMBERS, "float64"),
    }
