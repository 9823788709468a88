"""Which archive each unpacked file is from, and what the archive was to be then; noted as each file comes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from reelops.dataset.journal import add_to_journal, read_journal
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
    """What is known of files by their names, kept in a journal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Unpacking] = {}
        for facts in read_journal(path):
            with suppress(KeyError, TypeError):  # of another version
                name, places = facts.pop("name"), tuple(facts.pop("places"))
                self._known[name] = Unpacking(places, **facts)

    def add(self, file: Path, archive: Location) -> None:
        unpacking = Unpacking.of(file, archive)
        self._known[file.name] = unpacking
        add_to_journal(self._path, {"name": file.name, **asdict(unpacking)})

    def is_outdated(self, file: Path, archive: Location) -> bool:
        """Whether a file came from this archive when that was to have other bytes."""
        known, now = self._known.get(file.name), Unpacking.of(file, archive)
        if known is None or (known.size_bytes, known.time_ns) != (now.size_bytes, now.time_ns):
            return False
        return not set(known.places).isdisjoint(now.places) and known.sha256 != now.sha256
