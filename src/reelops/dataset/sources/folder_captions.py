"""What is said of the videos of a folder: in files beside each, in tables beside or above them, in lists of lines."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from reelops.dataset.entry import VIDEO_SUFFIXES, OnNote, Split, split_in
from reelops.dataset.sources.delimited import Expected, names_a_clip
from reelops.dataset.sources.field_values import captions_of, first_of, folded, scalar_text, shown_row
from reelops.dataset.sources.folder_files import MEDIA_FOLDERS, FolderFiles
from reelops.dataset.sources.notes import Tally
from reelops.dataset.sources.tables import SUFFIXES, read_json, read_rows
from reelops.dataset.sources.text_file import open_text, read_text
from reelops.errors import DatasetError
from reelops.foreign import printable

# As `folded` has them; of two that a row has the first counts.
FILE_KEYS = (
    *("filename", "videofilename", "file", "video", "videopath", "filepath", "path", "videoid", "id", "videos"),
    *("videoname", "clip", "clipid", "clipname", "clippath", "mediapath", "videofile"),
)
CAPTION_KEYS = (
    *("captions", "caption", "text", "prompt", "sentence", "sentences", "description"),
    *("prompts", "texts", "descriptions", "videocaption"),
)
CATEGORY_KEYS = ("category", "label")
LICENCE_KEYS = ("licence", "license")
COLUMNS = (*FILE_KEYS, *CAPTION_KEYS, *CATEGORY_KEYS, *LICENCE_KEYS, "split")

TEXT_SUFFIXES = (".txt", ".caption")  # kohya's trainers want the latter
# Two lists whose lines belong together, as trainers of CogVideoX want them.
VIDEO_LIST = "videos.txt"
CAPTION_LISTS = ("prompts.txt", "prompt.txt", "captions.txt")
# Beside the folder of the videos one of texts with their names, as SAT wants them.
CAPTION_FOLDERS = ("labels", "captions", "prompts", "texts")


@dataclass(frozen=True)
class Words:
    """What is said of a video in one place."""

    captions: tuple[str, ...]
    category: str | None = None
    split: Split | None = None
    licence: str | None = None


def words_beside(name: str, files: FolderFiles, on_note: OnNote) -> Iterator[Words]:
    """Captions in files of the video's name: each line of a .txt file, or what a .json file says.

    Args:
        name: the video's path within the folder.
    """
    video = PurePosixPath(name)
    labels = _label_files(video)
    for text_name in (
        *(video.with_suffix(suffix) for suffix in TEXT_SUFFIXES),
        video.with_name(f"{video.name}.txt"),
        *labels,
    ):
        if path := files.find(str(text_name)):
            lines = [line.strip() for line in split_lines(read_text(path, on_note))]
            # Such folders hold numbers, too: classes and boxes.
            yield Words(tuple(line for line in lines if (any(map(str.isalpha, line)) if text_name in labels else line)))
    for json_name in (video.with_suffix(".json"), video.with_name(f"{video.name}.json")):
        if path := files.find(str(json_name)):
            try:
                said = read_json(path, on_note)
            except DatasetError as error:
                on_note(str(error))
                continue
            yield _words(said) if isinstance(said, dict) else Words(captions_of(said))


def read_tables(files: FolderFiles, on_note: OnNote) -> dict[str, list[Words]]:
    """What tables anywhere in the folder say, by the videos' paths within it; an upper table comes first."""
    words: dict[str, list[Words]] = defaultdict(list)
    for name, path in sorted(files.files.items(), key=lambda one: (len(one[1].parts), one[1])):
        suffix = path.suffix.lower()
        try:
            if path.name.lower() == VIDEO_LIST:
                _add_rows(path, iter(_paired_lists(name, files, on_note)), files, words, on_note)
            elif suffix in SUFFIXES:
                expected = Expected(FILE_KEYS, COLUMNS, partial(files.has_video_named, path.parent), texts=CAPTION_KEYS)
                if _is_table(PurePosixPath(name), files, expected):
                    _add_rows(path, read_rows(path, expected, on_note), files, words, on_note)
        except DatasetError as error:
            on_note(str(error))
    return words


