"""How long a file's name may be: file systems count bytes, not letters."""

from __future__ import annotations

import os

LONGEST_NAME = 255
"""Bytes of a name on every file system in common use."""


def bytes_in(name: str) -> int:
    """How many bytes a name has on the disk."""
    return len(os.fsencode(name))


def shortened(name: str, most_bytes: int) -> str:
    """The beginning of a name, cut between letters."""
    if bytes_in(name) <= most_bytes:
        return name
    return os.fsencode(name)[:most_bytes].decode("utf-8", "ignore")
