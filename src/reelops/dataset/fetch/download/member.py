"""A member of an archive that a stranger made: what it may be, where it may go, and how its bytes are written."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from reelops.dataset.entry import OnNote
from reelops.dataset.fetch.download.disk import Claim
from reelops.errors import DatasetError
from reelops.foreign import reading_foreign
from reelops.system.file_names import LONGEST_NAME, bytes_in
from reelops.system.files import write_atomically
from reelops.system.write_errors import machine_error_on_write

_CHUNK_BYTES = 1 << 20
_DRIVE = re.compile(r"[A-Za-z]:")

Choose = Callable[[PurePosixPath], Path | None]
"""Where a member goes, None where it is not wanted."""

MakeRoom = Callable[[int], AbstractContextManager[Claim]]
"""Keeps room on the disk for so many bytes."""


@dataclass(frozen=True)
class Member:
    """A member of either kind of archive: `what` it is if no plain file, and where it leads if it is a link."""

    name: str
    size_bytes: int
    what: Literal["file", "folder", "link", "device"]
    leads_to: str = ""
    encrypted: bool = False
    sparse: bool = False


@dataclass(frozen=True)
class Order:
    """What is to come out of an archive.

    Attributes:
        most_bytes: what all wanted members may unpack to.
        on_refused: told of each member that is refused, in a sentence with its name.
    """

    archive: Path
    choose: Choose
    most_bytes: int
    on_refused: OnNote
    make_room: MakeRoom

    def parsing(self) -> AbstractContextManager[None]:
        """Within it the archive is read, and whatever is wrong with it is an error that names it."""
        return reading_foreign(
            self.archive, DatasetError, "is damaged or no archive", "delete it, and fetch or copy it again"
        )

    def damaged(self, how: str) -> DatasetError:
        """The archive as a whole is not what was published."""
        return DatasetError(f"{self.archive} is damaged: {how}; delete it, and fetch or copy it again.")

    def check_total(self, total_bytes: int) -> None:
        """Refuses the archive where its wanted members are too large together."""
        if total_bytes > self.most_bytes:
            raise DatasetError(
                f"{self.archive} would unpack to {total_bytes / 1e9:,.2f} GB, more than the limit of "
                f"{self.most_bytes / 1e9:,.2f} GB; if it is to be so large, raise dataset.download.max_unpacked_gb."
            )

    def refuse(self, name: str, why: str) -> None:
        self.on_refused(f"{self.archive.name}: {name!r} was refused: {why}")

    def target(self, member: Member) -> Path | None:
        """Where a member goes; None where it is not wanted, or was refused."""
        if fault := _fault(member):
            self.refuse(member.name, fault)
            return None
        target = self.choose(_path_in_archive(member.name)) if member.what != "folder" else None
        if target and member.what == "link":
            self.refuse(member.name, "it is a link, only files are unpacked")
            return None
        if target and bytes_in(target.name) > LONGEST_NAME:
            self.refuse(member.name, "its name is longer than a file's may be")
            return None
        return target

    def write(self, member: Member, content: IO[bytes], target: Path) -> None:
        """Puts the bytes of a member under `target`, all of them or none.

        Raises:
            DatasetError: they cannot be read, or are not as many as the archive says.
            MachineError: the disk is full, or cannot be written to or read from.
        """
        written = 0
        with (
            self.make_room(member.size_bytes) as claim,
            write_atomically(target) as partial,
            machine_error_on_write(target),
            partial.open("wb") as file,
        ):
            while chunk := self._read(member, content):
                file.write(chunk)
                written += len(chunk)
                claim.landed(len(chunk))
            if written != member.size_bytes:
                raise DatasetError(
                    f"{self.archive.name}: {member.name!r} is damaged or cannot be read: it has {written:,} bytes, "
                    f"{member.size_bytes:,} are to be in it"
                )

    def _read(self, member: Member, content: IO[bytes]) -> bytes:
        with reading_member(self.archive, member.name):
            return content.read(_CHUNK_BYTES)


def reading_member(archive: Path, name: str) -> AbstractContextManager[None]:
    """Within it a member is read, and whatever is wrong with it is an error that names it."""
    return reading_foreign(f"{archive.name}: {name!r}", DatasetError, "is damaged or cannot be read", "it was left out")


def _fault(member: Member) -> str | None:
    """Why nobody may unpack a member, wanted or not."""
    if _escapes(member.name):
        return "it leads out of the folder"
    if member.what == "device":
        return "it is a device, not a file"
    if member.what == "link" and _escapes(member.leads_to):
        return f"it is a link out of the folder, to {member.leads_to!r}"
    if member.encrypted:
        return "it is encrypted"
    return "it is a sparse file, which may be far larger than the archive" if member.sparse else None


def _escapes(name: str) -> bool:
    """Whether a path is absolute, has a drive letter or a zero byte, or climbs above where it starts."""
    path = _path_in_archive(name)
    if path.is_absolute() or _DRIVE.match(name) or "\0" in name:
        return True
    depth = 0
    for part in path.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return True
    return False


def _path_in_archive(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))
