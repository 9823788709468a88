"""How every file of the project is written: whole, or not at all.

A writer works on a hidden sibling in the target's own folder, and the finished file takes the final name in one step.
What a killed writer left behind is removed by the next process that writes into that folder, or a minute later by the
same one; see `reelops.system.temporary`.
"""

from __future__ import annotations

import contextlib
import csv
import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

from reelops.errors import InputError
from reelops.system.csv_cells import to_cell
from reelops.system.plain_text import to_utf8
from reelops.system.renaming import exchange
from reelops.system.temporary import (
    partial_of,
    remove_abandoned_partials,
    sweep,
    temporary_file,
    temporary_folder,
)
from reelops.system.write_errors import machine_error_if_full, machine_error_on_write

_CSV_LINE_END = "\r\n"


@contextlib.contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Gives an empty temporary file beside `path` to write to; it becomes `path` when the block ends well.

    The bytes reach the disk before the name changes. If the block raises, Ctrl-C included, the temporary file goes and
    whatever stood at `path` stays as it was. Missing folders are made; a symbolic link at `path` is replaced, not
    followed. The temporary name ends in `.partial`, so a library that guesses a format by suffix must be told it.

    Raises:
        InputError: `path` is a folder, a device, a pipe or a socket.
        MachineError: the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    with machine_error_on_write(path):
        if path.is_dir():
            raise InputError(f"{path} is a folder; name a file to write, for example {path / 'clip.mp4'}.")
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is a device, a pipe or the like, and would be replaced; name a file to write.")
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
    with temporary_file(path) as partial:
        with machine_error_if_full(path):
            yield partial
        with machine_error_on_write(path):
            flush_to_disk(partial)
            if path.is_file():
                shutil.copymode(path, partial)
            partial.replace(path)
            flush_to_disk(path.parent)


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Puts `data` under `path` in one step."""
    with write_atomically(path) as partial:
        partial.write_bytes(data)


def write_text_atomically(path: Path, text: str) -> None:
    """Puts `text` under `path` in one step, as UTF-8 with its line ends as they are.

    What UTF-8 cannot say, as in names of files that are no text, is spelt out; in JSON it reads back as it was.
    """
    write_bytes_atomically(path, to_utf8(text))


def write_csv_atomically(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Puts a table under `path` in one step, as `csv_of` writes it."""
    write_text_atomically(path, csv_of(header, rows))


def csv_of(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV; no cell of it is a formula, see `reelops.system.csv_cells`."""
    lines: list[str] = []
    # Only with this line end does it quote a text that holds a carriage return, at which readers begin a row.
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator=_CSV_LINE_END)
    writer.writerow(header)
    writer.writerows([to_cell(value) for value in row] for row in rows)
    return "".join(f"{line.removesuffix(_CSV_LINE_END)}\n" for line in lines)


@contextlib.contextmanager
def write_folder_atomically(path: Path) -> Iterator[Path]:
    """Gives an empty temporary folder beside `path` to fill; it becomes `path` when the block ends well.

    All bytes reach the disk before the name changes. If the block raises, the temporary folder goes and whatever stood
    at `path` stays as it was. A folder that stands at `path` is exchanged in one step, so there is always one, whatever
    kills the writer; only where the system cannot exchange names (not Linux, some network disks) a kill in the moment
    between leaves none. What killed writers left beside it goes at the next write.

    Raises:
        MachineError: the place cannot be written to, or the disk is full.
    """
    path = Path(path)
    with machine_error_on_write(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned_partials(path.parent)
    with temporary_folder(lambda: partial_of(path)) as partial:
        with machine_error_if_full(path):
            yield partial
        with machine_error_on_write(path):
            for written in sorted(partial.rglob("*")):
                flush_to_disk(written)
            flush_to_disk(partial)
            _take_the_place_of(partial, path)
            flush_to_disk(path.parent)


def _take_the_place_of(finished: Path, path: Path) -> None:
    """Gives a folder the name `path`; one that had it goes."""
    if not path.exists():
        finished.replace(path)
        return
    if exchange(finished, path):
        shutil.rmtree(finished, ignore_errors=True)
        return
    old = partial_of(path)
    path.replace(old)
    finished.replace(path)
    shutil.rmtree(old, ignore_errors=True)


def move_atomically(finished: Path, path: Path) -> None:
    """Gives a finished file the name `path` in one step, on another file system too; its bytes reach the disk first.

    Raises:
        MachineError: `path` cannot be written to, or its disk is full.
    """
    with machine_error_on_write(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        flush_to_disk(finished)
        try:
            finished.replace(path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        else:
            flush_to_disk(path.parent)
            return
    with write_atomically(path) as partial:
        shutil.copyfile(finished, partial)
    finished.unlink()


def flush_to_disk(path: Path) -> None:
    """Returns once what a file or folder holds is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
