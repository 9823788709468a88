"""A folder of one's own videos, with captions beside or above them, or in the layouts of Hugging Face `datasets`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from reelops.dataset.entry import Entry, Fetched, Lost, OnNote, Split, split_of_folder
from reelops.dataset.fetch.depot import Depot
from reelops.dataset.location import Location
from reelops.dataset.sources.contract import Shelf, SourceParams
from reelops.dataset.sources.folder_captions import read_tables, words_beside
from reelops.dataset.sources.folder_files import MEDIA_FOLDERS, FolderFiles, find_files
from reelops.errors import DatasetError
from reelops.foreign import printable
from reelops.system.plain_text import without_half_letters

UNKNOWN_LICENCE = "not stated"


class FolderParams(SourceParams):
    """The source `folder`.

    Attributes:
        path: the folder, from the project's folder.
        licence: what you may do with the videos; a video's own table or JSON file may say otherwise.
    """

    kind: Literal["folder"]
    path: Path
    licence: str = UNKNOWN_LICENCE


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
        files = FolderFiles(self._folder, find_files(self._folder, on_note))
        tables = read_tables(files, on_note)
        for clip_id in files.videos:
            if without_half_letters(clip_id) != clip_id:
                on_note(f"{self.name}: the name of {clip_id} is not UTF-8, and the video was left out; rename it")
                continue
            words = [*words_beside(clip_id, files, on_note), *tables.get(clip_id, [])]
            split, category = _by_folders(clip_id)
            yield Entry(
                source=self.name,
                clip_id=clip_id,
                captions=tuple(dict.fromkeys(caption for said in words for caption in said.captions)),
                licence=next((said.licence for said in words if said.licence), self._params.licence),
                origin=f"{self.name}:{clip_id}",
                category=next((said.category for said in words if said.category), category),
                split=next((said.split for said in words if said.split), split),
            )

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


def _by_folders(clip_id: str) -> tuple[Split | None, str | None]:
    """The split and the class that the folders of a video name, as in the layout `videofolder`.

    The outermost folder that holds a split tells it; the innermost of the others is the class.
    """
    folders = PurePosixPath(clip_id).parts[:-1]
    place = next((number for number, name in enumerate(folders) if split_of_folder(name)), None)
    classes = [name for number, name in enumerate(folders) if number != place and name.lower() not in MEDIA_FOLDERS]
    return (split_of_folder(folders[place]) if place is not None else None), (classes[-1] if classes else None)
