"""The files of a folder and of those in it, and which of them a list means by a name."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from reelops.dataset.entry import VIDEO_SUFFIXES, OnNote
from reelops.foreign import refuse_machine_fault

# Folders in which people keep the videos of a table that stands beside the folder.
MEDIA_FOLDERS = ("videos", "video", "clips")


def find_files(folder: Path, on_note: OnNote) -> Iterator[Path]:
    """Files in a folder and those in it, by name; hidden ones do not count.

    Linked folders are entered once, unless they lead to what the folder has anyway; that, and a folder that cannot be
    read, is noted. A file here need be no plain one: whoever opens it must look.

    Raises:
        MachineError: this machine cannot read the folder now.
    """

    def note(error: OSError) -> None:
        refuse_machine_fault(error.filename or folder, error)
        if not isinstance(error, FileNotFoundError):
            on_note(f"the folder {error.filename} cannot be read ({error.strerror}); its videos are missing")

    entered = [os.path.realpath(folder)]
    for parent, folders, names in os.walk(folder, onerror=note, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in list(folders):
            path = Path(parent) / name
            if not path.is_symlink():
                continue
            target = os.path.realpath(path)
            if any(_holds(one, target) or _holds(target, one) for one in entered):
                on_note(f"the linked folder {path} leads to {target}, which is listed already; it was not entered")
                folders.remove(name)
            else:
                entered.append(target)
        yield from (Path(parent) / name for name in sorted(names) if not name.startswith("."))


def find_videos(folder: Path, on_note: OnNote) -> Iterator[Path]:
    """Those of `find_files` that have a video's suffix.

    Raises:
        As `find_files`.
    """
    return filter(is_video, find_files(folder, on_note))


def is_video(path: Path) -> bool:
    """Whether it has a video's suffix."""
    return path.suffix.lower() in VIDEO_SUFFIXES


class FolderFiles:
    """Files by their paths within a folder; a name that is spelt in other case or in other letters of Unicode for the
    same text is found, too, where it can mean one file only."""

    def __init__(self, folder: Path, files: Iterable[Path]) -> None:
        self.folder = folder
        self.files = {path.relative_to(folder).as_posix(): path for path in files}
        self.videos = {name: path for name, path in self.files.items() if is_video(path)}
        self._by_spelling: dict[str, list[str]] = defaultdict(list)
        self._without_suffix: dict[str, list[str]] = defaultdict(list)
        for name, path in self.files.items():
            self._by_spelling[_spelling(name)].append(name)
            if name in self.videos:
                self._without_suffix[_spelling(name.removesuffix(path.suffix))].append(name)

    def find(self, name: str) -> Path | None:
        """The file of that path within the folder."""
        alike = self._by_spelling.get(_spelling(name), [])
        return self.files.get(name) or (self.files[alike[0]] if len(alike) == 1 else None)

    def video_named(self, table_folder: Path, name: object) -> str | None:
        """The path within the folder of the video that a table calls `name`, its suffix or not; of one that is not
        there the path that it would have.

        Returns:
            None where no file in the folder can be meant.
        """
        if not isinstance(name, str | int) or not str(name).strip():
            return None
        text = str(name).strip()
        # Windows' strokes; a file here may have one in its name, too.
        paths = [self._within(table_folder, one) for one in dict.fromkeys((text, text.replace("\\", "/")))]
        places = [path for path in paths if path]
        beside = [str(PurePosixPath(path).parent / media / PurePosixPath(path).name) for path in places
                  for media in MEDIA_FOLDERS if self._is_bare(table_folder, path)]  # fmt: skip
        return next(filter(None, map(self._video, (*places, *beside))), places[-1] if places else None)

    def has_video_named(self, table_folder: Path, name: object) -> bool:
        """Whether a table means a video that is there."""
        return self.video_named(table_folder, name) in self.videos

    def _video(self, name: str) -> str | None:
        if name in self.videos:
            return name
        spelt = _spelling(name)
        alike = [one for one in self._by_spelling.get(spelt, []) if one in self.videos]
        if len(alike) == 1:
            return alike[0]
        without = sorted(self._without_suffix.get(spelt, []), key=lambda one: (not one.startswith(name), one))
        return without[0] if without else None

    def _within(self, table_folder: Path, text: str) -> str | None:
        path = Path(os.path.normpath(table_folder / text))
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else None

    def _is_bare(self, table_folder: Path, path: str) -> bool:
        """Whether it is a name without folders."""
        return (self.folder / path).parent == table_folder


def _spelling(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _holds(folder: str, path: str) -> bool:
    return Path(path).is_relative_to(folder)
