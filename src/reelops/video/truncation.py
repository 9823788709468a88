"""Whether a media file ends where its container says it must: a few header bytes tell, no decoding needed.

Sources: ISO/IEC 14496-12 section 4.2 (boxes), RFC 8794 section 4 (EBML sizes), RFC 9559 section 5.1 (Segment),
Microsoft's "AVI RIFF File Reference" (RIFF), OpenDML AVI 1.02 section 3 (further RIFFs).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_EBML_MAGIC = b"\x1a\x45\xdf\xa3"
_SEGMENT_ID = b"\x18\x53\x80\x67"
_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}


@dataclass(frozen=True)
class Extent:
    """What a container announces.

    Attributes:
        missing_bytes: how many bytes the file is short of what it announces; 0 for a whole file.
        has_index: False where an MP4 or QuickTime file ends before its `moov` box, without which nothing decodes.
        is_known: whether the container announces its length at all.
    """

    missing_bytes: int
    has_index: bool = True
    is_known: bool = True

    @property
    def is_whole(self) -> bool:
        return self.is_known and not self.missing_bytes


def extent_of(path: Path) -> Extent:
    """Announced and actual size of an MP4, QuickTime, Matroska, WebM or AVI file; of others nothing is known."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(12)
        if start[4:8] in _FIRST_BOXES:
            return _extent_of_boxes(file, size)
        if start[:4] == _EBML_MAGIC:
            return Extent(_missing_from_segment(file, size))
        if start[:4] == b"RIFF" and start[8:12] == b"AVI ":
            return _extent_of_riff(file, size)
    return Extent(0, is_known=False)


def _extent_of_boxes(file: BinaryIO, size: int) -> Extent:
    position, has_index = 0, False
    while position < size:
        file.seek(position)
        header = file.read(16)
        if len(header) < 8:
            return Extent(8 - len(header), has_index)
        length, kind = int.from_bytes(header[:4]), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16])
        if length == 0:  # the box runs to the end of the file
            return Extent(0, has_index or kind == b"moov")
        if length < 8:
            return Extent(0, has_index)
        position += length
        has_index = has_index or (kind == b"moov" and position <= size)
    return Extent(max(0, position - size), has_index)


def _extent_of_riff(file: BinaryIO, size: int) -> Extent:
    """Of one RIFF after the other: a large AVI goes on in a second one. What follows the last one does not count."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(8)
        if header[:4] != b"RIFF":
            break
        length = int.from_bytes(header[4:], "little")
        if length in (0, 0xFFFFFFFF):  # written while recording, and never completed
            return Extent(0, is_known=False)
        position += 8 + length + length % 2
    # The last byte only makes the length even, and may be left out.
    return Extent(max(0, position - 1 - size))


def _missing_from_segment(file: BinaryIO, size: int) -> int:
    file.seek(0)
    while len(identifier := file.read(4)) == 4:
        length = _read_ebml_size(file)
        if length is None:
            return 0  # of unknown size, as live streams are written
        if identifier == _SEGMENT_ID:
            return max(0, file.tell() + length - size)
        if file.tell() + length >= size:
            return 0
        file.seek(length, 1)
    return 0


def _read_ebml_size(file: BinaryIO) -> int | None:
    first = file.read(1)
    if not first or not first[0]:
        return None
    extra = 8 - first[0].bit_length()
    value = int.from_bytes(bytes([first[0] & ((1 << (7 - extra)) - 1)]) + file.read(extra))
    return None if value == (1 << (7 * (extra + 1))) - 1 else value
