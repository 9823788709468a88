"""A machine that runs out: of files that may be open, or of room for a file. The kernel itself refuses."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_more_open_files() -> Iterator[None]:
    """Within it this process can open no file and no connection: EMFILE. What is used inside has to be imported
    before."""
    free = os.open(os.devnull, os.O_RDONLY)  # the lowest number that is
    os.close(free)
    with _limited(resource.RLIMIT_NOFILE, free):
        yield


@contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    """Within it a file of this process that grows beyond is refused, as on a full disk: EFBIG."""
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
