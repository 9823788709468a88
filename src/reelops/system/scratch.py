"""Folders that live as long as a run, however it ends."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reelops.system.temporary import remove_if_abandoned, temporary_folder


@contextmanager
def scratch_folder(cache: Path) -> Iterator[Path]:
    """A folder for the length of a run; what a killed run left is recognised by its dropped lock, and removed."""
    root = cache / "scratch"
    root.mkdir(parents=True, exist_ok=True)
    for folder in root.iterdir():
        remove_if_abandoned(folder)
    with temporary_folder(lambda: root / secrets.token_hex(6)) as folder:
        yield folder
