"""Panda-70M: captions for 70 million clips of web videos (Chen et al., CVPR 2024), by the CSVs that were published.

Its owners give access by hand, so nothing of it is downloaded here until they have; the CSVs can be checked before.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from reelops.dataset.entry import Entry, OnNote, Segment, is_clip_name, split_in, youtube_page
from reelops.dataset.location import Location
from reelops.dataset.sources.contract import Shelf, SourceParams
from reelops.dataset.sources.delimited import Expected, read_delimited
from reelops.dataset.sources.field_values import folded, seconds
from reelops.dataset.sources.pages import PageShelf
from reelops.dataset.sources.shelves import ClosedShelf, shelf_at
from reelops.dataset.sources.text_file import open_text
from reelops.errors import DatasetError
from reelops.foreign import reason_of

COLUMNS = ("videoID", "url", "timestamp", "caption", "matching_score")
LICENCE = "Snap's non-commercial research licence; the videos belong to those who published them"
_VIDEO = re.compile(r"[A-Za-z0-9_-]{11}")
_EXPECTED = Expected(
    ("videoid",), tuple(map(folded, COLUMNS)), lambda cell: _VIDEO.fullmatch(cell) is not None, delimiter=","
)
NO_ACCESS = (
    "Panda-70M is given to people who have asked its owners: see docs/datasets.md, then set access_granted of this "
    "source to true. Until then its CSVs are only checked"
)
NO_RIGHTS = (
    "Panda-70M's videos stay where they are: set i_have_the_rights of this source to true if you may download them, or "
    "give your own copies under `videos`"
)


class Panda70mParams(SourceParams):
    """The source `panda70m`.

    Attributes:
        annotations: the published CSVs, on this machine; a name with `train`, `val` or `test` tells the split.
        videos: where copies are: folders or archives of clips or of whole videos.
        access_granted: whether the owners have approved you; without it nothing is fetched.
        i_have_the_rights: whether you may download the videos from their pages.
        least_matching_score: clips whose caption fits them less are left out; from 0 to 1.
    """

    kind: Literal["panda70m"]
    annotations: tuple[Location, ...] = Field(min_length=1)
    videos: tuple[Location, ...] = ()
    access_granted: bool = False
    i_have_the_rights: bool = False
    least_matching_score: float = Field(default=0.0, ge=0.0, le=1.0)


class Panda70m:
    """Clips by the video and their place in its row: `--02jIpFUXk_00003`."""

    def __init__(self, params: Panda70mParams) -> None:
        self.name = params.name or params.kind
        self._params = params

    def listings(self) -> Sequence[Location]:
        for location in self._params.annotations:
            if location.url:
                raise DatasetError(f"{self.name}: {location} is not fetched; {NO_ACCESS}. Give the CSV's path.")
        return self._params.annotations

    def entries(self, listings: Sequence[Path], on_note: OnNote) -> Iterator[Entry]:
        for path in listings:
            split = split_in(path.stem)
            for number, row in enumerate(read_delimited(open_text(path, on_note), _EXPECTED, on_note), start=1):
                missing = [column for column in COLUMNS if column not in row]
                if missing:
                    raise DatasetError(f"{path} is no CSV of Panda-70M: it has no column {', '.join(missing)}.")
                try:
                    parts = _parts(row)
                except ValueError as error:
                    on_note(f"{path}, row {number} ({str(row['videoID'])[:40]!r}) was left out: {error}")
                    continue
                video = row["videoID"]
                for place, (segment, caption, score) in enumerate(parts):
                    if score >= self._params.least_matching_score:
                        yield Entry(
                            source=self.name,
                            clip_id=f"{video}_{place:05d}",
                            captions=(caption,) if caption else (),
                            licence=LICENCE,
                            origin=f"youtube:{video}",
                            split=split,
                            segment=segment,
                            page=youtube_page(video),
                        )

    def shelves(self) -> Sequence[Shelf]:
        if not self._params.access_granted:
            return [ClosedShelf(NO_ACCESS)]
        given = [shelf_at(place) for place in self._params.videos]
        return [*given, PageShelf() if self._params.i_have_the_rights else ClosedShelf(NO_RIGHTS)]


def _parts(row: dict[str, Any]) -> list[tuple[Segment, str, float]]:
    """The clips of one video.

    Raises:
        ValueError: its lists cannot be read, or are not of one length.
    """
    if not is_clip_name(row["videoID"]):
        raise ValueError("its videoID cannot be a file's name")
    times, captions, scores = (_list_in(row[column], column) for column in COLUMNS[2:])
    if not len(times) == len(captions) == len(scores):
        raise ValueError(f"it has {len(times)} timestamps, {len(captions)} captions and {len(scores)} scores")
    try:
        return [
            (Segment(seconds(start), seconds(end)), str(caption).strip(), float(score))
            for (start, end), caption, score in zip(times, captions, scores, strict=True)
        ]
    except (TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"a timestamp or score is of the wrong form ({reason_of(error)})") from error


def _list_in(text: str, column: str) -> list[Any]:
    """The lists are written as Python writes them."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError(f"its {column} is no list") from error
    if not isinstance(value, list):
        raise ValueError(f"its {column} is no list")
    return value
