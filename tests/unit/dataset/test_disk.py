"""Room on a disk is counted once: as claimed, or as taken."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from reelops.dataset.fetch.download.disk import Disk
from reelops.errors import MachineError

Usage = namedtuple("Usage", "total used free")
GB = 10**9


class Shelf:
    """A disk of 20 GB, of which the test says how much is free: nobody has one that is as full as it wants."""

    def __init__(self) -> None:
        self.free = 20 * GB

    def usage(self, _path: Path) -> Usage:
        return Usage(20 * GB, 20 * GB - self.free, self.free)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    one = Shelf()
    monkeypatch.setattr(shutil, "disk_usage", one.usage)
    return one


@pytest.fixture
def disk(shelf: Shelf, tmp_path: Path) -> Disk:
    return Disk(tmp_path, 2 * GB)


def test_bytes_that_have_come_are_not_claimed_once_more(disk: Disk, shelf: Shelf) -> None:
    with disk.claim(15 * GB) as claim:
        claim.landed(14 * GB)
        shelf.free = 6 * GB
        with disk.claim(3 * GB):
            pass
        with pytest.raises(MachineError, match=r"has 6\.00 GB free; 5\.00 GB more are needed"), disk.claim(4 * GB):
            pass


def test_what_is_still_to_come_stays_claimed(disk: Disk) -> None:
    with disk.claim(15 * GB), pytest.raises(MachineError, match=r"19\.00 GB more are needed"), disk.claim(4 * GB):
        pass


def test_a_claim_ends_with_its_transfer_however_much_has_come(disk: Disk) -> None:
    for landed in (0, 5, 18, 19):
        with disk.claim(18 * GB) as claim:
            claim.landed(landed * GB)
    with pytest.raises(ZeroDivisionError), disk.claim(18 * GB) as claim:
        claim.landed(1 / 0)  # type: ignore[arg-type] # any failure will do
    with disk.claim(18 * GB):
        pass


def test_bytes_that_nobody_announced_are_watched(disk: Disk, shelf: Shelf) -> None:
    with disk.claim(0) as claim:
        claim.landed(10**6)
        shelf.free = GB
        claim.landed(10**6)
        with pytest.raises(MachineError, match="are to stay free"):
            claim.landed(1 << 26)
