"""The places that sources have in common: folders, archives, addresses; and the one that is closed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from reelops.dataset.entry import VIDEO_SUFFIXES, Entry, Fetched, Lost, Segment
from reelops.dataset.fetch.depot import Depot
from reelops.dataset.fetch.download.archive import is_archive, unpack
from reelops.dataset.location import Location
from reelops.dataset.sources.contract import Shelf
from reelops.dataset.sources.folder_files import find_videos
from reelops.errors import DatasetError, DownloadError, SettingsError
from reelops.foreign import reading_foreign

_CHECKSUM_LINE = re.compile(r"(?P<digest>[0-9a-fA-F]{64}) [ *](?P<name>.+)")


def shelf_at(location: Location, checksums: Path | None = None) -> Shelf:
    """The shelf that a location of params.yaml means.

    Args:
        checksums: a file in the form that sha256sum writes, for files that are fetched or unpacked.

    Raises:
        SettingsError: an address is neither an archive nor a template.
    """
    if location.is_template:
        return AddressShelf(location, checksums)
    if is_archive(location.name):
        return ArchiveShelf(location, checksums)
    if location.path:
        return FolderShelf(location.path)
    raise SettingsError(
        f"{location} names neither an archive nor a file for each clip; end it in .zip or .tar, or put {{clip}} in it."
    )


@dataclass(frozen=True)
class FolderShelf:
    """Videos in a folder and the folders in it, named after clips or after the whole videos; used where they lie."""

    folder: Path

    def __str__(self) -> str:
        return f"the folder {self.folder}"

    def supply(self, entries: Sequence[Entry], depot: Depot) -> Iterator[Fetched | Lost]:
        folder = depot.root / self.folder
        if not folder.is_dir():
            raise DatasetError(f"There is no folder {folder}; correct the path in params.yaml.")
        videos: dict[str, Path] = {}
        for path in find_videos(folder, depot.on_note):
            first = videos.setdefault(path.stem, path)
            if first != path:
                depot.on_note(f"{first} and {path} have one name, and the first is used")
        for entry in entries:
            yield find_among(videos, entry) or Lost(entry, (f"not in {self}",))


@dataclass(frozen=True)
class ArchiveShelf:
    """Videos in a zip or tar file, on this machine or on the network; only those that are wanted are unpacked."""

    location: Location
    checksums: Path | None = None

    def __str__(self) -> str:
        return f"the archive {self.location}"

    def outdated(self, files: Sequence[Path], depot: Depot) -> dict[Path, str]:
        earlier = f"it is from {self} when that was to have another sha256"
        of_another = {path: earlier for path in files if depot.unpacked.is_outdated(path, self.location)}
        return of_another | _of_other_bytes(files, _published(self.checksums, depot), depot)

    def supply(self, entries: Sequence[Entry], depot: Depot) -> Iterator[Fetched | Lost]:
        try:
            archive = self._archive(depot)
        except DownloadError as error:
            depot.on_note(f"{self} cannot be had: {error}")
            yield from (Lost(entry, (str(error),)) for entry in entries)
            return
        digests = _published(self.checksums, depot)
        pending = {entry.clip_id: entry for entry in entries}
        by_stem: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            for stem in {entry.clip_id, entry.video_id}:
                by_stem[stem].append(entry)
        faults: dict[str, str] = {}
        chosen: dict[str, PurePosixPath] = {}

        def choose(name: PurePosixPath) -> Path | None:
            if name.suffix.lower() not in VIDEO_SUFFIXES or name.stem not in by_stem:
                return None
            if name.stem in chosen:
                depot.on_note(f"{self}: {chosen[name.stem]} and {name} have one name, and the first is used")
                return None
            chosen[name.stem] = name
            faults[name.stem] = f"damaged in {self}"  # until it is here
            return depot.videos / name.name

        broken = ""
        most_bytes, make_room = depot.downloader.settings.max_unpacked_bytes, depot.downloader.disk.claim
        try:
            for path in unpack(archive, choose, most_bytes, depot.on_note, make_room):
                depot.on_poll()
                if wrong := _of_other_bytes([path], digests, depot):
                    faults[path.stem] = f"{self}: {wrong[path]}"
                    path.unlink()
                    continue
                depot.unpacked.add(path, self.location)
                for entry in by_stem[path.stem]:
                    if pending.pop(entry.clip_id, None):
                        yield Fetched(entry, path, segment_in(path, entry), new=True)
        except DatasetError as error:
            broken = str(error)
            depot.on_note(broken)
        for entry in pending.values():
            fault = faults.get(entry.clip_id) or faults.get(entry.video_id)
            yield Lost(entry, (broken or fault or f"not in {self}",))

    def _archive(self, depot: Depot) -> Path:
        if self.location.path:
            return self.location.find(depot.root, depot.known)
        target = depot.work / "archives" / self.location.marked_name
        if not target.exists():
            jobs = [partial(depot.downloader.download, self.location.remote(), target, depot.meter.of(target.name))]
            try:
                list(depot.run(jobs))
            finally:
                depot.meter.settle(target.name)
        return target


@dataclass(frozen=True)
class AddressShelf:
    """A file on the network for each clip, or for each whole video."""

    location: Location
    checksums: Path | None = None

    def __str__(self) -> str:
        return str(self.location)

    def outdated(self, files: Sequence[Path], depot: Depot) -> dict[Path, str]:
        return _of_other_bytes(files, _published(self.checksums, depot), depot)

    def supply(self, entries: Sequence[Entry], depot: Depot) -> Iterator[Fetched | Lost]:
        groups: dict[str, list[Entry]] = defaultdict(list)
        whole = not any("{clip}" in url for url in self.location.url)
        for entry in entries:
            groups[entry.video_id if whole else entry.clip_id].append(entry)
        digests = _published(self.checksums, depot)
        jobs = (partial(self._bring, name, group, digests, depot) for name, group in groups.items())
        for answers in depot.run(jobs):
            yield from answers

    def _bring(self, name: str, entries: list[Entry], digests: Mapping[str, str], depot: Depot) -> list[Fetched | Lost]:
        remote = self.location.remote(clip=entries[0].clip_id, video=entries[0].video_id)
        suffix = PurePosixPath(remote.urls[0].partition("?")[0]).suffix.lower()
        target = depot.videos / f"{name}{suffix if suffix in VIDEO_SUFFIXES else '.mp4'}"
        digest = digests.get(target.name)
        try:
            depot.downloader.download(remote.model_copy(update={"sha256": digest}), target, depot.meter.of(name))
        except DownloadError as error:
            return [Lost(entry, (str(error),)) for entry in entries]
        finally:
            depot.meter.settle(name)
        if digest:
            depot.known.add(target, digest)
        return [Fetched(entry, target, segment_in(target, entry), new=True) for entry in entries]


@dataclass(frozen=True)
class ClosedShelf:
    """A place that may not be used, and what must be done first."""

    reason: str

    def __str__(self) -> str:
        return self.reason

    def supply(self, entries: Sequence[Entry], depot: Depot) -> Iterator[Fetched | Lost]:
        depot.on_note(self.reason)
        return (Lost(entry, (self.reason,)) for entry in entries)


def _published(checksums: Path | None, depot: Depot) -> dict[str, str]:
    return read_checksums(depot.root / checksums) if checksums else {}


def _of_other_bytes(files: Iterable[Path], digests: Mapping[str, str], depot: Depot) -> dict[Path, str]:
    """Files that are not what their published checksums say, in words."""
    wrong = {}
    for path in files:
        try:
            if (digest := digests.get(path.name)) and depot.known.digest(path) != digest:
                wrong[path] = f"{path.name} has other bytes than its checksum says"
        except DatasetError as error:
            wrong[path] = str(error)
    return wrong


def read_checksums(path: Path) -> dict[str, str]:
    """Digests by file names, from lines such as `<64 hexadecimal digits>  video0.mp4`.

    Raises:
        DatasetError: there is no such file, or a line of it is of another form.
    """
    with reading_foreign(
        path, DatasetError, "cannot be read as a file of checksums", "correct its path in params.yaml"
    ):
        lines = path.read_text(encoding="utf-8").splitlines()
    digests: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        match = _CHECKSUM_LINE.fullmatch(line)
        if not match and line.strip():
            raise DatasetError(f"{path}, line {number} is no checksum; `sha256sum *.mp4` writes the form that is read.")
        if not match:
            continue
        name, digest = PurePosixPath(match["name"]).name, match["digest"].lower()
        if digests.setdefault(name, digest) != digest:
            raise DatasetError(
                f"{path}, line {number} has a second checksum for {name}; clips are told by their names alone, so "
                "leave one of the lines."
            )
    return digests


def find_among(videos: Mapping[str, Path], entry: Entry) -> Fetched | None:
    """The video of an entry among files by their stems: the clip itself, or the whole video it is from."""
    path = videos.get(entry.clip_id) or videos.get(entry.video_id)
    return Fetched(entry, path, segment_in(path, entry)) if path else None


def segment_in(path: Path, entry: Entry) -> Segment | None:
    """What of a file is the clip: all of a file named after the clip, the segment of one named after the video."""
    return None if path.stem == entry.clip_id else entry.segment
