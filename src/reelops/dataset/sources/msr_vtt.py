"""MSR-VTT: 10,000 clips of web videos, 20 English sentences each (Xu et al., CVPR 2016), in its published forms."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from reelops.dataset.entry import (
    Entry,
    OnNote,
    Segment,
    Split,
    is_clip_name,
    split_in,
    youtube_id,
    youtube_page,
)
from reelops.dataset.location import Location
from reelops.dataset.sources.contract import Shelf, SourceParams
from reelops.dataset.sources.delimited import Expected
from reelops.dataset.sources.field_values import captions_of, first_of, folded, scalar_text, seconds, shown_row
from reelops.dataset.sources.json_rows import rows_in
from reelops.dataset.sources.notes import Tally
from reelops.dataset.sources.shelves import ClosedShelf, shelf_at
from reelops.dataset.sources.tables import DELIMITED, read_json, read_rows
from reelops.errors import DatasetError

# By their numbers, from 0, as in the publisher's category.txt.
CATEGORIES = (
    "music", "people", "gaming", "sports/actions", "news/events/politics", "education", "tv shows", "movie/comedy",
    "animation", "vehicles/autos", "howto", "travel", "science/technology", "animals/pets", "kids/family",
    "documentary", "food/drink", "cooking", "beauty/fashion", "advertisement",
)  # fmt: skip
LICENCE = "research use; the videos belong to those who published them"
_FACTS = ("category", "url", "start time", "end time")
# As `folded` has them. LAVIS and UMT name a clip by its file, under `video`; VALOR's captions are called `desc`.
_CLIP_KEYS = ("videoid", "imageid", "video", "clipname", "clipid", "videopath", "filename", "id")
_CAPTION_KEYS = ("caption", "captions", "sentence", "sentences", "desc", "description", "text")
_CLIP_FILE = re.compile(r"(?:.*[/\\])?(video[0-9]{1,6})(?:\.[A-Za-z0-9]{2,5})?")
NO_PLACE = "no place for the videos of MSR-VTT is given; name folders, archives or addresses under `videos`"


_EXPECTED = Expected(
    _CLIP_KEYS, (*_CLIP_KEYS, *_CAPTION_KEYS), lambda cell: _CLIP_FILE.fullmatch(cell.strip()) is not None
)


class MsrVttParams(SourceParams):
    """The source `msr_vtt`.

    Attributes:
        annotations: JSON files in any published form, split CSVs, or zips of them. Where split CSVs are given, only the
            clips that they name are listed.
        videos: where the clips are: folders, archives, or addresses with `{clip}`.
        checksums: a file of sha256sum's form, for addresses of single clips.
        categories: only these, by name or number; `news` means news/events/politics.
    """

    kind: Literal["msr_vtt"]
    annotations: tuple[Location, ...] = Field(min_length=1)
    videos: tuple[Location, ...] = ()
    checksums: Path | None = None
    categories: tuple[Annotated[int, Field(ge=0, lt=len(CATEGORIES))], ...] = ()

    @field_validator("categories", mode="before")
    @classmethod
    def _by_name(cls, given: Any) -> Any:
        return tuple(map(_category_number, given)) if isinstance(given, list | tuple) else given


@dataclass
class _Clip:
    """What the annotations say of one clip, gathered from all of them; captions are keys, so each stands once."""

    captions: dict[str, None] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    split: Split | None = None
    listed_split: Split | None = None


class MsrVtt:
    """Clips by the annotations' own names: `video0` to `video9999`."""

    def __init__(self, params: MsrVttParams) -> None:
        self.name = params.name or params.kind
        self._params = params

    def listings(self) -> Sequence[Location]:
        return self._params.annotations

    def entries(self, listings: Sequence[Path], on_note: OnNote) -> Iterator[Entry]:
        clips: dict[str, _Clip] = defaultdict(_Clip)
        tables = [path for path in listings if path.suffix.lower() in DELIMITED]
        for path in listings:
            if path not in tables:
                _add_annotations(path, clips, on_note)
        for path in tables:
            _add_split_list(path, clips, on_note)
        for clip_id, clip in clips.items():
            number = clip.facts.get("category")
            if (tables and not clip.listed_split) or (
                self._params.categories and number not in self._params.categories
            ):
                continue
            if is_clip_name(clip_id):
                yield self._entry(clip_id, clip, on_note)
            else:
                on_note(f"{self.name}: {shown_row(clip_id)} cannot be a clip's name and was left out")

    def shelves(self) -> Sequence[Shelf]:
        return [shelf_at(place, self._params.checksums) for place in self._params.videos] or [ClosedShelf(NO_PLACE)]

    def _entry(self, clip_id: str, clip: _Clip, on_note: OnNote) -> Entry:
        number = clip.facts.get("category")
        video = youtube_id(scalar_text(clip.facts.get("url")) or "")
        segment = None
        if "start time" in clip.facts:
            try:
                segment = Segment(seconds(clip.facts["start time"]), seconds(clip.facts.get("end time")))
            except ValueError as error:
                on_note(f"{self.name}: the published times of {clip_id} are wrong and were left out: {error}")
        return Entry(
            source=self.name,
            clip_id=clip_id,
            captions=tuple(clip.captions),
            licence=LICENCE,
            origin=f"youtube:{video}" if video else f"msr_vtt:{clip_id}",
            category=CATEGORIES[number] if isinstance(number, int) and number in range(len(CATEGORIES)) else None,
            split=clip.listed_split or clip.split,
            segment=segment,
            page=youtube_page(video) if video else None,
        )


