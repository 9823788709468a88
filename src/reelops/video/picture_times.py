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
from av.format import Flags

from reelops.errors import VideoError
from reelops.video.limits import check_num_frames
from reelops.video.packet_bits import has_fields, is_hidden, shape_in
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
        num_hidden: packets that an edit list hides.
        num_before: packets at the start that lean on pictures before it, which are not there, and give none.
        restarts: numbers of the pictures at which the file's times begin anew.
        shapes: number of the first picture of each size, with its width and height as stored; empty where all have one.
    """

    pts: np.ndarray
    count: int
    num_packets: int
    last_duration: int
    num_empty: int
    num_slots: int
    by_order: bool
    num_hidden: int = 0
    num_before: int = 0
    restarts: tuple[int, ...] = ()
    shapes: tuple[tuple[int, int, int], ...] = ()


def read_picture_times(path: Path, container: Any, stream: Any) -> tuple[PictureTimes, Any]:
    """Reads all packets of a track; with its times goes its first picture, PyAV's.

    All is decoded only where packets leave it open what is shown: fields, pictures that lean on missing ones, times or
    shapes that change on the way.

    Raises:
        VideoError: there is no packet or no picture, or there are too many.
    """
    packets = _Packets(container.format)
    packets.read(path, container, stream)
    if packets.must_be_decoded:
        return _as_decoded(path, packets), packets.first_frame
    pts, count = (
        np.array(packets.pts if packets.timed and packets.keeps_times else [], dtype=np.int64),
        packets.num_shown,
    )
    by_order = not len(pts) or (
        bool(np.all(np.diff(pts) > 0))
        and (
            packets.pts != packets.dts
            if packets.is_avi
            else bool(stream.codec_context.has_b_frames) and _come_out_of_order(path)
        )
    )
    if len(pts) and packets.smallest <= _LARGEST_EMPTY_PICTURE and stream.codec.canonical_name == "mpeg4":
        pts = _without_empty_pictures(path, pts)
        count = len(pts)
    pts = np.sort(pts)
    if packets.is_avi and by_order and len(packets.dts) == len(pts):
        pts = _after_the_wait(packets.dts, packets.waited)
    num_empty = packets.num_shown - count
    hidden = packets.total - packets.num_shown
    times = PictureTimes(
        pts, count, packets.total, packets.last_duration, num_empty, packets.num_slots, by_order, hidden
    )
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
        keeps_times: False in raw streams, of which FFmpeg makes times up.
        must_be_decoded: they leave it open which pictures are shown, or when.
    """

    def __init__(self, container_format: Any) -> None:
        self.is_avi = container_format.name == "avi"
        self.keeps_times = not container_format.flags & Flags.no_timestamps.value
        self.pts: list[int] = []
        self.dts: list[int] = []
        self.timed = True
        self.num_shown = self.total = self.last_duration = self.waited = 0
        self.smallest = 2**31
        self.first_frame: Any = None
        self.must_be_decoded = False
        self._shape = b""
        self._first_key_time: int | None = None

    @property
    def num_slots(self) -> int:
        return max(self.dts, default=-1) + 1 if self.is_avi else 0

    def read(self, path: Path, container: Any, stream: Any) -> None:
        problem: DamagedPacket | None = None
        codec, extradata = stream.codec.canonical_name, bytes(stream.codec_context.extradata or b"")
        for packet in packets_of(path, container, stream):
            if self.first_frame is None:
                try:
                    self.first_frame = next(iter(frames_in(path, packet)), None)
                except DamagedPacket as error:
                    problem = error
            if packet.size:
                self._note(packet, codec, extradata)
                check_num_frames(path, self.total)
        if not self.total:
            raise VideoError(f"{path} has a video track without a single frame.")
        if self.first_frame is None:
            raise problem or VideoError(f"{path} cannot be decoded: no frame comes out of its packets.")

    def _note(self, packet: Any, codec: str, extradata: bytes) -> None:
        self.total += 1
        if packet.is_keyframe or self.total == 1:
            self._note_key(packet, codec, extradata)
        if packet.is_discard or is_hidden(codec, packet):
            return
        self.num_shown += 1
        self.waited += self.first_frame is None
        self.smallest = min(self.smallest, packet.size)
        if packet.dts is not None:
            if self.dts and packet.dts < self.dts[-1]:
                self.must_be_decoded = True
            self.dts.append(packet.dts)
        if packet.pts is None:  # a raw stream, or Matroska's of pictures before the first key frame's
            self.timed, self.must_be_decoded = False, self.must_be_decoded or not self.is_avi
            return
        if self._first_key_time is not None and packet.pts < self._first_key_time and not self.is_avi:
            self.must_be_decoded = True
        if self.timed:
            if not self.pts or packet.pts >= max(self.pts[-16:]):
                self.last_duration = packet.duration or 0
            self.pts.append(packet.pts)

    def _note_key(self, packet: Any, codec: str, extradata: bytes) -> None:
        """What only the first packet, or a key packet, tells."""
        content = bytes(packet)
        if self.total == 1:
            self.must_be_decoded = not packet.is_keyframe or has_fields(codec, content, extradata)
            self._first_key_time = packet.pts
        shape = shape_in(codec, content, extradata)
        if (shape and self._shape and shape != self._shape) or (
            self.total > 1 and any(packet.has_sidedata(kind) for kind in ("new_extradata", "param_change"))
        ):
            self.must_be_decoded = True
        self._shape = shape or self._shape


