"""A file that is still coming in, and enough knowledge of where it comes from to resume after a kill."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from reelops.foreign import NO_JSON
from reelops.system.write_errors import machine_error_on_write


@dataclass(frozen=True)
class Beginning:
    """What the server said when the first byte came.

    Attributes:
        url: the mirror that was asked.
        validator: a strong ETag or the date of the last change, for If-Range; None where neither was given.
        total: bytes of the whole file, None where the server did not say.
    """

    url: str
    validator: str | None
    total: int | None


class Partial:
    """Bytes in `path`, and in `path`.json what was said when they began to come.

    The file is emptied before a new beginning is noted, and bytes are added only after: whenever the process is
    killed, the bytes that are there belong to the beginning that is noted, or there are none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._note = path.with_name(path.name + ".json")

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def beginning(self) -> Beginning | None:
        try:
            said = Beginning(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, TypeError, *NO_JSON):
            return None
        is_sound = isinstance(said.validator, str | None) and isinstance(said.total, int | None)
        return said if is_sound else None

    @property
    def is_whole(self) -> bool:
        """Whether as many bytes are here as the server announced."""
        beginning = self.beginning
        return beginning is not None and beginning.total is not None and self.size == beginning.total

    def begin(self, beginning: Beginning) -> None:
        """Forgets all bytes and starts again.

        Raises:
            MachineError: the place cannot be written to.
        """
        with machine_error_on_write(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_bytes(b"")
            # In one step, but not flushed to disk: that would cost small files more than their bytes.
            fresh = self._note.with_suffix(".new")
            fresh.write_text(json.dumps(asdict(beginning)), encoding="utf-8")
            fresh.replace(self._note)

    def discard(self) -> None:
        with machine_error_on_write(self.path):
            self.path.unlink(missing_ok=True)
            self._note.unlink(missing_ok=True)
