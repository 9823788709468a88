"""The stage `fetch`: from params.yaml to the videos and two tables in `data/raw/<source>/`.

    listings -> entries -> choice -> the first shelf that has each video -> entries.jsonl, lost.jsonl

It may be killed at any moment and run again: what is there is not fetched again, and what had half come in goes on.
What is there and is no longer what is published comes anew. A source that cannot be listed, or that names a place which
cannot be used, is lost by its name, and the others go on. Half-done files, archives and addresses that are gone lie in
`.cache/fetch/`, outside the stage's outputs.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from reelops.dataset.entry import Entry, Fetched, Lost, OnNote
from reelops.dataset.fetch.depot import Depot, FetchProgress, OnFetchProgress
from reelops.dataset.fetch.download.archive import is_archive, unpack
from reelops.dataset.fetch.download.downloader import Downloader
from reelops.dataset.fetch.download.tombstones import Tombstones
from reelops.dataset.fetch.known_files import KnownFiles
from reelops.dataset.fetch.unpacked import Unpacked
from reelops.dataset.location import Location, hub_endpoint
from reelops.dataset.mixing import choose, share_out
from reelops.dataset.params import DatasetParams, open_source
from reelops.dataset.records import write_records
from reelops.dataset.sources.contract import JudgingShelf, Shelf, Source
from reelops.dataset.sources.shelves import find_among, find_videos
from reelops.errors import DatasetError, DownloadError, ReelOpsError, SettingsError
from reelops.system.exclusive_lock import exclusive_lock

RAW = Path("data/raw")
WORK = Path(".cache/fetch")
LISTING_SUFFIXES = frozenset({".json", ".jsonl", ".csv", ".tsv"})

# A source of millions may have thousands of rows to complain of.
_MOST_NOTES = 20
_REPORT_SECONDS = 0.2


@dataclass(frozen=True)
class SourceReport:
    """What became of one source.

    Attributes:
        listed: clips that its listings name, as far as they were read.
        wanted: clips that were chosen.
        here: videos that were there before this run.
        fetched: videos that this run brought.
        lost: entries without a video, each with its reasons.
        size_bytes: of all videos that are here.
        received_bytes: what came over the network.
        notes: what was left out or refused, a sentence each.
        failure: why the source ended early, or was not even listed; None where it did neither.
    """

    name: str
    listed: int
    wanted: int
    here: int
    fetched: int
    lost: tuple[Lost, ...]
    size_bytes: int
    received_bytes: int
    seconds: float
    notes: tuple[str, ...]
    failure: ReelOpsError | None = None

    @property
    def figures(self) -> dict[str, int]:
        """What does not depend on when and in how many runs it was fetched."""
        return {"wanted": self.wanted, "got": self.here + self.fetched, "lost": len(self.lost)}


@dataclass
class Notes:
    """Sentences, each once, and only so many of them."""

    said: dict[str, None] = field(default_factory=dict)
    unsaid: int = 0

    def add(self, note: str) -> None:
        if note in self.said:
            return
        if len(self.said) < _MOST_NOTES:
            self.said[note] = None
        else:
            self.unsaid += 1

    def all(self) -> tuple[str, ...]:
        return (*self.said, *([f"and {self.unsaid:,} more notes like these"] if self.unsaid else []))


@dataclass(frozen=True)
class _Listed:
    """A source with the clips that are wanted of it; or why it cannot be listed."""

    source: Source
    entries: list[Entry]
    failure: ReelOpsError | None = None


class Fetching:
    """One run of the stage.

    Args:
        params: the block `dataset` of params.yaml.
        root: the project's folder.
        only: names of sources; empty means all.
        offline: ask nobody on the network; what is here counts.
        on_progress: told several times a second.

    Raises:
        DatasetError: `only` names a source that is not in params.yaml.
    """

    def __init__(
        self,
        params: DatasetParams,
        root: Path,
        *,
        only: Sequence[str] = (),
        offline: bool = False,
        on_progress: OnFetchProgress | None = None,
    ) -> None:
        self.params = params
        self.root = root
        self._offline = offline
        self._on_progress = on_progress
        self._sources = [open_source(one, root) for one in params.sources]
        names = [source.name for source in self._sources]
        for name in only:
            if name not in names:
                raise DatasetError(f"params.yaml has no source {name!r}; it has {', '.join(names)}.")
        self._only = set(only or names)
        self._stopping = threading.Event()
        self.tombstones = Tombstones(root / WORK / "gone.jsonl")
        self._downloader: Downloader
        self._notes: dict[str, Notes] = {name: Notes() for name in names}
        self._known = {name: KnownFiles(root / WORK / name / "known") for name in names}
        self._listed: Counter[str] = Counter()

    def run(self) -> list[SourceReport]:
        """Fetches all that is to be fetched, and leaves the tables. A source that fails says so in its report.

        Raises:
            MachineError: the disk is full, or another fetch is running.
        """
        with self._alone(), self._network():
            return [self._fetch(listed) for listed in self._chosen()]

    def look(self) -> list[tuple[SourceReport, list[str]]]:
        """What a run would do: fetches listings alone, and counts. Beside each source, its shelves in words.

        Raises:
            As `run`.
        """
        with self._alone(), self._network():
            return [self._look(listed) for listed in self._chosen()]

    def entries(self) -> dict[str, list[Entry]]:
        """What a run would fetch, by source; fetches listings alone.

        Raises:
            As `run`; DatasetError, DownloadError: a source cannot be listed.
        """
        with self._alone(), self._network():
            chosen = self._chosen()
        for listed in chosen:
            if listed.failure:
                raise listed.failure
        return {listed.source.name: listed.entries for listed in chosen}

    def _alone(self) -> AbstractContextManager[None]:
        """Two runs would write to the same half-done files."""
        busy = f"another `reelops fetch` works in {self.root}; wait until it has ended."
        return exclusive_lock(self.root / WORK / "lock", busy)

    @contextmanager
    def _network(self) -> Iterator[None]:
        self._downloader = Downloader(
            self.params.download,
            self.root / WORK / "partial",
            self.tombstones,
            self._stopping,
            offline=self._offline,
            tokens=_hub_token(),
        )
        try:
            yield
        finally:
            self._downloader.close()

    def _chosen(self) -> list[_Listed]:
        """Every source's entries, mixed as params.yaml says; the mixture needs them all, whichever are fetched."""
        total = self.params.clips
        needed = [
            (source, params)
            for source, params in zip(self._sources, self.params.sources, strict=True)
            if total is not None or source.name in self._only
        ]
        found = [self._list(source, params.limit) for source, params in needed]
        if total is not None:
            # A source that cannot be listed now keeps its share: the others would bring clips for it that go again.
            available = [total if listed.failure else len(listed.entries) for listed in found]
            counts = share_out(total, [params.weight for _, params in needed], available)
            found = [
                replace(listed, entries=choose(listed.entries, count, self.params.seed))
                for listed, count in zip(found, counts, strict=True)
            ]
        return [listed for listed in found if listed.source.name in self._only]

    def _list(self, source: Source, limit: int | None) -> _Listed:
        try:
            return _Listed(source, self._entries(source, limit))
        except (DatasetError, DownloadError) as error:
            return _Listed(source, [], error)

    def _entries(self, source: Source, limit: int | None) -> list[Entry]:
        note = self._notes[source.name].add
        listings = self._listings(source, note)

        def counted() -> Iterator[Entry]:
            for entry in source.entries(listings, note):
                self._listed[source.name] += 1
                yield entry

        limits = [number for number in (limit, self.params.clips) if number is not None]
        chosen = choose(counted(), min(limits, default=None), self.params.seed)
        once = {entry.clip_id: entry for entry in reversed(chosen)}
        if len(once) < len(chosen):
            note(f"{len(chosen) - len(once)} clips are listed more than once; the first listing of each counts")
        return list(reversed(once.values()))

    def _listings(self, source: Source, on_note: OnNote) -> list[Path]:
        """The listings' files, here, with archives unpacked."""
        folder = self.root / RAW / source.name / "listings"
        files: list[Path] = []
        for number, location in enumerate(source.listings()):
            path = self._listing(location, folder / f"{number}-{location.mark}-{location.name}", source)
            if is_archive(path.name):
                files += self._unpacked(path, folder / f"{number}-{path.name}.unpacked", on_note)
            else:
                files.append(path)
        return files

    def _listing(self, location: Location, target: Path, source: Source) -> Path:
        known = self._known[source.name]
        if location.path:
            return location.find(self.root, known)
        if not target.exists() or (location.sha256 and known.digest(target) != location.sha256):
            try:
                self._downloader.download(location.remote(), target)
            except DownloadError as error:
                again = " If that has changed, `reelops fetch --forget-gone` asks again." if self.tombstones.met else ""
                raise DownloadError(f"The list of clips cannot be had: {error}.{again}") from error
        return target

    def _unpacked(self, archive: Path, folder: Path, on_note: OnNote) -> list[Path]:
        def target(name: PurePosixPath) -> Path | None:
            wanted = name.suffix.lower() in LISTING_SUFFIXES and not name.name.startswith(".")
            return folder / name.name if wanted else None

        files = sorted(unpack(archive, target, self.params.download.max_unpacked_bytes, on_note))
        if not files:
            raise DatasetError(f"{archive} holds no JSON or CSV file; check the listings of its source in params.yaml.")
        return files

    def _depot(self, source: Source, on_tick: Callable[[], None] | None) -> Depot:
        work = self.root / WORK / source.name
        return Depot(
            root=self.root,
            videos=self.root / RAW / source.name / "videos",
            work=work,
            downloader=self._downloader,
            stopping=self._stopping,
            known=self._known[source.name],
            unpacked=Unpacked(work / "unpacked.jsonl"),
            on_note=self._notes[source.name].add,
            on_tick=on_tick,
        )

    def _look(self, listed: _Listed) -> tuple[SourceReport, list[str]]:
        depot, began = self._depot(listed.source, None), time.monotonic()
        here: list[Fetched] = []
        missing: list[Entry] = []
        shelves: Sequence[Shelf] = ()
        try:
            shelves = listed.source.shelves()
            here, missing = _here_already(listed.entries, shelves, depot)
        except (DatasetError, SettingsError) as error:
            listed = replace(listed, failure=listed.failure or error)
        depot.known.write("all")
        report = self._report(listed, depot, here, [Lost(entry, ()) for entry in missing], began)
        return report, [str(shelf) for shelf in shelves]

    def _fetch(self, listed: _Listed) -> SourceReport:
        source, entries, began = listed.source, listed.entries, time.monotonic()
        settled: dict[str, Fetched | Lost] = {}
        last = 0.0

        def tick() -> None:
            nonlocal last
            now = time.monotonic()
            if self._on_progress and now - last >= _REPORT_SECONDS:
                last = now
                done = len(settled) + depot.meter.under_way
                self._on_progress(FetchProgress(source.name, done, len(entries), depot.meter.received_bytes))

        depot = self._depot(source, tick)
        try:
            for answer in [] if listed.failure else _answers(entries, source.shelves(), depot):
                settled[answer.entry.clip_id] = answer
                tick()
        except (DatasetError, SettingsError) as error:
            listed = replace(listed, failure=error)
        said = (str(listed.failure),) if listed.failure else ()
        in_order = [settled.get(entry.clip_id, Lost(entry, said)) for entry in entries]
        got = [one for one in in_order if isinstance(one, Fetched)]
        lost = [one for one in in_order if isinstance(one, Lost)]
        depot.known.write("all")
        unlisted = str(listed.failure) if listed.failure and not entries else None
        write_records(self.root / RAW / source.name, got, lost, self.root, unlisted)
        return self._report(listed, depot, got, lost, began)

    def _report(
        self, listed: _Listed, depot: Depot, got: Sequence[Fetched], lost: Sequence[Lost], began: float
    ) -> SourceReport:
        name = listed.source.name
        return SourceReport(
            name=name,
            listed=self._listed[name],
            wanted=len(listed.entries),
            here=sum(not one.new for one in got),
            fetched=sum(one.new for one in got),
            lost=tuple(lost),
            size_bytes=sum(path.stat().st_size for path in {one.path for one in got} if path.is_file()),
            received_bytes=depot.meter.received_bytes,
            seconds=time.monotonic() - began,
            notes=self._notes[name].all(),
            failure=listed.failure,
        )


