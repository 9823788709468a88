"""A folder of one's own videos, with captions beside or above them, or in the layouts of Hugging Face `datasets`."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from reelops.dataset.entry import VIDEO_SUFFIXES, Entry, Fetched, Lost, OnNote, Split, split_in
from reelops.dataset.fetch.depot import Depot
from reelops.dataset.location import Location
from reelops.dataset.sources.contract import Shelf, SourceParams
from reelops.dataset.sources.shelves import find_videos
from reelops.dataset.sources.tables import (
    captions_of,
    first_of,
    read_json,
    read_rows,
    read_text,
    scalar_text,
    shown_row,
)
from reelops.errors import DatasetError
from reelops.foreign import printable, reading_foreign
from reelops.system.plain_text import without_half_letters

FILE_KEYS = ("file_name", "video_file_name", "file", "filename", "video", "video_path", "path", "video_id", "id")
CAPTION_KEYS = ("captions", "caption", "text", "prompt", "sentence", "sentences", "description")
CATEGORY_KEYS = ("category", "label")
UNKNOWN_LICENCE = "not stated"

# Two lists whose lines belong together, as trainers of CogVideoX want them.
VIDEO_LIST = "videos.txt"
CAPTION_LISTS = ("prompts.txt", "prompt.txt", "captions.txt")


class FolderParams(SourceParams):
    """The source `folder`.

    Attributes:
        path: the folder, from the project's folder.
        licence: what you may do with the videos; a video's own table or JSON file may say otherwise.
    """

    kind: Literal["folder"]
    path: Path
    licence: str = UNKNOWN_LICENCE


@dataclass(frozen=True)
class _Words:
    """What is said of a video in one place."""

    captions: tuple[str, ...]
    category: str | None = None
    split: Split | None = None
    licence: str | None = None


class Folder:
    """Clips by their paths within the folder; used where they lie."""

    def __init__(self, params: FolderParams, root: Path) -> None:
        self.name = params.name or params.kind
        self._params = params
        self._folder = Path(os.path.normpath(root / params.path))

    def listings(self) -> Sequence[Location]:
        return ()

    def entries(self, _listings: Sequence[Path], on_note: OnNote) -> Iterator[Entry]:
        if not self._folder.is_dir():
            raise DatasetError(f"{self.name}: there is no folder {self._folder}; correct its path in params.yaml.")
        if without_half_letters(str(self._folder)) != str(self._folder):
            raise DatasetError(f"{self.name}: the name of {printable(str(self._folder))} is not UTF-8; rename it.")
        tables = _read_tables(self._folder, on_note)
        for path in find_videos(self._folder, on_note):
            clip_id = path.relative_to(self._folder).as_posix()
            if without_half_letters(clip_id) != clip_id:
                on_note(f"{self.name}: the name of {clip_id} is not UTF-8, and the video was left out; rename it")
                continue
            words = [*_beside(path, on_note), *tables.pop(clip_id, [])]
            yield Entry(
                source=self.name,
                clip_id=clip_id,
                captions=tuple(dict.fromkeys(caption for said in words for caption in said.captions)),
                licence=next((said.licence for said in words if said.licence), self._params.licence),
                origin=f"{self.name}:{clip_id}",
                category=next((said.category for said in words if said.category), _category_by_folder(clip_id)),
                split=next((said.split for said in words if said.split), split_in(PurePosixPath(clip_id).parts[0])),
            )
        for clip_id in tables:
            on_note(f"{self.name}: {clip_id} has a caption in a table, but there is no such video")

    def shelves(self) -> Sequence[Shelf]:
        return (InPlace(self._folder),)


@dataclass(frozen=True)
class InPlace:
    """Videos that lie where their entries say."""

    folder: Path

    def __str__(self) -> str:
        return f"the folder {self.folder}"

    def supply(self, entries: Sequence[Entry], _depot: Depot) -> Iterator[Fetched | Lost]:
        for entry in entries:
            path = self.folder / entry.clip_id
            # A pipe, or a link to nothing, is here too; looking at clips finds out and says so.
            yield Fetched(entry, path) if os.path.lexists(path) else Lost(entry, (f"not in {self}",))


def _beside(video: Path, on_note: OnNote) -> Iterator[_Words]:
    """Captions in a file of the video's name: each line of a .txt file, or what a .json file says."""
    for text_file in (video.with_suffix(".txt"), video.with_name(video.name + ".txt")):
        if _is_file(text_file):
            lines = read_text(text_file, on_note).split("\n")
            yield _Words(tuple(line.strip() for line in lines if line.strip()))
    for json_file in (video.with_suffix(".json"), video.with_name(video.name + ".json")):
        if _is_file(json_file):
            try:
                said = read_json(json_file, on_note)
            except DatasetError as error:
                on_note(str(error))
                continue
            yield _words(said) if isinstance(said, dict) else _Words(captions_of(said))


