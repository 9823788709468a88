"""Unpacking zip and tar files that strangers made: only plain files, only into the folder, only so much.

What a member may not be is refused by its name, and the rest is unpacked; what is wrong with the archive as a whole
refuses the archive. One that ends quietly before its end is wrong as a whole, too: what it lacks is not "not in it".
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from reelops.dataset.entry import OnNote
from reelops.dataset.fetch.download.disk import Claim
from reelops.dataset.fetch.download.member import Choose, MakeRoom, Order
from reelops.dataset.fetch.download.tar_file import PACKINGS, is_tar_header, unpack_tar
from reelops.dataset.fetch.download.zip_file import ZIP_STARTS, unpack_zip

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

_HEAD_BYTES = 512


def is_archive(name: str) -> bool:
    """Whether a file name is one of an archive that is read here."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def unpack(
    archive: Path, choose: Choose, most_bytes: int, on_refused: OnNote, make_room: MakeRoom | None = None
) -> Iterator[Path]:
    """Unpacks what `choose` wants, and gives the files one after the other; each appears only when it is whole.

    Args:
        most_bytes: what all wanted members may unpack to.
        on_refused: told of each member that is refused, in a sentence with its name.
        make_room: keeps room on the disk while a member is written; None looks at no disk.

    Raises:
        DatasetError: the archive is damaged, of another kind, a bomb, or too large. Files that were given before are
            whole all the same.
        MachineError: a file cannot be written, or the archive cannot be read on this machine now.
    """
    order = Order(archive, choose, most_bytes, on_refused, make_room or _any_room)
    with order.parsing(), archive.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    packing = next((packing for packing in PACKINGS if head.startswith(packing.magic)), None)
    if packing is None and _is_zip(order, head):
        yield from unpack_zip(order)
    else:
        yield from unpack_tar(order, packing)


def _is_zip(order: Order, head: bytes) -> bool:
    """Decided by the first bytes: the last ones of a tar may be those of a zip that is in it."""
    if head.startswith(ZIP_STARTS):
        return True
    if is_tar_header(head):
        return False
    with order.parsing():
        return zipfile.is_zipfile(order.archive) and order.archive.suffix.lower() == ".zip"


def _any_room(_size_bytes: int) -> nullcontext[Claim]:
    return nullcontext(Claim(None, 0))
