"""The places that sources have in common: folders, archives, addresses; and the one that is closed."""

from __future__ import annotations

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from reelops.dataset.depot import Depot
from reelops.dataset.download.archive import is_archive, unpack
from reelops.dataset.entry import VIDEO_SUFFIXES, Entry, Fetched, Lost, Segment
from reelops.dataset.location import Location
from reelops.dataset.sources.contract import Shelf
from reelops.errors import DatasetError, DownloadError, SettingsError

_CHECKSUM_LINE = re.compile(r"(?P<digest>[0-9a-fA-F]{64}) [ *](?P<name>.+)$")


def shelf_at(location: Location, checksums: Path | None = None) -> Shelf:
    """The shelf that a location of params.yaml means.

    Args:
        checksums: a file in the form that sha256sum writes, for addresses of single files.

    Raises:
        SettingsError: an address is neither an archive nor a template.
    """
    if location.is_template:
        return AddressShelf(location, checksums)
    if is_archive(location.name):
        return ArchiveShelf(location)
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
        for path in find_videos(folder):
            first = videos.setdefault(path.stem, path)
            if first != path:
                depot.on_note(f"{first} and {path} have one name, and the first is used")
        for entry in entries:
            yield find_among(videos, entry) or Lost(entry, (f"not in {self}",))


@dataclass(frozen=True)
class ArchiveShelf:
    """Videos in a zip or tar file, on this machine or on the network; only those that are wanted are unpacked."""

    location: Location

    def __str__(self) -> str:
        return f"the archive {self.location}"

    def supply(self, entries: Sequence[Entry], depot: Depot) -> Iterator[Fetched | Lost]:
        try:
            archive = self._archive(depot)
        except DownloadError as error:
            depot.on_note(f"{self} cannot be had: {error}")
            yield from (Lost(entry, (str(error),)) for entry in entries)
            return
        pending = {entry.clip_id: entry for entry in entries}
        by_stem: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            for stem in {entry.clip_id, entry.video_id}:
                by_stem[stem].append(entry)
        met: set[str] = set()

        def choose(name: PurePosixPath) -> Path | None:
            if name.suffix.lower() not in VIDEO_SUFFIXES or name.stem not in by_stem or name.stem in met:
                return None
            met.add(name.stem)
            return depot.videos / name.name

        fault = ""
        try:
            for path in unpack(archive, choose, depot.downloader.settings.max_unpacked_bytes, depot.on_note):
                if depot.on_tick:
                    depot.on_tick()
                for entry in by_stem[path.stem]:
                    if pending.pop(entry.clip_id, None):
                        yield Fetched(entry, path, segment_in(path, entry), new=True)
        except DatasetError as error:
            fault = str(error)
            depot.on_note(fault)
        for entry in pending.values():
            spoilt = entry.clip_id in met or entry.video_id in met
            yield Lost(entry, (fault or (f"damaged in {self}" if spoilt else f"not in {self}"),))

    def _archive(self, depot: Depot) -> Path:
        if self.location.path:
            archive = depot.root / self.location.path
            if not archive.is_file():
                raise DatasetError(f"There is no archive {archive}; correct the path in params.yaml.")
            return archive
        remote = self.location.remote()
        # Its addresses are part of the name: other ones are another archive.
        mark = hashlib.sha256(" ".join((*remote.urls, remote.sha256 or "")).encode()).hexdigest()[:12]
        target = depot.work / "archives" / f"{mark}-{self.location.name}"
        if not target.exists():
            jobs = [partial(depot.downloader.download, remote, target, depot.meter.of(target.name))]
            list(depot.run(jobs))
        return target


@dataclass(frozen=True)
class AddressShelf:
    """A file on the network for each clip, or for each whole video."""

    location: Location
    checksums: Path | None = None

    def __str__(self) -> str:
        return str(self.location)

    def supply(self, entries: Sequence[Entry], depot: Depot) -> Iterator[Fetched | Lost]:
        groups: dict[str, list[Entry]] = defaultdict(list)
        whole = not any("{clip}" in url for url in self.location.url)
        for entry in entries:
            groups[entry.video_id if whole else entry.clip_id].append(entry)
        digests = read_checksums(depot.root / self.checksums) if self.checksums else {}
        jobs = (partial(self._bring, name, group, digests, depot) for name, group in groups.items())
        for answers in depot.run(jobs):
            yield from answers

    def _bring(self, name: str, entries: list[Entry], digests: Mapping[str, str], depot: Depot) -> list[Fetched | Lost]:
        remote = self.location.remote(clip=entries[0].clip_id, video=entries[0].video_id)
        suffix = PurePosixPath(remote.urls[0].partition("?")[0]).suffix.lower()
        target = depot.videos / f"{name}{suffix if suffix in VIDEO_SUFFIXES else '.mp4'}"
        remote = remote.model_copy(update={"sha256": digests.get(target.name, remote.sha256)})
        try:
            depot.downloader.download(remote, target, depot.meter.of(name))
        except DownloadError as error:
            return [Lost(entry, (str(error),)) for entry in entries]
        finally:
            depot.meter.settle(name)
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


def read_checksums(path: Path) -> dict[str, str]:
    """Digests by file names, from lines such as `<64 hexadecimal digits>  video0.mp4`.

    Raises:
        DatasetError: there is no such file, or a line of it is of another form.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}, the file of checksums, cannot be read: {error}. Correct the path.") from error
    digests = {}
    for number, line in enumerate(lines, start=1):
        match = _CHECKSUM_LINE.match(line)
        if not match and line.strip():
            raise DatasetError(f"{path}, line {number} is no checksum; `sha256sum *.mp4` writes the form that is read.")
        if match:
            digests[PurePosixPath(match["name"]).name] = match["digest"].lower()
    return digests


def find_videos(folder: Path) -> Iterator[Path]:
    """Video files in a folder and those in it, by name; hidden ones do not count, linked folders are not entered."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in VIDEO_SUFFIXES:
                yield Path(parent) / name


def find_among(videos: Mapping[str, Path], entry: Entry) -> Fetched | None:
    """The video of an entry among files by their stems: the clip itself, or the whole video it is from."""
    path = videos.get(entry.clip_id) or videos.get(entry.video_id)
    return Fetched(entry, path, segment_in(path, entry)) if path else None


def segment_in(path: Path, entry: Entry) -> Segment | None:
    """What of a file is the clip: all of a file named after the clip, the segment of one named after the video."""
    return None if path.stem == entry.clip_id else entry.segment
