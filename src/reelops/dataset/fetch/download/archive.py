"""Unpacking zip and tar files that strangers made: only plain files, only into the folder, only so much.

What a member may not be is refused by its name, and the rest is unpacked; what is wrong with the archive as a whole
refuses the archive.
"""

from __future__ import annotations

import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from reelops.dataset.entry import OnNote
from reelops.errors import DatasetError
from reelops.system.files import write_atomically

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

# Videos hardly shrink and annotations shrink some twentyfold; bombs of deflate reach a thousandfold.
_MOST_RATIO = 200
_RATIO_COUNTS_FROM_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20
_ENCRYPTED = 0x1
_DRIVE = re.compile(r"^[A-Za-z]:")
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError)

Choose = Callable[[PurePosixPath], Path | None]
"""Where a member goes, None where it is not wanted."""


@dataclass(frozen=True)
class _Budget:
    """What one archive may unpack to."""

    archive: Path
    most_bytes: int

    def check(self, total_bytes: int) -> None:
        if total_bytes > self.most_bytes:
            raise DatasetError(
                f"{self.archive} would unpack to {total_bytes / 1e9:,.2f} GB, more than the limit of "
                f"{self.most_bytes / 1e9:,.2f} GB; if it is to be so large, raise dataset.download.max_unpacked_gb."
            )


def is_archive(name: str) -> bool:
    """Whether a file name is one of an archive that is read here."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def unpack(archive: Path, choose: Choose, most_bytes: int, on_refused: OnNote) -> Iterator[Path]:
    """Unpacks what `choose` wants, and gives the files one after the other; each appears only when it is whole.

    Args:
        most_bytes: what all wanted members may unpack to.
        on_refused: told of each member that is refused, in a sentence with its name.

    Raises:
        DatasetError: the archive is damaged, of another kind, a bomb, or too large.
        MachineError: a file cannot be written.
    """
    try:
        if zipfile.is_zipfile(archive):
            yield from _unpack_zip(archive, choose, _Budget(archive, most_bytes), on_refused)
        else:
            yield from _unpack_tar(archive, choose, _Budget(archive, most_bytes), on_refused)
    except _DAMAGE as error:
        reason = str(error).splitlines()[0].rstrip(":. ") if str(error) else type(error).__name__
        raise DatasetError(f"{archive} is damaged or no archive: {reason}. Delete it, and fetch it again.") from error


@dataclass(frozen=True)
class _Member:
    """A member of either kind of archive: `what` it is if no plain file, and where it leads if it is a link."""

    name: str
    size_bytes: int
    what: Literal["file", "folder", "link", "device"]
    leads_to: str = ""
    encrypted: bool = False
    sparse: bool = False


def _unpack_zip(archive: Path, choose: Choose, budget: _Budget, on_refused: OnNote) -> Iterator[Path]:
    with zipfile.ZipFile(archive) as zipped:
        infos = zipped.infolist()
        if sum(info.compress_size for info in infos) > archive.stat().st_size:
            raise DatasetError(f"{archive} is a zip bomb: its members share the same bytes. Nothing was unpacked.")
        wanted = []
        for info in infos:
            packed_fold = info.file_size / max(1, info.compress_size)
            if info.file_size > _RATIO_COUNTS_FROM_BYTES and packed_fold > _MOST_RATIO:
                on_refused(
                    f"{archive.name}: {info.filename!r} was refused: a zip bomb, it unpacks {packed_fold:,.0f}fold"
                )
            elif target := _target(archive, _member_of_zip(info), choose, on_refused):
                wanted.append((info, target))
        budget.check(sum(info.file_size for info, _ in wanted))
        for info, target in wanted:
            try:
                with zipped.open(info) as content:
                    _write(content, target)
            # What zipfile says of a way of packing that it does not know.
            except (*_DAMAGE, NotImplementedError) as error:
                on_refused(f"{archive.name}: {info.filename!r} is damaged or cannot be read: {error}")
            else:
                yield target


def _unpack_tar(archive: Path, choose: Choose, budget: _Budget, on_refused: OnNote) -> Iterator[Path]:
    size, wanted_bytes, seen_bytes = archive.stat().st_size, 0, 0
    with tarfile.open(archive) as tarred:
        while (info := tarred.next()) is not None:
            # To pass a member over, all of it is unpacked too.
            seen_bytes += info.size
            if seen_bytes > _RATIO_COUNTS_FROM_BYTES and seen_bytes > _MOST_RATIO * size:
                raise DatasetError(f"{archive} is a bomb: up to {info.name!r} it unpacks over {_MOST_RATIO}fold.")
            target = _target(archive, _member_of_tar(info), choose, on_refused)
            content = tarred.extractfile(info) if target else None
            if target and content:
                wanted_bytes += info.size
                budget.check(wanted_bytes)
                with content:
                    _write(content, target)
                yield target


def _member_of_zip(info: zipfile.ZipInfo) -> _Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    encrypted = bool(info.flag_bits & _ENCRYPTED)
    if info.is_dir():
        return _Member(info.filename, 0, "folder")
    if kind in (0, stat.S_IFREG):
        return _Member(info.filename, info.file_size, "file", encrypted=encrypted)
    return _Member(info.filename, 0, "link" if kind == stat.S_IFLNK else "device")


def _member_of_tar(info: tarfile.TarInfo) -> _Member:
    if info.isdir():
        return _Member(info.name, 0, "folder")
    if info.isreg():
        return _Member(info.name, info.size, "file", sparse=info.issparse())
    if info.issym():
        return _Member(info.name, 0, "link", str(PurePosixPath(info.name).parent / info.linkname))
    return _Member(info.name, 0, "link", info.linkname) if info.islnk() else _Member(info.name, 0, "device")


def _target(archive: Path, member: _Member, choose: Choose, on_refused: OnNote) -> Path | None:
    """Where a member goes; None where it is not wanted, or was refused."""
    fault = _fault(member)
    if fault:
        on_refused(f"{archive.name}: {member.name!r} was refused: {fault}")
        return None
    target = choose(_path_in_archive(member.name)) if member.what != "folder" else None
    if target and member.what == "link":
        on_refused(f"{archive.name}: {member.name!r} was refused: it is a link, only files are unpacked")
        return None
    return target


def _fault(member: _Member) -> str | None:
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


def _write(content: IO[bytes], target: Path) -> None:
    with write_atomically(target) as partial, partial.open("wb") as file:
        shutil.copyfileobj(content, file, _CHUNK_BYTES)
