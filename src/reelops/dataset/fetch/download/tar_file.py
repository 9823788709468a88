"""Members of a tar, packed or not, up to its end mark: a tar that stops before that is damaged, however quietly."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from reelops.dataset.fetch.download.member import Member, Order
from reelops.dataset.fetch.download.zip_file import MOST_RATIO, RATIO_COUNTS_FROM_BYTES
from reelops.errors import DatasetError

_CHUNK_BYTES = 1 << 20
_MAGIC_AT, _MAGIC = 257, b"ustar"


@dataclass(frozen=True)
class Packing:
    """A way in which a tar is packed as a whole: its first bytes, and what unpacks a file that begins so."""

    magic: bytes
    unpacker: type[gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]

    def open(self, path: Path) -> IO[bytes]:
        return cast(IO[bytes], self.unpacker(path))


PACKINGS = (
    Packing(b"\x1f\x8b", gzip.GzipFile),
    Packing(b"BZh", bz2.BZ2File),
    Packing(b"\xfd7zXZ\0", lzma.LZMAFile),
)


def is_tar_header(block: bytes) -> bool:
    """Whether a file that begins so is a tar: by its magic, or, before there was one, by the header's checksum."""
    if block[_MAGIC_AT:].startswith(_MAGIC):
        return True
    try:
        tarfile.TarInfo.frombuf(block, tarfile.ENCODING, "surrogateescape")
    except (tarfile.TarError, ValueError):
        return False
    return True


def unpack_tar(order: Order, packing: Packing | None) -> Iterator[Path]:
    """Gives each wanted member as it is written.

    Of a packed tar the checksum is at its end, and members have none of their own: so all of it is read once before
    any member counts.
    """
    size = order.archive.stat().st_size
    most = max(RATIO_COUNTS_FROM_BYTES, MOST_RATIO * size) if packing else size
    if packing:
        _check_packed(order, packing, most)
    with order.parsing():
        file = packing.open(order.archive) if packing else order.archive.open("rb")
    with file:
        stream = _Stream(order, file, most if packing else None)
        with order.parsing():
            # Its type asks for more than the library does.
            tarred = tarfile.TarFile(fileobj=cast(IO[bytes], stream))
        yield from _members(order, tarred, most, packing)
        _check_end(order, stream)


def _members(order: Order, tarred: tarfile.TarFile, most: int, packing: Packing | None) -> Iterator[Path]:
    end = wanted_bytes = 0
    while True:
        with order.parsing():
            info = tarred.next()
        if info is None:
            return
        if info.size < 0 or tarred.offset <= end:
            raise order.damaged(f"{info.name!r} is to be smaller than nothing")
        end = tarred.offset
        # To pass a member over, all of it is unpacked too.
        if end > most and packing:
            raise DatasetError(f"{order.archive} is a bomb: up to {info.name!r} it unpacks over {MOST_RATIO}fold.")
        if end > most:
            raise order.damaged(f"it is cut short in {info.name!r}")
        member = _member_of(info)
        if target := order.target(member):
            wanted_bytes += info.size
            order.check_total(wanted_bytes)
            with order.parsing():
                content = tarred.extractfile(info)
            if content:
                with content:
                    order.write(member, content, target)
                yield target


class _Stream:
    """The bytes of a tar as the library reads them: never more than `most`, and the last ones are kept."""

    def __init__(self, order: Order, file: IO[bytes], most: int | None) -> None:
        self._order = order
        self._file = file
        self._most = most
        self.last = b""

    def read(self, size: int) -> bytes:
        # A header of the library's own may ask for any number of bytes.
        if self._most is not None and (size < 0 or self._file.tell() + size > self._most + _CHUNK_BYTES):
            raise DatasetError(f"{self._order.archive} is a bomb: it unpacks over {MOST_RATIO}fold.")
        self.last = self._file.read(size)
        return self.last

    def seek(self, position: int) -> int:
        return self._file.seek(position)

    def tell(self) -> int:
        return self._file.tell()


def _check_packed(order: Order, packing: Packing, most: int) -> None:
    """Reads a packed tar to its end, where its checksum is.

    One that is cut short has none: what lies before the cut is given, and then the cut is told. A bomb is told by the
    member at which it shows.
    """
    seen = 0
    try:
        with order.parsing(), packing.open(order.archive) as file:
            while chunk := file.read(_CHUNK_BYTES):
                seen += len(chunk)
                if seen > most:
                    return
    except DatasetError as error:
        if not isinstance(error.__cause__, EOFError):
            raise


def _check_end(order: Order, stream: _Stream) -> None:
    """Where the library finds no other member there is to be a block of zeros, and nothing but zeros after it."""
    if len(stream.last) < tarfile.BLOCKSIZE:
        raise order.damaged("it is cut short: it has no end mark")
    if any(stream.last):
        raise order.damaged("between two members there is something that is none; what follows it was not unpacked")
    while True:
        with order.parsing():
            rest = stream.read(_CHUNK_BYTES)
        if not rest:
            return
        if rest.strip(b"\0"):
            raise order.damaged("it goes on after its end mark; what is there was not unpacked")


def _member_of(info: tarfile.TarInfo) -> Member:
    if info.isdir():
        return Member(info.name, 0, "folder")
    if info.isreg():
        return Member(info.name, info.size, "file", sparse=info.issparse())
    if info.issym():
        return Member(info.name, 0, "link", str(PurePosixPath(info.name).parent / info.linkname))
    return Member(info.name, 0, "link", info.linkname) if info.islnk() else Member(info.name, 0, "device")
