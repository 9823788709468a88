"""What the first bits of a packet tell without decoding it: whether it is shown, is a field, has another shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_START = b"\x00\x00\x01"
_VP9_KEY_START = b"\x49\x83\x42"
_VP8_KEY_START = b"\x9d\x01\x2a"
_PICTURE_CODING_EXTENSION = b"\x00\x00\x01\xb5"
_SEQUENCE_HEADER = b"\x00\x00\x01\xb3"
_WHOLE_FRAME = 3
# H.264's profiles whose parameter sets tell the chroma format and the depth (ITU-T H.264 section 7.3.2.1.1).
_PROFILES_WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
# With every list and offset that it may have, a parameter set is shorter; reading on in a hostile one takes minutes.
_MOST_SET_BYTES = 8192
_FIRST_SLICES = {"h264": range(1, 6), "hevc": range(32)}
_PARAMETER_SETS = {"h264": 7, "hevc": 33}


def is_hidden(codec: str, packet: Any) -> bool:
    """Whether a packet, PyAV's or bytes, only keeps a picture for later ones to lean on, as VP8 and VP9 have them.

    Sources: RFC 6386 section 9.1 (show_frame); VP9 Bitstream Specification sections 6.2 and B.
    """
    if codec == "vp8":
        return not bytes(packet)[0] & 0b10000
    if codec == "vp9":
        return not any(_vp9_is_shown(frame) for frame in _vp9_frames(bytes(packet)) if frame)
    return False


def has_fields(codec: str, content: bytes, extradata: bytes) -> bool:
    """Whether pictures may be stored as two fields, each in a packet of its own."""
    if codec == "h264":
        return any(_h264_allows_fields(one) for one in (*_units(codec, extradata, 0), *_key_units(content, extradata)))
    if codec == "mpeg2video":
        at = content.find(_PICTURE_CODING_EXTENSION)
        while at >= 0:
            extension = content[at + 4 : at + 7]
            if len(extension) == 3 and extension[0] >> 4 == 8:
                return extension[2] & 3 != _WHOLE_FRAME
            at = content.find(_PICTURE_CODING_EXTENSION, at + 4)
    return False


def shape_in(codec: str, content: bytes, extradata: bytes) -> bytes:
    """Of a key packet the bits that tell the size of its pictures, and more; b"" where there are none.

    Two packets of the same bits have the same size. Of other bits they may have, too.
    """
    if codec in _PARAMETER_SETS:
        return b"".join(_units(codec, content, _length_bytes(codec, extradata)))
    if codec == "vp8":
        return content[6:10] if content[3:6] == _VP8_KEY_START else b""
    if codec == "vp9":
        at = content.find(_VP9_KEY_START, 0, 6)
        return content[at + 3 : at + 8] if at > 0 else b""
    if codec in ("mpeg1video", "mpeg2video"):
        at = content.find(_SEQUENCE_HEADER)
        return content[at + 4 : at + 8] if at >= 0 else b""
    if codec == "mjpeg":
        return _jpeg_size(content)
    return b""


def _vp9_frames(content: bytes) -> Iterator[bytes]:
    """A packet may hold several, with an index of their sizes at its end."""
    marker = content[-1]
    count, width = (marker & 7) + 1, (marker >> 3 & 3) + 1
    index = content[-(2 + count * width) :]
    if marker & 0xE0 != 0xC0 or len(index) != 2 + count * width or index[0] != marker:
        yield content
        return
    position = 0
    for number in range(count):
        size = int.from_bytes(index[1 + number * width : 1 + (number + 1) * width], "little")
        yield content[position : position + size]
        position += size


def _vp9_is_shown(frame: bytes) -> bool:
    first = frame[0]
    is_fourth_profile = first >> 4 & 3 == 3
    shows_kept_one, shown = (4, 1) if is_fourth_profile else (8, 2)
    return bool(first & (shows_kept_one | shown))


def _key_units(content: bytes, extradata: bytes) -> Iterator[bytes]:
    return _units("h264", content, _length_bytes("h264", extradata))


def _length_bytes(codec: str, extradata: bytes) -> int:
    """How many bytes tell a unit's length; 0 where start codes part units (ISO/IEC 14496-15 sections 5.3.3, 8.3.3)."""
    if extradata[:1] != b"\x01":
        return 0
    at = 4 if codec == "h264" else 21
    return (extradata[at] & 3) + 1 if len(extradata) > at else 0


