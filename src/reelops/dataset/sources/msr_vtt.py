"""MSR-VTT: 10,000 clips of web videos, 20 English sentences each (Xu et al., CVPR 2016), in its published forms."""

from __future__ import annotations

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
from reelops.dataset.sources.shelves import ClosedShelf, shelf_at
from reelops.dataset.sources.tables import (
    captions_of,
    first_of,
    read_json,
    read_rows,
    scalar_text,
    seconds,
    shown_row,
)
from reelops.errors import DatasetError

# By their numbers, from 0, as in the publisher's category.txt.
CATEGORIES = (
    "music", "people", "gaming", "sports/actions", "news/events/politics", "education", "tv shows", "movie/comedy",
    "animation", "vehicles/autos", "howto", "travel", "science/technology", "animals/pets", "kids/family",
    "documentary", "food/drink", "cooking", "beauty/fashion", "advertisement",
)  # fmt: skip
LICENCE = "research use; the videos belong to those who published them"
_FACTS = ("category", "url", "start time", "end time")
NO_PLACE = "no place for the videos of MSR-VTT is given; name folders, archives or addresses under `videos`"


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
        tables = [path for path in listings if path.suffix.lower() == ".csv"]
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
    content = read_json(path, on_note) if path.suffix.lower() == ".json" else list(read_rows(path, on_note))
    if not isinstance(content, dict):
        videos = sentences = content
    elif "sentences" in content:
        videos, sentences = content.get("videos", []), content["sentences"]
    elif "annotations" in content:
        videos, sentences = content.get("images", []), content["annotations"]
    else:
        raise DatasetError(
            f"{path} is no annotation of MSR-VTT: it has neither 'sentences' nor 'annotations', but "
            f"{', '.join(map(repr, [*content][:5])) or 'nothing'}. Check `annotations` in params.yaml."
        )
    if not isinstance(videos, list) or not isinstance(sentences, list):
        raise DatasetError(f"{path} is no annotation of MSR-VTT: its clips and sentences are not lists.")
    split_of_file = split_in(path.stem) if videos is sentences else None
    for row in videos:
        if clip_id := _clip_id(row, path, on_note):
            clip = clips[clip_id]
            clip.facts.update({key: value for key, value in row.items() if key in _FACTS})
            clip.split = split_in(row.get("split", "")) or split_of_file or clip.split
    for row in sentences:
        if clip_id := _clip_id(row, path, on_note):
            clips[clip_id].captions.update(dict.fromkeys(captions_of(first_of(row, ("caption", "sentence")))))


def _add_split_list(path: Path, clips: dict[str, _Clip], on_note: OnNote) -> None:
    """A table of clips that make up a split; that of 1k-A has a sentence for each."""
    split = split_in(path.stem)
    if split is None:
        raise DatasetError(f"{path} does not say by its name which split it lists; put train, val or test into it.")
    for row in read_rows(path, on_note):
        if clip_id := _clip_id(row, path, on_note):
            clip = clips[clip_id]
            # What is tested on must not be trained on, whatever else lists it.
            clip.listed_split = clip.listed_split if clip.listed_split == "test" else split
            clip.captions.update(dict.fromkeys(captions_of(row.get("sentence"))))


def _clip_id(row: Any, path: Path, on_note: OnNote) -> str | None:
    found = first_of(row, ("video_id", "image_id", "id")) if isinstance(row, dict) else None
    if not isinstance(found, str):
        on_note(f"{path} has a row without a video_id, which was left out: {shown_row(row)}")
        return None
    return found


def _category_number(given: Any) -> int:
    if isinstance(given, int) and given in range(len(CATEGORIES)):
        return given
    for number, name in enumerate(CATEGORIES):
        if str(given).lower() in (name, *name.split("/")):
            return number
    raise ValueError(f"there is no category {given!r}; choose from {', '.join(CATEGORIES)}")
