"""Addresses that are gone for good, remembered with the date, so that they are not asked again in each run."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Tombstone:
    """Why an address is not asked any more, and since when (YYYY-MM-DD, UTC)."""

    reason: str
    date: str


class Tombstones:
    """Kept in a JSON Lines file, to which each is added as it is met; a line that a kill cut short is passed over.

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
        line = json.dumps({"url": url, "reason": stone.reason, "date": stone.date})
        with self._lock:
            self._stones[url] = stone
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                # Led by a line end of its own, it stays whole after a line that a kill cut short.
                file.write(f"\n{line}\n")

    def forget(self) -> int:
        """Forgets all of them, and says how many there were."""
        with self._lock:
            count = len(self._stones)
            self._stones.clear()
            self._path.unlink(missing_ok=True)
            return count


def _read(path: Path) -> dict[str, Tombstone]:
    stones = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            stone = json.loads(line)
            stones[str(stone["url"])] = Tombstone(str(stone["reason"]), str(stone["date"]))
        except (ValueError, KeyError, TypeError):
            continue
    return stones
