"""Clips to train on, as the table of the stage `metadata` names them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from reelops.dataset.entry import Split
from reelops.dataset.table import ClipRow, read_clips


@dataclass(frozen=True)
class TrainingClip:
    """One clip.

    Attributes:
        sha256: of the video's bytes.
        picture: the conditioning picture.
        start: seconds after the video's first frame.
        captions: the prompt, then others that say the same; never empty.
    """

    clip_id: str
    sha256: str
    video: Path
    picture: Path
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
    return [_clip(row, root) for row in read_clips(table)]


def _clip(row: ClipRow, root: Path) -> TrainingClip:
    captions = dict.fromkeys(text for text in (row.prompt, *row.captions) if text.strip())
    return TrainingClip(
        clip_id=row.clip_id,
        sha256=row.sha256,
        video=root / row.video_path,
        picture=root / row.image_path,
        start=row.start,
        captions=tuple(captions) or ("",),
        split=row.split,
    )
