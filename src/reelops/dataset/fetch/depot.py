"""What fetching works with: the project's folder, the network, how far it is, whom to tell."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reelops.dataset.entry import OnNote
from reelops.dataset.fetch.download.downloader import Downloader
from reelops.dataset.fetch.download.pool import Result, run_jobs
from reelops.dataset.fetch.known_files import KnownFiles
from reelops.dataset.fetch.unpacked import Unpacked
from reelops.errors import DownloadError, InputError


@dataclass(frozen=True)
class FetchProgress:
    """How far a source is.

    Attributes:
        done: entries that are settled, with the shares of those under way.
        total: entries to fetch.
        received_bytes: what came over the network in this run.
    """

    source: str
    done: float
    total: int
    received_bytes: int


OnFetchProgress = Callable[[FetchProgress], None]


class Meter:
    """Adds up what several connections bring."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, float] = {}
        self._bytes: dict[str, int] = {}
        self.received_bytes = 0

    def of(self, key: str) -> Callable[[int, int | None], None]:
        """What to tell of the bytes of one file: how many are here, of how many."""

        def note(have: int, total: int | None) -> None:
            with self._lock:
                self.received_bytes += max(0, have - self._bytes.get(key, have))
                self._bytes[key] = have
                self._under_way[key] = have / total if total else 0.0

        return note

    def settle(self, key: str) -> None:
        with self._lock:
            self._under_way.pop(key, None)
            self._bytes.pop(key, None)

    @property
    def under_way(self) -> float:
        """Shares of the files under way, added up."""
        with self._lock:
            return sum(self._under_way.values())


@dataclass(frozen=True)
class Depot:
    """What shelves are handed.

    Attributes:
        root: the project's folder, which relative paths count from.
        videos: where the videos of the source go that are not used in place.
        work: where archives and half-done files of the source are kept; may be deleted between runs.
        stopping: set when the run is to end.
        known: digests of files that were read before.
        unpacked: which archives files are from.
    """

    root: Path
    videos: Path
    work: Path
    downloader: Downloader
    stopping: threading.Event
    known: KnownFiles
    unpacked: Unpacked
    on_note: OnNote
    on_tick: Callable[[], None] | None = None
    meter: Meter = field(default_factory=Meter)

    def run(self, jobs: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """Results of jobs, a few at a time, as they end. One that fails ends those of this call, and no others."""
        try:
            yield from run_jobs(jobs, self.downloader.settings.connections, self.downloader.stop, self.on_tick)
        except (InputError, DownloadError):
            self.stopping.clear()
            raise
