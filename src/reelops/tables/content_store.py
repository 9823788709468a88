"""Results that were worked out once: found again by everything that they depend on.

One small file a result, named by the digest of its key and written whole or not at all. So any number of runs may share
a store, a killed one leaves nothing half written, and a store can be deleted at any time. A file that cannot be read,
or that holds another key, counts as one that is not there. What decides a result besides its inputs, such as a version
of the code, is part of the key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from reelops.foreign import NO_JSON
from reelops.system.files import write_text_atomically
from reelops.tables.json_codec import digest_of_plain, from_plain, to_plain

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True)
class ContentStore(Generic[Key, Value]):
    """A folder of results; it need not exist yet.

    Attributes:
        kind: a result's type, a dataclass as `reelops.tables.json_codec` takes it.
        field: under which name a file holds its result, beside `key`.
    """

    folder: Path
    kind: type[Value]
    field: str = "value"

    def read(self, key: Key) -> Value | None:
        """The result kept under a key; None where there is none that can be read."""
        try:
            kept = json.loads(self.path_of(key).read_text(encoding="utf-8"))
            return from_plain(self.kind, kept[self.field]) if kept["key"] == to_plain(key) else None
        except (OSError, TypeError, KeyError, *NO_JSON):
            return None

    def write(self, key: Key, value: Value) -> None:
        """Keeps a result under a key.

        Raises:
            MachineError: the folder cannot be written to, or the disk is full.
        """
        kept: dict[str, Any] = {"key": to_plain(key), self.field: to_plain(value)}
        write_text_atomically(self.path_of(key), json.dumps(kept, ensure_ascii=False, allow_nan=False) + "\n")

    def path_of(self, key: Key) -> Path:
        """The file of a key, whether it is there or not."""
        digest = digest_of_plain(to_plain(key))
        return self.folder / digest[:2] / f"{digest}.json"
