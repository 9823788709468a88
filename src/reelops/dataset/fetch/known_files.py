"""Digests of files that were read once, so that no file is read only to know it again."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from reelops.errors import DatasetError
from reelops.foreign import NO_JSON, reading_foreign
from reelops.system.digest import sha256_of
from reelops.system.files import write_text_atomically

Mark = tuple[str, int, int]


class KnownFiles:
    """Digests by a file's place, size and time of change: whatever has not changed is known.

    Args:
        folder: where they are kept, in a table for each writer; it need not exist yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asked: set[Mark] = set()
        self._digests: dict[Mark, str] = {}
        for path in sorted(folder.glob("*.jsonl")):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                # A file is read once more where a line of this memory is damaged.
                with suppress(TypeError, *NO_JSON):
                    place, size_bytes, time_ns, sha256 = json.loads(line)
                    self._digests[place, size_bytes, time_ns] = sha256

    def of(self, path: Path) -> str | None:
        """The file's digest, where it is known."""
        return self._digests.get(self._asked_for(path))

    def digest(self, path: Path) -> str:
        """The file's digest; it is read where that is not known.

        Raises:
            DatasetError: it cannot be read.
            MachineError: this machine cannot read it now.
        """
        with reading_foreign(path, DatasetError, "cannot be read", "look at its place and its permissions"):
            mark = self._asked_for(path)
            if mark not in self._digests:
                self._digests[mark] = sha256_of(path)
        return self._digests[mark]

    def add(self, path: Path, sha256: str) -> None:
        self._digests[self._asked_for(path)] = sha256

    def write(self, name: str) -> None:
        """Keeps what is known of the files that were asked for, and no more; each writer has a name of its own."""
        if not self._asked:
            return
        lines = (json.dumps([*mark, self._digests[mark]]) for mark in sorted(self._asked & self._digests.keys()))
        write_text_atomically(self._folder / f"{name}.jsonl", "".join(f"{line}\n" for line in lines))

    def _asked_for(self, path: Path) -> Mark:
        """What tells a file from another one, and from itself once it has changed."""
        stat = path.stat()
        mark = str(path), stat.st_size, stat.st_mtime_ns
        self._asked.add(mark)
        return mark