def _read_tables(folder: Path, on_note: OnNote) -> dict[str, list[_Words]]:
    """What tables anywhere in the folder say, by the videos' paths within it; an upper table comes first."""
    words: dict[str, list[_Words]] = defaultdict(list)
    with reading_foreign(folder, DatasetError, "cannot be read", "look at its permissions"):
        files = [path for path in folder.rglob("*") if _is_file(path) and not path.name.startswith(".")]
    for path in sorted(files, key=lambda path: (len(path.parts), path)):
        suffix = path.suffix.lower()
        try:
            if path.name == VIDEO_LIST:
                rows = _paired_lists(path, on_note)
            elif suffix in (".csv", ".tsv", ".jsonl") or (suffix == ".json" and not _belongs_to_a_video(path)):
                rows = [(first_of(row, FILE_KEYS), row) for row in read_rows(path, on_note)]
            else:
                continue
        except DatasetError as error:
            on_note(str(error))
            continue
        for name, row in rows:
            clip_id = _clip_id(folder, path.parent, name)
            if clip_id:
                words[clip_id].append(_words(row))
            else:
                on_note(f"{path} has a row that names no video in the folder, which was left out: {shown_row(row)}")
    return words


def _paired_lists(videos: Path, on_note: OnNote) -> list[tuple[str, dict[str, Any]]]:
    """Lines of videos.txt with those of the list of captions beside it.

    Raises:
        DatasetError: there is no such list, or it is of another length.
    """
    captions = next((path for name in CAPTION_LISTS if _is_file(path := videos.with_name(name))), None)
    if captions is None:
        raise DatasetError(f"{videos} has no list of captions beside it; name one {CAPTION_LISTS[0]}.")
    names = read_text(videos, on_note).rstrip("\n").split("\n")
    lines = read_text(captions, on_note).rstrip("\n").split("\n")
    if len(names) != len(lines):
        raise DatasetError(f"{videos} has {len(names)} lines and {captions.name} has {len(lines)}; neither was used.")
    return [(name.strip(), {"caption": line}) for name, line in zip(names, lines, strict=True)]


def _belongs_to_a_video(path: Path) -> bool:
    return path.with_suffix("").suffix.lower() in VIDEO_SUFFIXES or any(
        _is_file(path.with_suffix(suffix)) for suffix in VIDEO_SUFFIXES
    )


def _clip_id(folder: Path, table_folder: Path, name: Any) -> str | None:
    """The path within `folder` of the video that a table calls `name`; a missing suffix is found out."""
    if not isinstance(name, str | int) or not str(name).strip():
        return None
    path = Path(os.path.normpath(table_folder / str(name).strip()))
    if not path.is_relative_to(folder):
        return None
    candidates = (path, *(path.with_name(path.name + suffix) for suffix in sorted(VIDEO_SUFFIXES)))
    found = next((one for one in candidates if _is_file(one)), path)
    return found.relative_to(folder).as_posix()


def _is_file(path: Path) -> bool:
    """Unlike pathlib's own, False for what no file can be called."""
    return os.path.isfile(path)  # noqa: PTH113


def _words(row: dict[str, Any]) -> _Words:
    licence, category = first_of(row, ("licence", "license")), first_of(row, CATEGORY_KEYS)
    return _Words(
        captions=tuple(caption for key in CAPTION_KEYS for caption in captions_of(row.get(key))),
        category=scalar_text(category),
        split=split_in(row["split"]) if row.get("split") else None,
        licence=scalar_text(licence),
    )


def _category_by_folder(clip_id: str) -> str | None:
    """The folder a video is in names its class, as in the layout `videofolder`; that of a split does not."""
    folders = [part for part in PurePosixPath(clip_id).parts[:-1] if not split_in(part)]
    return folders[-1] if folders else None
