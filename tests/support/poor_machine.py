"""This very process, for a while without room for another file, or for another byte in one."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_more_files() -> Iterator[None]:
    """Within it no file and no connection can be opened: "Too many open files"."""
    number = os.open(os.devnull, os.O_RDONLY)
    os.close(number)
    with _limited(resource.RLIMIT_NOFILE, number):
        yield


@contextmanager
def no_files_beyond(size_bytes: int) -> Iterator[None]:
    """Within it no file may grow larger: "File too large"."""
    with _limited(resource.RLIMIT_FSIZE, size_bytes):
        yield


@contextmanager
def _limited(kind: int, most: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))
