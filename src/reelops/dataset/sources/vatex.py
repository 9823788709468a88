"""VATEX: ten-second parts of web videos, 10 English sentences each (Wang et al., ICCV 2019)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from reelops.dataset.entry import Entry, OnNote, Segment, split_in, youtube_page
from reelops.dataset.location import Location
from reelops.dataset.sources.contract import Shelf, SourceParams
from reelops.dataset.sources.field_values import captions_of, shown_row
from reelops.dataset.sources.pages import PageShelf
from reelops.dataset.sources.shelves import ClosedShelf, shelf_at
from reelops.dataset.sources.tables import read_json
from reelops.errors import DatasetError

# Kinetics-600 named its clips so: the video's 11 letters, then start and end in seconds.
_NAME = re.compile(r"(?P<video>[A-Za-z0-9_-]{11})_(?P<start>[0-9]{6})_(?P<end>[0-9]{6})")
LICENCE = "annotations CC BY 4.0; the videos belong to those who published them"
NO_RIGHTS = (
    "VATEX's videos stay where they are: set i_have_the_rights of this source to true if you may download them, or "
    "give your own copies under `videos`"
)


class VatexParams(SourceParams):
    """The source `vatex`.

    Attributes:
        annotations: vatex_training_v1.0.json and its siblings; the file's name tells the split.
        videos: where copies are: folders, archives, or addresses with `{clip}`, or `{video}` for whole videos.
        checksums: a file of sha256sum's form, for addresses of single clips.
        i_have_the_rights: whether you may download the videos from their pages; without it nobody does.
    """

    kind: Literal["vatex"]
    annotations: tuple[Location, ...] = Field(min_length=1)
    videos: tuple[Location, ...] = ()
    checksums: Path | None = None
    i_have_the_rights: bool = False


class Vatex:
    """Clips by the annotations' own names: `Ptf_2VRj-V0_000122_000132`."""

    def __init__(self, params: VatexParams) -> None:
        self.name = params.name or params.kind
        self._params = params

    def listings(self) -> Sequence[Location]:
        return self._params.annotations

    def entries(self, listings: Sequence[Path], on_note: OnNote) -> Iterator[Entry]:
        for path in listings:
            rows = read_json(path, on_note)
            if not isinstance(rows, list):
                raise DatasetError(
                    f"{path} is no annotation of VATEX: a list of clips with videoID and enCap is wanted."
                )
            for row in rows:
                entry = self._entry(row, path)
                if entry:
                    yield entry
                else:
                    on_note(f"{path} has a row without a name such as Ptf_2VRj-V0_000122_000132: {shown_row(row)}")

    def shelves(self) -> Sequence[Shelf]:
        given = [shelf_at(place, self._params.checksums) for place in self._params.videos]
        return [*given, PageShelf() if self._params.i_have_the_rights else ClosedShelf(NO_RIGHTS)]

    def _entry(self, row: Any, path: Path) -> Entry | None:
        name = row.get("videoID") if isinstance(row, dict) else None
        match = _NAME.fullmatch(name) if isinstance(name, str) else None
        if not match or int(match["start"]) >= int(match["end"]):
            return None
        return Entry(
            source=self.name,
            clip_id=match[0],
            captions=captions_of(row.get("enCap")),
            licence=LICENCE,
            origin=f"youtube:{match['video']}",
            split=split_in(path.stem),
            segment=Segment(Fraction(match["start"]), Fraction(match["end"])),
            page=youtube_page(match["video"]),
        )