def _as_decoded(path: Path, packets: _Packets) -> PictureTimes:
    """Of what comes out of the decoder when all goes in."""
    pts: list[int | None] = []
    durations: list[int] = []
    shapes: list[tuple[int, int, int]] = []
    with open_source(path) as (container, stream):
        for packet in packets_of(path, container, stream):
            for frame in _whole_frames_in(path, packet):
                if not shapes or shapes[-1][1:] != (frame.width, frame.height):
                    shapes.append((len(pts), frame.width, frame.height))
                pts.append(frame.pts)
                durations.append(frame.duration or 0)
    changes = tuple(shapes) if len(shapes) > 1 else ()
    timed = [one for one in pts if one is not None]
    if len(timed) < len(pts) or not pts or not packets.keeps_times:
        return PictureTimes(
            np.array([], np.int64), len(pts), packets.total, 0, 0, packets.num_slots, True, shapes=changes
        )
    going_on, restarts = _going_on(np.array(timed, np.int64))
    earliest = min(packets.pts, default=timed[0]) if packets.timed and not restarts else timed[0]
    num_before = sum(one < timed[0] for one in packets.pts) if earliest < timed[0] else 0
    return PictureTimes(
        going_on,
        len(pts),
        packets.total,
        durations[-1],
        0,
        packets.num_slots,
        bool(restarts),
        packets.total - packets.num_shown,
        num_before,
        restarts,
        changes,
    )


def _going_on(pts: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    """Times in the order of showing, each that steps back set one usual step after the one before; and where."""
    steps = np.diff(pts)
    back = np.flatnonzero(steps <= 0)
    if not len(back):
        return pts, ()
    forward = steps[steps > 0]
    usual = int(np.median(forward)) if len(forward) else 1
    steps[back] = usual
    return pts[0] + np.concatenate([[0], np.cumsum(steps)]), tuple((back + 1).tolist())


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

    Each is shown when it comes out; the last ones follow a usual step apart, as nothing goes in any more. What FFmpeg's
    muxer wrote, from uneven times with gaps, is read back exactly.
    """
    waited = min(waited, len(dts) - 1)
    shown = np.array(dts[waited:], dtype=np.int64) - (dts[waited] - dts[0])
    step = int(np.median(np.diff(dts))) if len(dts) > 1 else 1
    return np.concatenate([shown, shown[-1] + max(1, step) * (1 + np.arange(waited))])