def _units(codec: str, content: bytes, length_bytes: int) -> Iterator[bytes]:
    """The sequence parameter sets before the first slice."""
    for unit in _parted_by_length(content, length_bytes) if length_bytes else _parted_by_start(content):
        kind = unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63
        if kind in _FIRST_SLICES[codec]:
            return
        if kind == _PARAMETER_SETS[codec]:
            yield unit


def _parted_by_length(content: bytes, length_bytes: int) -> Iterator[bytes]:
    position = 0
    while position + length_bytes < len(content):
        length = int.from_bytes(content[position : position + length_bytes])
        if not length:
            return
        yield content[position + length_bytes : position + length_bytes + length]
        position += length_bytes + length


def _parted_by_start(content: bytes) -> Iterator[bytes]:
    if content[:1] == b"\x01" and len(content) > 8:  # an avcC box: its first parameter set
        length = int.from_bytes(content[6:8])
        yield content[8 : 8 + length] or b"\0"
        return
    at = content.find(_START)
    while at >= 0:
        following = content.find(_START, at + 3)
        unit = content[at + 3 : following if following >= 0 else len(content)]
        if unit:
            yield unit.rstrip(b"\0") or b"\0"
        at = following


def _jpeg_size(content: bytes) -> bytes:
    """Height and width of the frame header (ITU-T T.81 section B.2.2)."""
    position = 2
    while position + 9 < len(content) and content[position] == 0xFF:
        kind = content[position + 1]
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            return content[position + 5 : position + 9]
        position += 2 + int.from_bytes(content[position + 2 : position + 4])
    return b""


def _h264_allows_fields(parameter_set: bytes) -> bool:
    """Whether frame_mbs_only_flag is 0 (ITU-T H.264 section 7.3.2.1.1); False for what ends too early."""
    bits = _Bits(parameter_set[:_MOST_SET_BYTES].replace(b"\0\0\3", b"\0\0"))
    try:
        bits.skip(8)
        profile = bits.take(8)
        bits.skip(16)
        bits.golomb()
        if profile in _PROFILES_WITH_CHROMA:
            _skip_chroma_and_scaling(bits)
        bits.golomb()
        order_count = bits.golomb()
        if order_count == 0:
            bits.golomb()
        elif order_count == 1:
            bits.skip(1)
            bits.golomb(), bits.golomb()
            for _ in range(bits.golomb()):
                bits.golomb()
        bits.golomb()
        bits.skip(1)
        bits.golomb(), bits.golomb()
        return bits.take(1) == 0
    except EOFError:
        return False


def _skip_chroma_and_scaling(bits: _Bits) -> None:
    chroma = bits.golomb()
    bits.skip(chroma == 3)
    bits.golomb(), bits.golomb()
    bits.skip(1)
    if not bits.take(1):
        return
    for number in range(12 if chroma == 3 else 8):
        if not bits.take(1):
            continue
        last = following = 8
        for _ in range(16 if number < 6 else 64):
            if following:
                code = bits.golomb()
                following = (last + (-(code // 2) if code % 2 == 0 else (code + 1) // 2)) % 256
            last = following or last


class _Bits:
    """Reads bits from the highest on, and Exp-Golomb codes (ITU-T H.264 section 9.1)."""

    def __init__(self, content: bytes) -> None:
        self._value, self._left = int.from_bytes(content), 8 * len(content)

    def take(self, count: int) -> int:
        if count > self._left:
            raise EOFError
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def skip(self, count: int) -> None:
        self.take(count)

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)
