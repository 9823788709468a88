"""The table of clips that models are trained on, and the one of quarantined clips.

data/metadata/clips.parquet          one row per clip, by clip id
data/metadata/clips.jsonl            the same, an object a line, with `video_path`, `image_path` and `prompt` first
data/metadata/quarantine.parquet     a row for each quarantined clip, with its reason and the evidence
data/metadata/images/                the pictures that clips start from

No dates and no places on this machine: the same clips and settings give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reelops.dataset.entry import Split
from reelops.errors import DatasetError, MachineError
from reelops.foreign import printable, reading_foreign
from reelops.system.files import write_atomically

if TYPE_CHECKING:
    import pyarrow

FOLDER = Path("data/metadata")
CLIPS = FOLDER / "clips.parquet"
CLIPS_JSONL = FOLDER / "clips.jsonl"
QUARANTINE = FOLDER / "quarantine.parquet"
IMAGES = FOLDER / "images"
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

_ROWS_AT_ONCE = 1000
_MISSING_PYARROW = 'The table of clips needs pyarrow, which is not here; pip install "reelops[data]".'


@dataclass(frozen=True)
class ClipRow:
    """A clip to learn from: which part of which video, what it shows, and what it is like.

    Attributes:
        clip_id: `<source>/<the publisher's own name>`, unique, the same for ever.
        origin: what it was cut from; clips of one origin are in one split.
        sha256: of the video file.
        video_path, image_path: from the project's folder; a video of one's own may lie elsewhere.
        fps, width, height, duration_seconds: of the whole video file, as shown.
        start_seconds, end_seconds: the window to learn from, after the file's first frame: up to just before the end.
        window_frames, window_fps: how many pictures the window gives, at which rate.
        captions: all that can be used, cleaned; `prompt` is made of one of them.
        motion: mean optical flow in the window, pixels at 480 rows from picture to picture.
        sharpness: mean over the window, grey levels squared at 240 rows.
        brightness: mean over the window, 0 to 1.
        scene_cut: the strongest break within the window, 0 to 1.
        still_share: share of the window's steps in which nothing changes.
        text_share: share of the picture that letters seem to cover.
        cuts: in the part of the video in which the window was looked for.
    """

    clip_id: str
    source: str
    origin: str
    category: str | None
    licence: str
    split: Split
    sha256: str
    size_bytes: int
    video_path: Path
    image_path: Path
    fps: Fraction
    width: int
    height: int
    duration_seconds: float
    start_seconds: float
    end_seconds: float
    window_frames: int
    window_fps: Fraction
    captions: tuple[str, ...]
    prompt: str
    motion: float
    sharpness: float
    brightness: float
    scene_cut: float
    still_share: float
    text_share: float
    cuts: int

    @property
    def start(self) -> Fraction:
        """`start_seconds`, exactly."""
        return Fraction(str(self.start_seconds))

    @property
    def end(self) -> Fraction:
        """`end_seconds`, exactly."""
        return Fraction(str(self.end_seconds))


class Reason(StrEnum):
    """Why a clip is quarantined."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    NOT_A_VIDEO = "not_a_video"
    NO_PICTURES = "no_pictures"
    DAMAGED = "damaged"
    CRASHED = "crashed"
    TOO_SHORT = "too_short"
    TOO_SMALL = "too_small"
    BLACK = "black"
    CUT_RIDDEN = "cut_ridden"
    STILL = "still"
    MOSTLY_TEXT = "mostly_text"
    NO_CAPTION = "no_caption"
    NEAR_DUPLICATE = "near_duplicate"


@dataclass(frozen=True)
class QuarantinedClip:
    """A clip that nothing is to learn from.

    Attributes:
        evidence: what was found, in a sentence.
        other: the id of the clip that a near duplicate gave way to.
    """

    clip_id: str
    source: str
    video_path: Path
    sha256: str | None
    reason: Reason
    evidence: str
    other: str | None = None


def read_clips(path: Path) -> list[ClipRow]:
    """All rows of clips.parquet, by clip id.

    Raises:
        DatasetError: there is no such table, it is damaged, or of another version.
        MachineError: pyarrow is not installed, or this machine cannot read it now.
    """
    rows = _read(path)
    with reading_foreign(path, DatasetError, "is damaged", "run `reelops metadata` again"):
        return [_clip_row(plain) for plain in rows]


