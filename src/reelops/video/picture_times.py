"""When the pictures of a track are shown: as its packets tell, and where they do not, as decoding shows.

AVI, and Matroska and MP4 files from tools that know AVI only, say when a packet goes to the decoder, not when its
picture is shown. Where pictures lean on later ones the two differ, and the presentation times that FFmpeg makes up are
wrong: pictures come out of the decoder in their right order, under each other's times.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reelops.errors import VideoError
from reelops.video.limits import check_num_frames
from reelops.video.source import DamagedPacket, frames_in, open_source, packets_of

# Decoded to see whether pictures come out in the order of their times; an encoder that lets some lean on later ones
# does so within its first few seconds.
_PICTURES_TRIED = 250
# FFmpeg's own bound (MAX_NVOP_SIZE) on an MPEG-4 packet that says "the picture stays" and no more.
_LARGEST_EMPTY_PICTURE = 19


@dataclass(frozen=True)
class PictureTimes:
    """Of all pictures that are shown.

    Attributes:
        pts: in ticks, ascending; empty where some packet has no time.
        count: pictures that are shown.
        num_packets: of the file, with those that an edit list hides.
        last_duration: ticks that the last picture is shown for; 0 where nothing tells.
        num_empty: packets that say "the picture stays" and give none.
        num_slots: AVI's places for a picture up to the last one that has any, whether a picture is there or the one
            before stays; 0 in other containers.
        by_order: the n-th picture that is decoded is the n-th that is shown, whatever time it carries.
    """

    pts: np.ndarray
    count: int
    num_packets: int
    last_duration: int
    num_empty: int
    num_slots: int
    by_order: bool


def read_picture_times(path: Path, container: Any, stream: Any) -> tuple[PictureTimes, Any]:
    """Reads all packets of a track; with its times goes its first picture, PyAV's.

    Raises:
        VideoError: there is no packet or no picture, or there are too many.
    """
    packets = _Packets()
    packets.read(path, container, stream)
    pts, count = np.array(packets.pts if packets.timed else [], dtype=np.int64), packets.num_shown
    is_avi = container.format.name == "avi"
    by_order = not len(pts) or (
        bool(np.all(np.diff(pts) > 0))
        and (
            packets.pts != packets.dts
            if is_avi
            else bool(stream.codec_context.has_b_frames) and _come_out_of_order(path)
        )
    )
    if len(pts) and packets.smallest <= _LARGEST_EMPTY_PICTURE and stream.codec.canonical_name == "mpeg4":
        pts = _without_empty_pictures(path, pts)
        count = len(pts)
    pts = np.sort(pts)
    if is_avi and by_order and len(packets.dts) == len(pts):
        pts = _after_the_wait(packets.dts, packets.waited)
    num_slots = max(packets.dts, default=-1) + 1 if is_avi else 0
    num_empty = packets.num_shown - count
    times = PictureTimes(pts, count, packets.total, packets.last_duration, num_empty, num_slots, by_order)
    return times, packets.first_frame


class _Packets:
    """What the packets of a track tell, and its first picture.

    Attributes:
        pts, dts: of shown packets, in the file's order, as far as they have them.
        timed: every shown packet has a presentation time.
        num_shown, total: packets without and with those that an edit list hides.
        last_duration: in ticks, of the packet with the latest presentation time.
        smallest: size of the smallest one in bytes.
        waited: how many went into the decoder before a picture came out.
    """

    def __init__(self) -> None:
        self.pts: list[int] = []
        self.dts: list[int] = []
        self.timed = True
        self.num_shown = self.total = self.last_duration = self.waited = 0
        self.smallest = 2**31
        self.first_frame: Any = None

    def read(self, path: Path, container: Any, stream: Any) -> None:
        problem: DamagedPacket | None = None
        for packet in packets_of(path, container, stream):
            if self.first_frame is None:
                try:
                    self.first_frame = next(iter(frames_in(path, packet)), None)
                except DamagedPacket as error:
                    problem = error
            if packet.size:
                self._note(packet, stream)
                check_num_frames(path, self.total)
        if not self.total:
            raise VideoError(f"{path} has a video track without a single frame.")
        if self.first_frame is None:
            raise problem or VideoError(f"{path} cannot be decoded: no frame comes out of its packets.")

    def _note(self, packet: Any, stream: Any) -> None:
        self.total += 1
        if packet.is_discard or _is_invisible(packet, stream):
            return
        self.num_shown += 1
        self.waited += self.first_frame is None
        self.smallest = min(self.smallest, packet.size)
        if packet.dts is not None:
            self.dts.append(packet.dts)
        if packet.pts is None:
            self.timed = False
        elif self.timed:
            if not self.pts or packet.pts >= max(self.pts[-16:]):
                self.last_duration = packet.duration or 0
            self.pts.append(packet.pts)


def _is_invisible(packet: Any, stream: Any) -> bool:
    """Whether VP8 only keeps a picture, for later ones to lean on (RFC 6386 section 9.1: show_frame)."""
    return stream.codec.canonical_name == "vp8" and not bytes(packet)[0] & 0b10000


def _come_out_of_order(path: Path) -> bool:
    """Whether the decoder gives pictures in another order than that of the times they carry."""
    latest, tried = None, 0
    with open_source(path) as (container, stream):
        for packet in packets_of(path, container, stream):
            for frame in _whole_frames_in(path, packet):
                if frame.pts is None:
                    continue
                if latest is not None and frame.pts < latest:
                    return True
                latest, tried = frame.pts, tried + 1
            if tried > _PICTURES_TRIED:
                return False
    return False


def _whole_frames_in(path: Path, packet: Any) -> list[Any]:
    try:
        return frames_in(path, packet)
    except DamagedPacket:
        return []


def _without_empty_pictures(path: Path, pts: np.ndarray) -> np.ndarray:
    """Times of what can be seen: an MPEG-4 packet may say that the picture before it stays, and gives none itself.

    A packet that cannot be decoded stays in, to be missed later.
    """
    seen: set[int] = set()
    with open_source(path) as (container, stream):
        for packet in packets_of(path, container, stream):
            try:
                seen |= {frame.pts for frame in frames_in(path, packet)}
            except DamagedPacket:
                seen.add(packet.pts)
    return np.array([one for one in pts.tolist() if one in seen], dtype=np.int64)


def _after_the_wait(dts: list[int], waited: int) -> np.ndarray:
    """When pictures are shown that come out of the decoder `waited` packets late.

    Each is shown when it comes out; the last ones follow without a gap, as nothing goes in any more. What FFmpeg's
    muxer wrote, from uneven times with gaps, is read back exactly.
    """
    waited = min(waited, len(dts) - 1)
    shown = np.array(dts[waited:], dtype=np.int64) - (dts[waited] - dts[0])
    return np.concatenate([shown, shown[-1] + 1 + np.arange(waited)])
