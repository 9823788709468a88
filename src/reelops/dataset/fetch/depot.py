"""What fetching a source works with: its folders, the network, how far it is, what people should know of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reelops.dataset.entry import OnNote
from reelops.dataset.fetch.download.downloader import Downloader
from reelops.dataset.fetch.download.pool import Result, run_on_threads
from reelops.dataset.fetch.known_files import KnownFiles
from reelops.dataset.fetch.unpacked import Unpacked
from reelops.errors import DownloadError, InputError
from reelops.foreign import printable

# A source of millions may have thousands of rows to complain of.
_MOST_NOTES = 20


@dataclass
class Notes:
    """Sentences, each once, and only so many of them."""

    kept: dict[str, None] = field(default_factory=dict)
    dropped: int = 0

    def add(self, note: str) -> None:
        note = printable(note)
        if note in self.kept:
            return
        if len(self.kept) < _MOST_NOTES:
            self.kept[note] = None
        else:
            self.dropped += 1

    def all(self) -> tuple[str, ...]:
        return (*self.kept, *([f"and {self.dropped:,} more notes like these"] if self.dropped else []))


def _no_poll() -> None:
    pass


class Meter:
    """Adds up what several connections bring."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[str, float] = {}
        self._bytes: dict[str, int] = {}
        self.received_bytes = 0

    def of(self, key: str) -> Callable[[int, int | None], None]:
        """What is called with the bytes of one file: how many are here, of how many."""

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
        known: digests of files that were read before.
        unpacked: which archives files are from.
        notes: what was left out or understood in a roundabout way, in sentences.
        on_poll: called several times a second; what it raises ends the run.
    """

    root: Path
    videos: Path
    work: Path
    downloader: Downloader
    known: KnownFiles
    unpacked: Unpacked
    notes: Notes
    on_poll: Callable[[], None] = _no_poll
    meter: Meter = field(default_factory=Meter)

    @property
    def on_note(self) -> OnNote:
        return self.notes.add

    @property
    def stopping(self) -> threading.Event:
        """Set when the run is to end."""
        return self.downloader.stopping

    def run(self, jobs: Iterable[Callable[[], Result]]) -> Iterator[Result]:
        """Results of jobs, a few at a time, as they end. One that fails ends those of this call, and no others."""
        try:
            yield from run_on_threads(jobs, self.downloader.settings.connections, self.downloader.stop, self.on_poll)
        except (InputError, DownloadError):
            self.stopping.clear()
            raise