def write_clips(rows: Iterable[ClipRow], parquet: Path, jsonl: Path) -> int:
    """Writes both forms of the table, a thousand rows at a time; says how many rows there are.

    Raises:
        MachineError: pyarrow is not installed, or a file cannot be written.
    """
    count = 0

    def told_as_text(path: Path) -> Iterator[dict[str, Any]]:
        nonlocal count
        with path.open("w", encoding="utf-8") as file:
            for row in rows:
                count += 1
                plain = clip_facts(row)
                first = {name: plain[name] for name in ("video_path", "image_path", "prompt")}
                file.write(json.dumps(first | plain, ensure_ascii=False) + "\n")
                yield plain

    with write_atomically(jsonl) as partial:
        _write(told_as_text(partial), parquet, clips_schema())
    return count


def write_quarantine(clips: Iterable[QuarantinedClip], path: Path) -> None:
    """Writes the table of quarantined clips.

    Raises:
        MachineError: pyarrow is not installed, or the file cannot be written.
    """
    _write((clip_facts(clip) for clip in clips), path, quarantine_schema())


def clips_schema() -> pyarrow.Schema:
    """The columns of clips.parquet in their order."""
    import pyarrow

    kinds = {
        **dict.fromkeys(("size_bytes",), pyarrow.int64()),
        **dict.fromkeys(("width", "height", "window_frames", "cuts"), pyarrow.int32()),
        **dict.fromkeys(("duration_seconds", "start_seconds", "end_seconds"), pyarrow.float64()),
        **dict.fromkeys(("motion", "sharpness", "brightness", "scene_cut"), pyarrow.float64()),
        **dict.fromkeys(("still_share", "text_share"), pyarrow.float64()),
        "captions": pyarrow.list_(pyarrow.string()),
    }
    return _schema(ClipRow, kinds, optional=("category",))


def quarantine_schema() -> pyarrow.Schema:
    """The columns of quarantine.parquet in their order."""
    return _schema(QuarantinedClip, {}, optional=("sha256", "other"))


def _schema(of: type, kinds: dict[str, Any], optional: tuple[str, ...]) -> pyarrow.Schema:
    import pyarrow

    return pyarrow.schema(
        [
            pyarrow.field(one.name, kinds.get(one.name, pyarrow.string()), nullable=one.name in optional)
            for one in fields(of)
        ]
    )


def clip_facts(row: ClipRow | QuarantinedClip) -> dict[str, Any]:
    """A row as JSON values."""
    values = asdict(row)
    for name, value in values.items():
        if isinstance(value, Path):
            values[name] = value.as_posix()
        elif isinstance(value, Fraction):
            values[name] = str(value)
        elif isinstance(value, tuple):
            values[name] = list(value)
    return values


def _clip_row(plain: dict[str, Any]) -> ClipRow:
    for name in ("video_path", "image_path"):
        plain[name] = Path(plain[name])
    for name in ("fps", "window_fps"):
        plain[name] = Fraction(plain[name])
    return ClipRow(**{**plain, "captions": tuple(plain["captions"])})


def _write(rows: Iterator[dict[str, Any]], path: Path, schema: pyarrow.Schema) -> None:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MachineError(_MISSING_PYARROW) from error
    with (
        write_atomically(path) as partial,
        partial.open("wb") as file,  # pyarrow itself opens no path that is no Unicode
        parquet.ParquetWriter(file, schema, version="2.6", compression="zstd", compression_level=3) as writer,
    ):
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            writer.write_table(pyarrow.Table.from_pylist(some, schema=schema))


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MachineError(_MISSING_PYARROW) from error
    if not path.is_file():
        raise DatasetError(f"There is no {path}; run `reelops metadata` first.")
    with reading_foreign(path, DatasetError, "cannot be read", "run `reelops metadata` again"), path.open("rb") as file:
        # A table that is read whole needs no threads, and none are left behind in processes that fork.
        rows: list[dict[str, Any]] = parquet.read_table(file, use_threads=False).to_pylist()
    names = {one.name for one in fields(ClipRow)}
    if rows and set(rows[0]) != names:
        wrong = printable(", ".join(sorted(set(rows[0]) ^ names)))
        raise DatasetError(f"{path} is of another version ({wrong}). Run `reelops metadata` again.")
    return rows
