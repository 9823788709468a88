"""A file server, and a downloader that does not dawdle."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from file_server import FileServer, serving

from reelops.dataset.fetch.download.downloader import Downloader
from reelops.dataset.fetch.download.settings import DownloadSettings
from reelops.dataset.fetch.download.tombstones import Tombstones

QUICK = {
    "rounds": 3,
    "backoff_seconds": 0.01,
    "requests_per_second": 1000.0,
    "keep_free_gb": 0.0,
}


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving({"/a.mp4": bytes(range(256)) * 4000}) as one:
        yield one


class Desk:
    """Downloaders that share a work folder, as runs one after the other do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stopping = threading.Event()
        self.opened: list[Downloader] = []

    def downloader(self, *, offline: bool = False, tokens: dict[str, str] | None = None, **changes: Any) -> Downloader:
        settings = DownloadSettings(**{**QUICK, **changes})
        stones = Tombstones(self.folder / "gone.jsonl")
        work = self.folder / "partial"
        one = Downloader(settings, work, stones, self.stopping, offline=offline, tokens=tokens)
        self.opened.append(one)
        return one


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    one = Desk(tmp_path)
    yield one
    for downloader in one.opened:
        downloader.close()
