"""The stage `fetch`: from params.yaml to the videos and two tables in `data/raw/<source>/`.

    listings -> entries -> choice -> the first shelf that has each video -> entries.jsonl, lost.jsonl

It may be killed at any moment and run again: what is there is not fetched again, and what had half come in goes on.
Half-done files, archives and addresses that are gone are kept in `.cache/fetch/`, outside the stage's outputs.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from reelops.clip import sha256_of
from reelops.dataset.depot import Depot, FetchProgress, OnFetchProgress
from reelops.dataset.download.archive import is_archive, unpack
from reelops.dataset.download.downloader import Downloader
from reelops.dataset.download.tombstones import Tombstones
from reelops.dataset.entry import Entry, Fetched, Lost, OnNote
from reelops.dataset.location import Location, hub_endpoint
from reelops.dataset.mixing import choose, share_out
from reelops.dataset.params import DatasetParams, open_source
from reelops.dataset.records import write_records
from reelops.dataset.sources.contract import Shelf, Source
from reelops.dataset.sources.shelves import find_among, find_videos
from reelops.errors import DatasetError, DownloadError
from reelops.files import held_alone

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
        self._listed: Counter[str] = Counter()

    def run(self) -> list[SourceReport]:
        """Fetches all that is to be fetched, and leaves the tables.

        Raises:
            DatasetError: a listing, folder or archive cannot be used.
            DownloadError: a listing cannot be had.
            MachineError: the disk is full, or another fetch is running.
        """
        with self._alone(), self._network():
            return [self._fetch(source, entries) for source, entries in self._chosen()]

    def entries(self) -> dict[str, list[Entry]]:
        """What a run would fetch, by source; fetches listings alone.

        Raises:
            As `run`.
        """
        with self._alone(), self._network():
            return {source.name: entries for source, entries in self._chosen()}

    def look(self) -> list[tuple[SourceReport, list[str]]]:
        """What a run would do: fetches listings alone, and counts. Beside each source, its shelves in words.

        Raises:
            As `run`.
        """
        with self._alone(), self._network():
            return [self._look(source, entries) for source, entries in self._chosen()]

    def _alone(self) -> AbstractContextManager[None]:
        """Two runs would write to the same half-done files."""
        busy = f"another `reelops fetch` works in {self.root}; wait until it has ended."
        return held_alone(self.root / WORK / "lock", busy)

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

    def _chosen(self) -> list[tuple[Source, list[Entry]]]:
        """Every source's entries, mixed as params.yaml says; the mixture needs them all, whichever are fetched."""
        needed = [
            (source, params)
            for source, params in zip(self._sources, self.params.sources, strict=True)
            if self.params.clips is not None or source.name in self._only
        ]
        entries = [self._entries(source, params.limit) for source, params in needed]
        if self.params.clips is not None:
            weights = [params.weight for _, params in needed]
            counts = share_out(self.params.clips, weights, [len(some) for some in entries])
            entries = [choose(some, count, self.params.seed) for some, count in zip(entries, counts, strict=True)]
        pairs = zip(needed, entries, strict=True)
        return [(source, some) for (source, _), some in pairs if source.name in self._only]

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
            path = self._listing(location, folder / f"{number}-{location.name}")
            if is_archive(path.name):
                files += self._unpacked(path, folder / f"{number}-{path.name}.unpacked", on_note)
            else:
                files.append(path)
        return files

    def _listing(self, location: Location, target: Path) -> Path:
        if location.path:
            path = self.root / location.path
            if not path.is_file():
                raise DatasetError(f"There is no file {path}; correct the path in params.yaml.")
            return path
        if not target.exists() or (location.sha256 and sha256_of(target) != location.sha256.lower()):
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
        return Depot(
            root=self.root,
            videos=self.root / RAW / source.name / "videos",
            work=self.root / WORK / source.name,
            downloader=self._downloader,
            stopping=self._stopping,
            on_note=self._notes[source.name].add,
            on_tick=on_tick,
        )

    def _look(self, source: Source, entries: list[Entry]) -> tuple[SourceReport, list[str]]:
        depot = self._depot(source, None)
        here, missing = _here_already(entries, depot)
        report = self._report(source, depot, entries, here, [Lost(entry, ()) for entry in missing], 0.0)
        return report, [str(shelf) for shelf in source.shelves()]

    def _fetch(self, source: Source, entries: list[Entry]) -> SourceReport:
        began = time.monotonic()
        settled: list[Fetched | Lost] = []
        last = 0.0

        def tick() -> None:
            nonlocal last
            now = time.monotonic()
            if self._on_progress and now - last >= _REPORT_SECONDS:
                last = now
                done = len(settled) + depot.meter.under_way
                self._on_progress(FetchProgress(source.name, done, len(entries), depot.meter.received_bytes))

        depot = self._depot(source, tick)
        here, missing = _here_already(entries, depot)
        settled += here
        for answer in _from_shelves(source.shelves(), missing, depot):
            settled.append(answer)
            tick()
        order = {entry.clip_id: number for number, entry in enumerate(entries)}
        settled.sort(key=lambda one: order[one.entry.clip_id])
        got = [one for one in settled if isinstance(one, Fetched)]
        lost = [one for one in settled if isinstance(one, Lost)]
        write_records(self.root / RAW / source.name, got, lost, self.root)
        return self._report(source, depot, entries, got, lost, time.monotonic() - began)

    def _report(
        self,
        source: Source,
        depot: Depot,
        entries: list[Entry],
        got: list[Fetched],
        lost: list[Lost],
        seconds: float,
    ) -> SourceReport:
        return SourceReport(
            name=source.name,
            listed=self._listed[source.name],
            wanted=len(entries),
            here=sum(not one.new for one in got),
            fetched=sum(one.new for one in got),
            lost=tuple(lost),
            size_bytes=sum(path.stat().st_size for path in {one.path for one in got}),
            received_bytes=depot.meter.received_bytes,
            seconds=seconds,
            notes=self._notes[source.name].all(),
        )


def _here_already(entries: list[Entry], depot: Depot) -> tuple[list[Fetched], list[Entry]]:
    """What earlier runs brought: under its final name a video is whole."""
    videos = {path.stem: path for path in find_videos(depot.videos)}
    found = [(entry, find_among(videos, entry)) for entry in entries]
    return [one for _, one in found if one], [entry for entry, one in found if one is None]


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
