"""Members of a zip, by its directory at the end; that the directory is whole is looked at first."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from struct import Struct

from reelops.dataset.fetch.download.member import Member, Order, reading_member
from reelops.errors import DatasetError

_FIRST_MEMBER = b"PK\3\4"
ZIP_STARTS = (_FIRST_MEMBER, b"PK\5\6", b"PK\7\x08PK\3\4", b"PK00PK\3\4")
"""Of one with members, of an empty one, and of one that was to be split and was not."""

# Videos hardly shrink and annotations shrink some twentyfold; bombs of deflate reach a thousandfold.
MOST_RATIO = 200
RATIO_COUNTS_FROM_BYTES = 1 << 20
_ENCRYPTED = 0x1
# The end record (APPNOTE.TXT section 4.3.16); a comment of up to 64 KiB may follow it.
_END_MARK = b"PK\5\6"
_END = Struct("<4s4H2LH")
_IN_ZIP64 = 0xFFFF


def unpack_zip(order: Order) -> Iterator[Path]:
    """Gives each wanted member as it is written; one that is damaged is refused by its name."""
    with order.parsing():
        zipped = zipfile.ZipFile(order.archive)
    with zipped:
        infos = zipped.infolist()
        _check_directory(order, infos)
        wanted = []
        for info in infos:
            packed_fold = info.file_size / max(1, info.compress_size)
            if info.file_size > RATIO_COUNTS_FROM_BYTES and packed_fold > MOST_RATIO:
                order.refuse(info.filename, f"a zip bomb, it unpacks {packed_fold:,.0f}fold")
            elif target := order.target(member := _member_of(info)):
                wanted.append((info, member, target))
        order.check_total(sum(info.file_size for info, _, _ in wanted))
        for info, member, target in wanted:
            try:
                with reading_member(order.archive, info.filename):
                    content = zipped.open(info)
                with content:
                    order.write(member, content, target)
            except DatasetError as error:
                order.on_refused(str(error))
            else:
                yield target


def _check_directory(order: Order, infos: list[zipfile.ZipInfo]) -> None:
    """Refuses a zip that has other members than its directory tells of.

    The library reads a directory up to the size that the end record says, and does not count. One of two zips that
    were joined is not seen at all.
    """
    with order.parsing(), order.archive.open("rb") as file:
        size = order.archive.stat().st_size
        head = file.read(len(_FIRST_MEMBER))
        file.seek(max(0, size - _END.size - 0xFFFF))
        tail = file.read()
    at = tail.rfind(_END_MARK)
    told = _END.unpack_from(tail, at)[4] if 0 <= at <= len(tail) - _END.size else _IN_ZIP64
    if told not in (len(infos), len(infos) % (_IN_ZIP64 + 1), _IN_ZIP64):
        raise order.damaged(f"its directory has {len(infos):,} members, and its end says {told:,}")
    if head == _FIRST_MEMBER and min((info.header_offset for info in infos), default=-1) != 0:
        raise order.damaged("it begins with members that its directory does not tell of")
    if sum(info.compress_size for info in infos) > size:
        raise DatasetError(f"{order.archive} is a zip bomb: its members share the same bytes. Nothing was unpacked.")


def _member_of(info: zipfile.ZipInfo) -> Member:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.filename.endswith("/"):  # the library looks at the last letter of a name that may have none
        return Member(info.filename, 0, "folder")
    if kind in (0, stat.S_IFREG):
        return Member(info.filename, info.file_size, "file", encrypted=bool(info.flag_bits & _ENCRYPTED))
    return Member(info.filename, 0, "link" if kind == stat.S_IFLNK else "device")
