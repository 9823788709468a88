"""Addresses that are gone for good, remembered with the date, so that they are not asked again in each run."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reelops.dataset.journal import add_to_journal, read_journal


@dataclass(frozen=True)
class Tombstone:
    """Why an address is not asked any more, and since when (YYYY-MM-DD, UTC)."""

    reason: str
    date: str


class Tombstones:
    """Kept in a journal, to which each is added as it is met.

    Attributes:
        met: addresses that were not asked in this run because of theirs.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stones = _read(path)
        self.met: set[str] = set()

    def __len__(self) -> int:
        return len(self._stones)

    def find(self, url: str) -> Tombstone | None:
        stone = self._stones.get(url)
        if stone:
            self.met.add(url)
        return stone

    @property
    def oldest_met(self) -> str:
        """Since when the first of those met is known to be gone."""
        return min(self._stones[url].date for url in self.met)

    def add(self, url: str, reason: str) -> None:
        stone = Tombstone(reason, datetime.now(UTC).date().isoformat())
        with self._lock:
            self._stones[url] = stone
            add_to_journal(self._path, {"url": url, "reason": stone.reason, "date": stone.date})

    def forget(self) -> int:
        """Forgets all of them, and says how many there were."""
        with self._lock:
            count = len(self._stones)
            self._stones.clear()
            self._path.unlink(missing_ok=True)
            return count


def _read(path: Path) -> dict[str, Tombstone]:
    stones = {}
    for facts in read_journal(path):
        with suppress(KeyError):  # of another version
            stones[str(facts["url"])] = Tombstone(str(facts["reason"]), str(facts["date"]))
    return stones
