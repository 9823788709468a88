"""H.264 of field pictures, each field in a packet of its own, as broadcast and AVCHD cameras write it."""

from __future__ import annotations

import av
import numpy as np

SIDE = 64
_HALF_MACROBLOCK_ROWS = SIDE // 32


class _Bits:
    def __init__(self) -> None:
        self._bits: list[int] = []

    def fixed(self, value: int, count: int) -> _Bits:
        self._bits += [value >> place & 1 for place in range(count - 1, -1, -1)]
        return self

    def golomb(self, *values: int) -> _Bits:
        for value in values:
            length = (value + 1).bit_length()
            self.fixed(0, length - 1).fixed(value + 1, length)
        return self

    def whole_bytes(self, content: bytes) -> None:
        self._bits += [0] * (-len(self._bits) % 8)
        self._bits += np.unpackbits(np.frombuffer(content, np.uint8)).tolist()

    def end(self) -> bytes:
        return np.packbits(np.array([*self._bits, 1], np.uint8)).tobytes()


def _unit(kind: int, content: bytes) -> bytes:
    """With what keeps start codes out of it (ITU-T H.264 section 7.4.1)."""
    kept, zeros = bytearray(), 0
    for byte in content:
        if zeros >= 2 and byte <= 3:
            kept.append(3)
            zeros = 0
        kept.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return b"\0\0\0\1" + bytes([3 << 5 | kind]) + bytes(kept)


def _parameter_sets() -> bytes:
    rows = _HALF_MACROBLOCK_ROWS - 1
    sequence = _Bits().fixed(77, 8).fixed(0, 8).fixed(30, 8).golomb(0, 0, 0, 4, 1).fixed(0, 1)
    sequence.golomb(SIDE // 16 - 1, rows).fixed(0b00100, 5)  # fields allowed, no crop, no VUI
    picture = _Bits().golomb(0, 0).fixed(0, 2).golomb(0, 0, 0).fixed(0, 3).golomb(0, 0, 0).fixed(0b100, 3)
    return _unit(7, sequence.end()) + _unit(8, picture.end())


def _field(luma_HW: np.ndarray, number: int, bottom: bool) -> bytes:
    """Every other row of a picture, its macroblocks as they are (I_PCM)."""
    first = number == 0 and not bottom
    bits = _Bits().golomb(0, 7, 0).fixed(0 if first else number % 16, 4).fixed(1, 1).fixed(int(bottom), 1)
    if first:
        bits.golomb(0)
    bits.fixed((2 * number + bottom) % 256, 8)
    bits.fixed(0, 2 if first else 1).golomb(0, 1)
    rows = luma_HW[int(bottom) :: 2]
    for top in range(0, SIDE // 2, 16):
        for left in range(0, SIDE, 16):
            bits.golomb(25)
            bits.whole_bytes(rows[top : top + 16, left : left + 16].tobytes() + bytes([128]) * 128)
    return _unit(5 if first else 1, bits.end())


def field_packets(count: int) -> list[av.Packet]:
    """Two packets a picture, of which picture i is grey 4 i + 16."""
    packets = []
    for number in range(count):
        luma_HW = np.full((SIDE, SIDE), round(16 + (4 * number + 16) * 219 / 255), np.uint8)
        for bottom in (False, True):
            head = _parameter_sets() if number == 0 and not bottom else b""
            packet = av.Packet(b"\0\0\0\1\x09\xf0" + head + _field(luma_HW, number, bottom))
            packet.is_keyframe = number == 0 and not bottom
            packets.append(packet)
    return packets
