"""Which clips are wanted of each source: its listings are had and read, and the mixture chooses among their clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from reelops.dataset.entry import Entry
from reelops.dataset.fetch.depot import Depot
from reelops.dataset.fetch.download.archive import is_archive, unpack
from reelops.dataset.location import Location
from reelops.dataset.mixing import choose, share_out
from reelops.dataset.params import DatasetParams
from reelops.dataset.sources.contract import Source
from reelops.errors import DatasetError, DownloadError, InputError, ReelOpsError

LISTING_SUFFIXES = frozenset({".json", ".jsonl", ".csv", ".tsv"})


@dataclass(frozen=True)
class Listing:
    """A source with the clips that are wanted of it.

    Attributes:
        listed: clips that its files name, as far as they were read.
        failure: why it cannot be listed, or could not be fetched to its end; None where nothing failed.
    """

    source: Source
    depot: Depot
    entries: list[Entry]
    listed: int
    failure: ReelOpsError | None = None


def list_sources(params: DatasetParams, sources: Sequence[tuple[Source, Depot]], only: frozenset[str]) -> list[Listing]:
    """The listings of some sources, mixed as params.yaml says.

    Args:
        sources: all of params.yaml, in its order.
        only: names of those to list; the mixture may need the others, too.
    """
    total = params.clips
    needed = [
        (source, depot, own)
        for (source, depot), own in zip(sources, params.sources, strict=True)
        if total is not None or source.name in only
    ]
    found = [_list(source, depot, own.limit, params) for source, depot, own in needed]
    if total is not None:
        found = _mixed(found, [own.weight for _, _, own in needed], total, params.seed)
    return [listing for listing in found if listing.source.name in only]


def _mixed(listings: Sequence[Listing], weights: Sequence[float], total: int, seed: int) -> list[Listing]:
    # A source that cannot be listed now keeps its share: the others would bring clips for it that go again.
    available = [total if listing.failure else len(listing.entries) for listing in listings]
    counts = share_out(total, weights, available)
    return [
        replace(listing, entries=choose(listing.entries, count, seed))
        for listing, count in zip(listings, counts, strict=True)
    ]


def _list(source: Source, depot: Depot, limit: int | None, params: DatasetParams) -> Listing:
    listed = 0

    def counted(entries: Iterator[Entry]) -> Iterator[Entry]:
        nonlocal listed
        for entry in entries:
            listed += 1
            yield entry

    limits = [number for number in (limit, params.clips) if number is not None]
    try:
        found = counted(source.entries(_listing_files(source, depot), depot.on_note))
        entries = _each_once(choose(found, min(limits, default=None), params.seed), depot)
    except (InputError, DownloadError) as error:
        return Listing(source, depot, [], listed, error)
    return Listing(source, depot, entries, listed)


def _each_once(entries: list[Entry], depot: Depot) -> list[Entry]:
    first = {entry.clip_id: entry for entry in reversed(entries)}
    if len(first) < len(entries):
        depot.on_note(f"{len(entries) - len(first)} clips are listed more than once; the first listing of each counts")
    return list(reversed(first.values()))


def _listing_files(source: Source, depot: Depot) -> list[Path]:
    """The listings' files, here, with archives unpacked."""
    folder = depot.videos.parent / "listings"
    files: list[Path] = []
    for number, location in enumerate(source.listings()):
        path = _listing_file(location, folder / f"{number}-{location.marked_name}", depot)
        if is_archive(path.name):
            files += _unpacked(path, folder / f"{number}-{path.name}.unpacked", depot)
        else:
            files.append(path)
    return files


def _listing_file(location: Location, target: Path, depot: Depot) -> Path:
    if location.path:
        return location.find(depot.root, depot.known)
    if not target.exists() or (location.sha256 and depot.known.digest(target) != location.sha256):
        try:
            depot.downloader.download(location.remote(), target)
        except DownloadError as error:
            gone_before = depot.downloader.tombstones.met
            again = " If that has changed, `reelops fetch --forget-gone` asks again." if gone_before else ""
            raise DownloadError(f"The list of clips cannot be had: {error}.{again}") from error
    return target


def _unpacked(archive: Path, folder: Path, depot: Depot) -> list[Path]:
    """The listings in an archive, by their names; each has a folder to itself, as two may have one name."""
    places: dict[Path, PurePosixPath] = {}

    def target(name: PurePosixPath) -> Path | None:
        if name.suffix.lower() not in LISTING_SUFFIXES or name.name.startswith("."):
            return None
        place = folder / str(len(places)) / name.name
        places[place] = name
        return place

    downloader = depot.downloader
    files = list(unpack(archive, target, downloader.settings.max_unpacked_bytes, depot.on_note, downloader.disk.claim))
    if not files:
        raise DatasetError(f"{archive} holds no JSON or CSV file; check the listings of its source in params.yaml.")
    return sorted(files, key=lambda path: (path.name, places[path]))
