"""Names that belong to one process from the moment they are chosen, on all machines that share a disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reelops.system.file_names import LONGEST_NAME, shortened
from reelops.system.temporary import PARTIAL_SUFFIX, is_at, is_ours, remove_abandoned_partials, remove_if_abandoned
from reelops.system.write_errors import machine_error_on_write

_SUFFIX = f".reserved{PARTIAL_SUFFIX}"
_DIGITS = 12
_MOST_OF_A_NAME = LONGEST_NAME - len(".") - _DIGITS - len(_SUFFIX) - len(".")


@contextmanager
def reserved(path: Path) -> Iterator[bool]:
    """Within it `path` is this process's to write to; False where another one has it, or this one already.

    A hidden, locked file beside `path` says so to everybody. The system drops its lock with the process: what a killed
    one had reserved is free, and the file goes with the next reservation or write in that folder. On a disk that knows
    no locks it stays, and whoever is refused is told its name.

    Raises:
        MachineError: the folder cannot be written to.
    """
    mark, handle = mark_of(path), None
    with machine_error_on_write(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned_partials(path.parent)
    try:
        with machine_error_on_write(path):
            handle = _made(mark)
        yield handle is not None
    finally:
        if handle is not None:
            with suppress(OSError):
                if is_at(handle, mark):
                    mark.unlink()
            os.close(handle)


def mark_of(path: Path) -> Path:
    """The file that says that `path` is reserved."""
    begin = shortened(path.name, _MOST_OF_A_NAME)
    rest = "" if begin == path.name else f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:_DIGITS]}"
    return path.with_name(f".{begin}{rest}{_SUFFIX}")


def _made(mark: Path) -> int | None:
    """The open and locked file; None where another process has it."""
    while True:
        try:
            handle = os.open(mark, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        except FileExistsError:
            if _is_held(mark):
                return None
            continue
        if is_ours(handle, mark):
            return handle
        os.close(handle)


def _is_held(mark: Path) -> bool:
    """Whether a living process has it; one that nobody has goes."""
    return not remove_if_abandoned(mark) and os.path.lexists(mark)
