"""Files that are taken along when the work that wrote them does not end well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
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
