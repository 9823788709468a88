"""Videos whose frames tell their own numbers, written so that their packets do not tell when a picture is shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 25
SIZE = (96, 64)
_PICTURE_START = b"\x00\x00\x01\xb6"
_USER_DATA_START = b"\x00\x00\x01\xb2"


def moving_bar(count: int) -> Iterable[np.ndarray]:
    """In frame i a bright bar begins at column 2 i, so that a decoded frame tells its own number; 40 at most."""
    for number in range(count):
        frame_HWC = np.full((SIZE[1], SIZE[0], 3), 40, np.uint8)
        frame_HWC[:, number * 2 : number * 2 + 10] = 230
        yield frame_HWC


def bar_in(frame_HWC: np.ndarray) -> int:
    """The number that a frame of `moving_bar` tells."""
    columns = frame_HWC[SIZE[1] // 2].astype(int).mean(axis=1)
    return int(np.argmax(np.convolve(columns, np.ones(10), "valid"))) // 2


def write_bar(
    path: Path,
    codec: str,
    options: dict[str, str],
    ticks: Sequence[int],
    times_of_decoding: bool = False,
    hidden: int | None = None,
) -> None:
    """A moving bar, its frames at these ticks of 1/25 s; the muxer leaves AVI's other places empty.

    Args:
        times_of_decoding: each packet is said to be shown when it is decoded, one a tick.
        hidden: before this packet comes one of VP8 that is decoded and not shown.
    """
    packets: list[av.Packet] = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for tick, frame_HWC in zip(ticks, moving_bar(len(ticks)), strict=True):
            frame = av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, RATE)
            packets += stream.encode(frame)
        for slot, packet in enumerate([*packets, *stream.encode(None)]):
            if times_of_decoding:
                packet.pts, packet.dts, packet.time_base = slot, slot, Fraction(1, RATE)
            if slot == hidden:
                container.mux(_not_shown(packet))
            container.mux(packet)


def _not_shown(packet: av.Packet) -> av.Packet:
    """The same picture of VP8 without its show_frame bit (RFC 6386 section 9.1)."""
    content = bytearray(bytes(packet))
    content[0] &= 0b11101111
    unseen = av.Packet(bytes(content))
    unseen.stream, unseen.pts, unseen.dts, unseen.time_base = packet.stream, packet.pts, packet.dts, packet.time_base
    return unseen


def mpeg4_packets(count: int, b_frames: int) -> list[tuple[int, bytes]]:
    """Presentation tick and bytes of the packets of a moving bar, in the order of decoding."""
    encoder = av.CodecContext.create("mpeg4", "w")
    encoder.width, encoder.height, encoder.pix_fmt = *SIZE, "yuv420p"
    encoder.framerate, encoder.time_base = Fraction(RATE), Fraction(1, RATE)
    encoder.gop_size, encoder.options = 100, {"bf": str(b_frames)}
    packets = []
    for number, frame_HWC in enumerate(moving_bar(count)):
        frame = av.VideoFrame.from_ndarray(frame_HWC, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, RATE)
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    return [(packet.pts, bytes(packet)) for packet in packets]


def write_chunks(path: Path, chunks: Sequence[bytes]) -> None:
    """An AVI, or whatever the ending says, of MPEG-4 packets, one a tick."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for slot, chunk in enumerate(chunks):
            packet = av.Packet(chunk)
            packet.stream, packet.dts, packet.pts, packet.time_base = stream, slot, slot, Fraction(1, RATE)
            packet.is_keyframe = slot == 0
            container.mux(packet)


def empty_picture(tick: int) -> bytes:
    """An MPEG-4 picture that says "not coded": the one before stays (ISO/IEC 14496-2 section 6.2.5)."""
    bits = f"01{0}{1}{tick % RATE:05b}{1}{0}"  # P picture, no whole second more, marker, time, marker, not coded
    bits += "0" + "1" * (-(len(bits) + 1) % 8)
    return _PICTURE_START + int(bits, 2).to_bytes(len(bits) // 8)


def packed(packets: Sequence[tuple[int, bytes]]) -> list[bytes]:
    """As DivX packs one B-frame for AVI: in one chunk with the frame it leans on, and an empty picture after it."""
    head, picture = packets[0][1].split(_PICTURE_START, 1)
    start = head.index(_USER_DATA_START)
    end = head.index(b"\x00\x00\x01", start + 4)
    head = head[:start] + _USER_DATA_START + b"DivX503b1393p" + head[end:]
    chunks = [head + _PICTURE_START + picture]
    rest = list(packets[1:])
    while rest:
        tick, content = rest.pop(0)
        if rest and rest[0][0] < tick:
            chunks += [content + rest.pop(0)[1], empty_picture(tick)]
        else:
            chunks.append(content)
    return chunks
