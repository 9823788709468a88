"""Where the numbers and the parts of picture files are, so that mutants get past a parser's first glance.

Nothing here is strict: what cannot be followed is left out.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from tests.fuzz.mutation import edge_number


@dataclass(frozen=True)
class Layout:
    """Places in a file.

    Attributes:
        parts: begin and end of chunks, segments or boxes, in order.
        numbers: begin, size in bytes and byte order of numbers: sizes, lengths, counts, offsets.
    """

    parts: tuple[tuple[int, int], ...] = ()
    numbers: tuple[tuple[int, int, str], ...] = ()


def respelt(kind: str, data: bytes, random: Random) -> bytes:
    """A file whose numbers were set to what counters overflow at, or whose parts were left out, doubled or moved."""
    layout = _LAYOUTS[kind](data) if kind in _LAYOUTS else Layout()
    spoiled = bytearray(data)
    if layout.numbers and (random.random() < 0.7 or not layout.parts):
        for begin, size, order in random.sample(layout.numbers, min(len(layout.numbers), random.choice((1, 1, 2, 3)))):
            spoiled[begin : begin + size] = edge_number(random, size, order)
    elif layout.parts:
        spoiled = _rearranged(spoiled, layout.parts, random)
    return _with_checksums(bytes(spoiled)) if kind == "png" else bytes(spoiled)


def _rearranged(data: bytearray, parts: tuple[tuple[int, int], ...], random: Random) -> bytearray:
    begin, end = random.choice(parts)
    part = data[begin:end]
    way = random.random()
    if way < 0.4:
        del data[begin:end]
    elif way < 0.7:
        data[end:end] = part * random.choice((1, 2, 50))
    else:
        del data[begin:end]
        place = random.choice([at for at, _ in parts if at <= len(data)])
        data[place:place] = part
    return data


def _png(data: bytes) -> Layout:
    parts, numbers, at = [], [], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        parts.append((at, at + 12 + length))
        numbers.append((at, 4, "big"))
        if data[at + 4 : at + 8] in (b"IHDR", b"acTL", b"fcTL"):
            numbers += [(at + 8 + step, 4, "big") for step in range(0, length - 3, 4)]
            numbers += [(at + 8 + step, 1, "big") for step in range(8, length)]
        at += 12 + length
    return Layout(tuple(parts), tuple(numbers))


def _with_checksums(data: bytes) -> bytes:
    """The same PNG with right checksums as far as its chunks can be followed."""
    spoiled, at = bytearray(data), 8
    while at + 12 <= len(spoiled):
        length = int.from_bytes(spoiled[at : at + 4], "big")
        if at + 12 + length > len(spoiled):
            break
        spoiled[at + 8 + length : at + 12 + length] = struct.pack(">I", zlib.crc32(spoiled[at + 4 : at + 8 + length]))
        at += 12 + length
    return bytes(spoiled)


def _jpeg(data: bytes) -> Layout:
    parts, numbers, at = [], [], 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        parts.append((at, at + 2 + length))
        numbers.append((at + 2, 2, "big"))
        if 0xC0 <= data[at + 1] <= 0xCF:
            numbers += [(at + 4, 1, "big"), (at + 5, 2, "big"), (at + 7, 2, "big"), (at + 9, 1, "big")]
            numbers += [(at + 10 + step, 1, "big") for step in range(length - 8)]
        if data[at + 4 : at + 10] == b"Exif\0\0":
            numbers += [(at + 10 + begin, size, order) for begin, size, order in _tiff(data[at + 10 :]).numbers]
        at += 2 + length
    return Layout(tuple(parts), tuple(numbers))


def _webp(data: bytes) -> Layout:
    parts, numbers, at = [], [(4, 4, "little")], 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        parts.append((at, at + 8 + length + length % 2))
        numbers += [(at + 4, 4, "little")]
        numbers += [(at + 8 + step, 3, "little") for step in range(0, min(16, length), 1)]
        at += 8 + length + length % 2
    return Layout(tuple(parts), tuple(numbers))


_BOXES_OF_BOXES = {b"meta": 4, b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"iprp": 0, b"ipco": 0}


def _boxes(data: bytes) -> Layout:
    parts, numbers = [], []
    for at, length, kind in _walk_boxes(data, 0, len(data)):
        parts.append((at, at + length))
        numbers.append((at, 4, "big"))
        if kind not in (b"mdat", b"jp2c"):
            numbers += [(at + step, 4, "big") for step in range(8, min(length - 3, 72), 4)]
    return Layout(tuple(parts), tuple(numbers))


def _walk_boxes(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    while at + 8 <= end:
        length, kind = int.from_bytes(data[at : at + 4], "big") or end - at, data[at + 4 : at + 8]
        if length < 8:
            return
        yield at, length, kind
        if kind in _BOXES_OF_BOXES:
            yield from _walk_boxes(data, at + 8 + _BOXES_OF_BOXES[kind], min(end, at + length))
        at += length


def _jp2(data: bytes) -> Layout:
    boxes = _boxes(data) if data[4:8] == b"jP  " else Layout()
    size = data.find(b"\xff\x51")  # SIZ: the sizes of picture, tiles and components
    fields = [(size + 2, 2, "big"), *((size + 6 + step, 4, "big") for step in range(0, 32, 4)), (size + 38, 2, "big")]
    return Layout(boxes.parts, (*boxes.numbers, *fields))


def _tiff(data: bytes) -> Layout:
    order = "big" if data[:2] == b"MM" else "little"
    numbers, parts = [(4, 4, order)], []
    at = int.from_bytes(data[4:8], order)  # type: ignore[arg-type]
    for _ in range(4):
        if not 8 <= at < len(data) - 2:
            break
        count = int.from_bytes(data[at : at + 2], order)  # type: ignore[arg-type]
        numbers.append((at, 2, order))
        for entry in range(at + 2, min(at + 2 + 12 * count, len(data) - 12), 12):
            parts.append((entry, entry + 12))
            numbers += [(entry, 2, order), (entry + 2, 2, order), (entry + 4, 4, order), (entry + 8, 4, order)]
        following = at + 2 + 12 * count
        at = int.from_bytes(data[following : following + 4], order)  # type: ignore[arg-type]
    return Layout(tuple(parts), tuple(numbers))


def _gif(data: bytes) -> Layout:
    numbers = [(6, 2, "little"), (8, 2, "little"), (10, 1, "little")]
    for at in range(13, len(data) - 10):
        if data[at] == 0x2C and data[at - 1] == 0:
            numbers += [(at + step, 2, "little") for step in (1, 3, 5, 7)] + [(at + 9, 1, "little")]
    return Layout((), tuple(numbers))


def _bmp(data: bytes) -> Layout:
    fields = [(at, 4, "little") for at in (2, 10, 14, 18, 22, 30, 34, 46, 50)]
    return Layout((), (*fields, (26, 2, "little"), (28, 2, "little")))


def _qoi(_: bytes) -> Layout:
    return Layout((), ((4, 4, "big"), (8, 4, "big"), (12, 1, "big"), (13, 1, "big")))


_LAYOUTS: dict[str, Callable[[bytes], Layout]] = {
    "png": _png,
    "jpeg": _jpeg,
    "webp": _webp,
    "avif": _boxes,
    "jp2": _jp2,
    "tiff": _tiff,
    "gif": _gif,
    "bmp": _bmp,
    "qoi": _qoi,
}