def split_lines(text: str) -> list[str]:
    """The lines of a text, whichever ends they have; blank ones at its end are none."""
    return re.split(r"\r\n|\r|\n", text.rstrip("\r\n\x1a"))


def _add_rows(
    path: Path,
    rows: Iterator[dict[str, Any]],
    files: FolderFiles,
    words: dict[str, list[Words]],
    on_note: OnNote,
) -> None:
    """Adds what the rows of a table say; what can be used of a damaged table is used.

    Raises:
        DatasetError: the table cannot be read, or not to its end.
    """
    elsewhere, absent, silent = Tally(), Tally(), Tally()
    try:
        for row in rows:
            said = {folded(key): value for key, value in row.items()}
            names = _names_in(said)
            name = files.video_named(path.parent, names[0]) if len(names) == 1 else None
            if name is None:
                elsewhere.add(
                    f"{path} has a row that names no video in the folder, which was left out: {shown_row(row)}"
                )
            elif name not in files.videos:
                absent.add(f"{path}: {printable(name)} has a caption in a table, but there is no such video")
            else:
                words[name].append(_words(said))
                if words[name][-1] == Words(()) and not any(key in CAPTION_KEYS for key in said):
                    columns = printable(", ".join(map(str, row)))[:80]
                    silent.add(
                        f"{path} says nothing of {printable(name)} that is understood; its columns are {columns}"
                    )
    finally:
        for tally in (elsewhere, absent, silent):
            tally.say(on_note)


def _names_in(row: dict[str, Any]) -> list[Any]:
    """The names of the videos that a row is of; more than one where it lists some."""
    value = first_of(row, FILE_KEYS)
    if isinstance(value, dict):  # a video in a table of Hugging Face `datasets`
        value = value.get("path")
    return value if isinstance(value, list) else [value]


def _paired_lists(name: str, files: FolderFiles, on_note: OnNote) -> list[dict[str, Any]]:
    """Lines of videos.txt with those of the list of captions beside it.

    Raises:
        DatasetError: there is no such list, or it is of another length.
    """
    place = PurePosixPath(name).parent
    videos = files.files[name]
    captions = next((path for one in CAPTION_LISTS if (path := files.find(str(place / one)))), None)
    if captions is None:
        raise DatasetError(f"{videos} has no list of captions beside it; name one {CAPTION_LISTS[0]}.")
    names, lines = (split_lines(read_text(path, on_note)) for path in (videos, captions))
    if len(names) != len(lines):
        raise DatasetError(f"{videos} has {len(names)} lines and {captions.name} has {len(lines)}; neither was used.")
    return [{"file_name": name, "caption": line} for name, line in zip(names, lines, strict=True) if name.strip()]


def _is_table(name: PurePosixPath, files: FolderFiles, expected: Expected) -> bool:
    """Whether a file is a table by its name; a text, which may be anything, by its first line, too."""
    if name.suffix.lower() not in (".json", ".txt"):
        return True
    belongs_to_a_video = name.with_suffix("").suffix.lower() in VIDEO_SUFFIXES or any(
        files.find(str(name.with_suffix(suffix))) for suffix in VIDEO_SUFFIXES
    )
    if belongs_to_a_video:
        return False
    if name.suffix.lower() == ".json":
        return True
    return name.parent.name not in CAPTION_FOLDERS and names_a_clip(
        open_text(files.files[str(name)], _ignore), expected
    )


def _ignore(_note: str) -> None:
    """What is said of a text that may be no table is said when it is read."""


def _label_files(video: PurePosixPath) -> list[PurePosixPath]:
    place = video.parent
    if place.name.lower() not in MEDIA_FOLDERS:
        return []
    return [place.with_name(one) / f"{video.stem}.txt" for one in CAPTION_FOLDERS]


def _words(row: dict[str, Any]) -> Words:
    """What a row says, whose keys are folded or its publisher's."""
    said = {folded(key): value for key, value in row.items()}
    return Words(
        captions=tuple(caption for key in CAPTION_KEYS for caption in captions_of(said.get(key))),
        category=scalar_text(first_of(said, CATEGORY_KEYS)),
        split=split_in(said["split"]) if said.get("split") else None,
        licence=scalar_text(first_of(said, LICENCE_KEYS)),
    )
