"""Clips to train on, as the table of the stage `metadata` names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

from reelops.errors import DatasetError

Split = Literal["train", "validation", "test"]
COLUMNS = ("clip_id", "sha256", "video_path", "image_path", "start_seconds", "prompt", "captions", "split")


@dataclass(frozen=True)
class TrainingClip:
    """One clip.

    Attributes:
        sha256: of the video's bytes.
        picture: the conditioning picture; None takes the first frame.
        start: seconds after the video's first frame.
        captions: the prompt, then others that say the same; never empty.
    """

    clip_id: str
    sha256: str
    video: Path
    picture: Path | None
    start: Fraction
    captions: tuple[str, ...]
    split: Split


def read_training_clips(table: Path, root: Path) -> list[TrainingClip]:
    """The clips of a table, by their ids.

    Args:
        root: what its paths are relative to.

    Raises:
        DatasetError: there is no table, or it is none of clips.
    """
    if not table.is_file():
        raise DatasetError(f"There is no table of clips at {table}. Make it with `dvc repro metadata`.")
    import pyarrow.parquet as parquet

    try:
        known = parquet.read_schema(table).names
        missing = [column for column in COLUMNS if column not in known]
        rows = [] if missing else parquet.read_table(table, columns=list(COLUMNS), use_threads=False).to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's own errors are of these kinds
        raise DatasetError(
            f"{table} is no table of clips: {error}. Make it again with `dvc repro metadata`."
        ) from error
    if missing:
        raise DatasetError(
            f"{table} has no column {', '.join(missing)}. Make it again with `dvc repro --force metadata`."
        )
    return sorted((_clip(row, table, root) for row in rows), key=lambda clip: clip.clip_id)


def _clip(row: dict[str, object], table: Path, root: Path) -> TrainingClip:
    split = str(row["split"])
    if split not in get_args(Split):
        raise DatasetError(f"{table}: clip {row['clip_id']} is of split {split!r}; {', '.join(get_args(Split))} exist.")
    others = row["captions"] if isinstance(row["captions"], Sequence) else ()
    captions = dict.fromkeys(text for text in (str(row["prompt"] or ""), *map(str, others)) if text.strip())
    return TrainingClip(
        clip_id=str(row["clip_id"]),
        sha256=str(row["sha256"]),
        video=root / str(row["video_path"]),
        picture=root / str(row["image_path"]) if row["image_path"] else None,
        start=Fraction(str(row["start_seconds"])).limit_denominator(1_000_000),
        captions=tuple(captions) or ("",),
        split=split,  # type: ignore[arg-type]
    )
