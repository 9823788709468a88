"""Renaming in one step, by Linux's own call where Python has none."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

# From Linux's headers, for renameat2(2).
_AT_FDCWD = -100
_RENAME_NOREPLACE = 1
_RENAME_EXCHANGE = 2
_CANNOT = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}
_CANNOT_LINK = _CANNOT | {errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP}


def take_free_name(finished: Path, path: Path) -> None:
    """Gives a finished file of the same disk the name `path`, unless something has it; the old name may stay, too.

    It is one step wherever the disk has hard links or Linux renames without replacing.

    Raises:
        FileExistsError: something stands there, a link to nothing included.
        OSError: the name cannot be given.
    """
    try:
        os.link(finished, path)
        return
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
    if _renameat2(finished, path, _RENAME_NOREPLACE):
        return
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    finished.rename(path)


def exchange(one: Path, other: Path) -> bool:
    """Swaps what two names stand for in one step; False where the system or the disk cannot.

    Raises:
        OSError: it can, and would not.
    """
    return _renameat2(one, other, _RENAME_EXCHANGE)


def _renameat2(one: Path, other: Path, flag: int) -> bool:
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except AttributeError:
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT:
        return False
    raise OSError(number, os.strerror(number), str(other))
