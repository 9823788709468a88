"""How every file of the project is written: whole, or not at all.

A writer works on a hidden sibling in the target's own folder, and the finished file takes the final name in one step.
What a killed writer left behind is recognised by its lock, which the system drops with the process, and is removed by
the next write into that folder.
"""

from __future__ import annotations

import contextlib
import csv
import ctypes
import errno
import fcntl
import io
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from reelops.errors import InputError, MachineError

PARTIAL_SUFFIX = ".partial"
_OUT_OF_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# From Linux's headers, for renameat2(2).
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_CANNOT_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


@contextlib.contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """Gives an empty temporary file beside `path` to write to; it becomes `path` when the block ends well.

    The bytes reach the disk before the name changes. If the block raises, Ctrl-C included, the temporary file goes and
    whatever stood at `path` stays as it was. Missing folders are made; a symbolic link at `path` is replaced, not
    followed. The temporary name ends in `.partial`, so a library that guesses a format by suffix must be told it.

    Raises:
        InputError: `path` is a folder.
        MachineError: the folder cannot be written to, or the disk is full.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file to write, for example {path / 'clip.mp4'}.")
    with machine_error_on_write(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned_partials(path.parent)
    with _passing_file(path) as partial:
        try:
            yield partial
            with machine_error_on_write(path):
                _flush_to_disk(partial)
                if path.is_file():
                    shutil.copymode(path, partial)
                partial.replace(path)
                _flush_to_disk(path.parent)
        except OSError as error:
            if error.errno in _OUT_OF_SPACE:
                raise _cannot_write(path, error) from error
            raise


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Puts `data` under `path` in one step."""
    with write_atomically(path) as partial:
        partial.write_bytes(data)


def write_text_atomically(path: Path, text: str) -> None:
    """Puts `text` under `path` in one step, as UTF-8 with its line ends as they are."""
    write_bytes_atomically(path, text.encode())


def write_csv_atomically(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Puts a table under `path` in one step."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text_atomically(path, text.getvalue())


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
        for abandoned in path.parent.glob(f".*{PARTIAL_SUFFIX}"):
            remove_folder_if_abandoned(abandoned)
    with passing_folder(lambda: _partial_of(path)) as partial:
        try:
            yield partial
            with machine_error_on_write(path):
                for written in sorted(partial.rglob("*")):
                    _flush_to_disk(written)
                _flush_to_disk(partial)
                _take_the_place_of(partial, path)
                _flush_to_disk(path.parent)
        except OSError as error:
            if error.errno in _OUT_OF_SPACE:
                raise _cannot_write(path, error) from error
            raise


@contextlib.contextmanager
def passing_folder(new_name: Callable[[], Path]) -> Iterator[Path]:
    """A new folder that goes with the block; its lock tells others that its owner lives.

    It is named before it is made, inside what removes it: a signal's exception finds it even between the two.

    Args:
        new_name: gives a path that nothing has.

    Raises:
        MachineError: the place cannot be written to.
    """
    while True:
        folder, handle = new_name(), None
        try:
            with machine_error_on_write(folder.parent):
                folder.mkdir()
                handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            if _is_ours(handle, folder):
                yield folder
                return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if handle is not None:
                os.close(handle)


@contextlib.contextmanager
def _passing_file(path: Path) -> Iterator[Path]:
    """As `passing_folder`, an empty file beside `path`; it may be moved away within the block."""
    while True:
        partial, handle = _partial_of(path), None
        try:
            with machine_error_on_write(path):
                handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
            if _is_ours(handle, partial):
                yield partial
                return
        finally:
            partial.unlink(missing_ok=True)
            if handle is not None:
                os.close(handle)


def _is_ours(handle: int, path: Path) -> bool:
    """Takes the lock; False where somebody took the path for abandoned between its making and this."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), path.stat())
    except OSError:
        return False


def _partial_of(path: Path) -> Path:
    """A hidden name beside `path` that nothing has."""
    return path.with_name(f".{path.name[:180]}.{secrets.token_hex(6)}{PARTIAL_SUFFIX}")


def _take_the_place_of(finished: Path, path: Path) -> None:
    """Gives a folder the name `path`; one that had it goes."""
    if not path.exists():
        finished.replace(path)
        return
    if _exchange(finished, path):
        shutil.rmtree(finished, ignore_errors=True)
        return
    old = _partial_of(path)
    path.replace(old)
    finished.replace(path)
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swaps what two names stand for in one step; False where the system or the disk cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(other))


def remove_folder_if_abandoned(folder: Path) -> None:
    """Removes a folder whose holder is dead; anything else stays."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        pass  # its holder is alive
    finally:
        os.close(handle)


def move_atomically(finished: Path, path: Path) -> None:
    """Gives a finished file the name `path` in one step, on another file system too; its bytes reach the disk first.

    Raises:
        MachineError: `path` cannot be written to, or its disk is full.
    """
    with machine_error_on_write(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _flush_to_disk(finished)
        try:
            finished.replace(path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
        else:
            _flush_to_disk(path.parent)
            return
    with write_atomically(path) as partial:
        shutil.copyfile(finished, partial)
    finished.unlink()


@contextlib.contextmanager
def removed_on_failure(*paths: Path) -> Iterator[None]:
    """Removes what the block wrote under these names when it raises: an error, Ctrl-C, or a signal's exception.

    A file that was there before, and was not replaced meanwhile, stays.
    """
    before = [_identity(path) for path in paths]
    try:
        yield
    except BaseException:
        for path, known in zip(paths, before, strict=True):
            if _identity(path) != known:
                path.unlink(missing_ok=True)
        raise


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another one under the same name."""
    try:
        seen = path.stat()
    except FileNotFoundError:
        return None
    return seen.st_ino, seen.st_mtime_ns


def remove_abandoned_partials(folder: Path) -> list[Path]:
    """Removes the temporary files in `folder` whose writer is dead, and says which."""
    return [partial for partial in folder.glob(f".*{PARTIAL_SUFFIX}") if _remove_if_abandoned(partial)]


def _remove_if_abandoned(partial: Path) -> bool:
    try:
        handle = os.open(partial, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        partial.unlink(missing_ok=True)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def machine_error_on_write(path: Path) -> Iterator[None]:
    """Within it what the system says against writing is an error that names `path`.

    Raises:
        MachineError: a file or folder cannot be written, or the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> MachineError:
    reason = error.strerror or str(error)
    return MachineError(f"cannot write {path}: {reason}. Free some space there, or choose another place.")
