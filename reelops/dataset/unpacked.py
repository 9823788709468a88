"""Which archive each unpacked file is from, and what the archive was to be then: a JSON line a file, as it comes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from reelops.dataset.location import Location


@dataclass(frozen=True)
class Unpacking:
    """A file as it came out of an archive.

    Attributes:
        places: of the archive: its path, or its addresses.
        sha256: that the archive had to have; None where nobody said.
        size_bytes, time_ns: of the file, which is another one when they differ.
    """

    places: tuple[str, ...]
    sha256: str | None
    size_bytes: int
    time_ns: int

    @classmethod
    def of(cls, file: Path, archive: Location) -> Unpacking:
        stat = file.stat()
        return cls(archive.places, archive.sha256, stat.st_size, stat.st_mtime_ns)


class Unpacked:
    """What is known of files by their names; a line that a kill cut short is passed over."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _read(path)

    def add(self, file: Path, archive: Location) -> None:
        unpacking = Unpacking.of(file, archive)
        self._known[file.name] = unpacking
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as table:
            # Led by a line end of its own, it stays whole after a line that a kill cut short.
            table.write("\n" + json.dumps({"name": file.name, **asdict(unpacking)}, ensure_ascii=False) + "\n")

    def is_outdated(self, file: Path, archive: Location) -> bool:
        """Whether a file came from this archive when that was to have other bytes."""
        known, now = self._known.get(file.name), Unpacking.of(file, archive)
        if known is None or (known.size_bytes, known.time_ns) != (now.size_bytes, now.time_ns):
            return False
        return not set(known.places).isdisjoint(now.places) and known.sha256 != now.sha256


def _read(path: Path) -> dict[str, Unpacking]:
    known = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
        try:
            facts = json.loads(line)
            name, places = facts.pop("name"), tuple(facts.pop("places"))
            known[name] = Unpacking(places, **facts)
        except (ValueError, KeyError, TypeError):
            continue
    return known