def _answers(entries: list[Entry], shelves: Sequence[Shelf], depot: Depot) -> Iterator[Fetched | Lost]:
    """What became of each entry."""
    here, missing = _here_already(entries, shelves, depot)
    yield from here
    yield from _from_shelves(shelves, missing, depot)


def _here_already(entries: list[Entry], shelves: Sequence[Shelf], depot: Depot) -> tuple[list[Fetched], list[Entry]]:
    """What earlier runs brought and is still what is published: under its final name a video is whole."""
    videos = {path.stem: path for path in find_videos(depot.videos, depot.on_note) if path.is_file()}
    found = [(entry, find_among(videos, entry)) for entry in entries]
    files = {one.path: None for _, one in found if one}
    outdated: dict[Path, str] = {}
    for shelf in shelves:
        if isinstance(shelf, JudgingShelf):
            outdated |= shelf.outdated(list(files), depot)
    for path, reason in outdated.items():
        depot.on_note(f"{path.name} is fetched anew: {reason}")
    here = [one for _, one in found if one and one.path not in outdated]
    return here, [entry for entry, one in found if one is None or one.path in outdated]


def _from_shelves(shelves: Sequence[Shelf], missing: list[Entry], depot: Depot) -> Iterator[Fetched | Lost]:
    """One answer for each entry: from the first shelf that has it, or what all of them said."""
    reasons: dict[str, tuple[str, ...]] = {}
    for shelf in shelves:
        if not missing:
            return
        left = []
        for answer in shelf.supply(missing, depot):
            if isinstance(answer, Fetched):
                yield answer
            else:
                reasons[answer.entry.clip_id] = (*reasons.get(answer.entry.clip_id, ()), *answer.reasons)
                left.append(answer.entry)
        missing = left
    yield from (Lost(entry, reasons.get(entry.clip_id, ())) for entry in missing)


def _hub_token() -> dict[str, str]:
    """The user's own token for the Hugging Face hub, where there is one."""
    from huggingface_hub import get_token

    token = get_token()
    return {"/".join(hub_endpoint().split("/")[:3]): token} if token else {}