def _add_annotations(path: Path, clips: dict[str, _Clip], on_note: OnNote) -> None:
    """The forms: videos and sentences; images and annotations (the COCO way); a list of rows, each with a clip.

    Raises:
        DatasetError: it is none of them.
    """
    content = read_json(path, on_note) if path.suffix.lower() == ".json" else list(read_rows(path, _EXPECTED, on_note))
    if not isinstance(content, dict):
        videos, sentences = content, []
    elif "sentences" in content:
        videos, sentences = content.get("videos", []), content["sentences"]
    elif "annotations" in content:
        videos, sentences = content.get("images", []), content["annotations"]
    elif any(map(_EXPECTED.is_clip, content)):
        videos, sentences = list(rows_in(content, _EXPECTED)), []
    else:
        raise DatasetError(
            f"{path} is no annotation of MSR-VTT: it has neither 'sentences' nor 'annotations', but "
            f"{', '.join(map(repr, [*content][:5])) or 'nothing'}. Check `annotations` in params.yaml."
        )
    if not isinstance(videos, list) or not isinstance(sentences, list):
        raise DatasetError(f"{path} is no annotation of MSR-VTT: its clips and sentences are not lists.")
    split_of_file = None if sentences else split_in(path.stem)
    unnamed = Tally()
    for row in videos:
        if clip_id := _clip_id(row, path, unnamed):
            clip = clips[clip_id]
            clip.facts.update({key: value for key, value in row.items() if key in _FACTS})
            clip.split = split_in(row.get("split", "")) or split_of_file or clip.split
            if not sentences:
                clip.captions.update(dict.fromkeys(_captions_in(row)))
    for row in sentences:
        if clip_id := _clip_id(row, path, unnamed):
            clips[clip_id].captions.update(dict.fromkeys(_captions_in(row)))
    unnamed.say(on_note)


def _add_split_list(path: Path, clips: dict[str, _Clip], on_note: OnNote) -> None:
    """A table of clips that make up a split; that of 1k-A has a sentence for each."""
    split = split_in(path.stem)
    if split is None:
        raise DatasetError(f"{path} does not say by its name which split it lists; put train, val or test into it.")
    unnamed = Tally()
    for row in read_rows(path, _EXPECTED, on_note):
        if clip_id := _clip_id(row, path, unnamed):
            clip = clips[clip_id]
            # What is tested on must not be trained on, whatever else lists it.
            clip.listed_split = clip.listed_split if clip.listed_split == "test" else split
            clip.captions.update(dict.fromkeys(_captions_in(row)))
    unnamed.say(on_note)


def _captions_in(row: dict[str, Any]) -> tuple[str, ...]:
    return captions_of(first_of({folded(key): value for key, value in row.items()}, _CAPTION_KEYS))


def _clip_id(row: Any, path: Path, unnamed: Tally) -> str | None:
    """The name of a row's clip, of which the name of its file tells the beginning."""
    said = {folded(key): value for key, value in row.items()} if isinstance(row, dict) else {}
    found = next((said[key] for key in _CLIP_KEYS if isinstance(said.get(key), str) and said[key].strip()), None)
    if found is None:
        unnamed.add(f"{path} has a row without a video_id, which was left out: {shown_row(row)}")
        return None
    file = _CLIP_FILE.fullmatch(found.strip())
    return file[1] if file else found


def _category_number(given: Any) -> int:
    if isinstance(given, int) and given in range(len(CATEGORIES)):
        return given
    for number, name in enumerate(CATEGORIES):
        if str(given).lower() in (name, *name.split("/")):
            return number
    raise ValueError(f"there is no category {given!r}; choose from {', '.join(CATEGORIES)}")
