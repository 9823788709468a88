"""Digests of large files that were read once: gigabytes of weights are not read only to know that they are the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from reelops.errors import MachineError
from reelops.foreign import NO_JSON
from reelops.system.digest import sha256_of
from reelops.system.files import write_text_atomically

_NAME = "digests.json"


def digest_of_files(folder: Path, files: Iterable[Path], cache: Path) -> str:
    """One sha256 over the names within `folder` and the bytes of some files, in whatever order they are given.

    Args:
        cache: where the files' own digests are remembered, by place, size and times; a folder that need not exist yet.
    """
    remembered = _remembered(cache)
    fresh = dict(remembered)
    digest = hashlib.sha256()
    for path in sorted(files):
        mark = _mark_of(path)
        fresh[mark] = remembered.get(mark) or sha256_of(path)
        digest.update(f"{path.relative_to(folder).as_posix()} {fresh[mark]}\n".encode())
    if fresh != remembered:
        with suppress(MachineError):  # a cache that cannot be written costs time, nothing else
            write_text_atomically(cache / _NAME, json.dumps(fresh))
    return digest.hexdigest()


def _mark_of(path: Path) -> str:
    """What tells a file from another one. A copy may bring its earlier time of change along, but not that of its entry
    on the disk (ctime): so weights of the same size and age that take the place of others are read."""
    seen = path.stat()
    return f"{path.resolve()}|{seen.st_size}|{seen.st_mtime_ns}|{seen.st_ctime_ns}"


def _remembered(cache: Path) -> dict[str, str]:
    try:
        content = json.loads((cache / _NAME).read_text(encoding="utf-8"))
    except (OSError, *NO_JSON):
        return {}
    return content if isinstance(content, dict) else {}
