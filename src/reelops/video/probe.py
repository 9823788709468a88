"""What is in a video file: exact rate, exact frame count, shown size, sound, provenance."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from reelops.clip import ClipFormat
from reelops.errors import VideoError
from reelops.video.orientation import Orientation
from reelops.video.provenance import provenance_in
from reelops.video.source import open_source, reason_of
from reelops.video.truncation import extent_of


@dataclass(frozen=True)
class AudioInfo:
    """The first sound track.

    Attributes:
        sample_rate: in Hz.
        layout: `mono`, `stereo`, `5.1`, ...
        duration: in seconds, where the container states it.
    """

    codec: str
    sample_rate: int
    channels: int
    layout: str
    duration: Fraction | None


@dataclass(frozen=True)
class Timeline:
    """When each frame is shown.

    Attributes:
        pts: presentation times in ticks of `time_base`, ascending; empty where the container keeps none.
        time_base: seconds a tick.
        grid_fps: the rate whose grid every frame falls on to within one tick; None where there is none.
        end: seconds from the first frame's start to the last one's end.
    """

    pts: np.ndarray
    time_base: Fraction
    grid_fps: Fraction | None
    end: Fraction

    @property
    def start(self) -> Fraction:
        """The first frame's own time in the file, in seconds; sound is timed by the same clock."""
        return int(self.pts[0]) * self.time_base if len(self.pts) else Fraction(0)

    def number_of(self, pts: int) -> int:
        """Position of the frame with this presentation time, from 0."""
        return int(np.searchsorted(self.pts, pts))

    def time_of(self, number: int) -> Fraction:
        """Seconds from the first frame to frame `number`; on a grid free of the container's rounding."""
        if self.grid_fps is not None:
            return number / self.grid_fps
        return int(self.pts[number] - self.pts[0]) * self.time_base


@dataclass(frozen=True)
class VideoInfo:
    """What `probe` finds.

    Attributes:
        container: FFmpeg's names for the format, for example `mov,mp4,m4a,3gp,3g2,mj2`.
        codec, pixel_format: of the picture track, for example `h264`, `yuv420p`.
        width, height: in pixels as shown: turned upright, and with square pixels.
        rotation: degrees counter-clockwise from the stored to the shown picture: 0, 90, 180 or 270.
        mirrored: whether the stored picture is mirrored left to right before it is turned.
        fps: exact average rate.
        variable_rate: whether frames are unevenly spaced by more than the container's rounding.
        num_frames: frames that decoding shows, counted.
        duration: in seconds, `num_frames / fps`.
        metadata: the container's tags, keys in lower case.
        provenance: how ReelOps made it, None for other people's files.
        damage: what is wrong with a file that can still be read in part, as a sentence; None for a whole file.
    """

    path: Path
    size_bytes: int
    container: str
    codec: str
    pixel_format: str
    width: int
    height: int
    rotation: int
    mirrored: bool
    fps: Fraction
    variable_rate: bool
    num_frames: int
    duration: Fraction
    audio: AudioInfo | None
    metadata: dict[str, str]
    provenance: dict[str, Any] | None
    damage: str | None

    @property
    def format(self) -> ClipFormat:
        return ClipFormat(self.num_frames, self.fps, self.width, self.height)


def probe(path: Path) -> VideoInfo:
    """Reads what a video holds: all of its packets, but only its first frame is decoded.

    Raises:
        VideoError: it is missing, empty, no video, without pictures or frames, or its first frame cannot be decoded.
    """
    return probe_with_timeline(Path(path))[0]


def probe_with_timeline(path: Path) -> tuple[VideoInfo, Timeline]:
    """`probe`, and when each frame is shown (eight bytes of memory a frame)."""
    with open_source(path) as (container, stream):
        ticks, last_duration, first_frame = _read_packets(path, container, stream)
        fps = _average_rate(stream, ticks)
        timeline = _timeline(ticks.pts, stream.time_base, fps, last_duration)
        orientation = Orientation.of_frame(first_frame)
        width, height = orientation.shown_size(*square_pixel_size(stream, first_frame))
        info = VideoInfo(
            path=path,
            size_bytes=path.stat().st_size,
            container=container.format.name,
            codec=stream.codec.canonical_name,
            pixel_format=first_frame.format.name,
            width=width,
            height=height,
            rotation=orientation.rotation,
            mirrored=orientation.mirrored,
            fps=fps,
            variable_rate=_is_uneven(ticks.pts),
            num_frames=ticks.count,
            duration=ticks.count / fps,
            audio=_audio_info(container),
            metadata={key.lower(): value for key, value in container.metadata.items()},
            provenance=provenance_in(container.metadata),
            damage=_damage_of(path, stream.frames, ticks.count_with_hidden),
        )
        return info, timeline


def square_pixel_size(stream: Any, frame: Any) -> tuple[int, int]:
    """Width and height of a stored frame once its pixels are made square by widening them or making them narrower."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return max(1, round(frame.width * aspect)), frame.height


@dataclass(frozen=True)
class _Ticks:
    pts: np.ndarray  # ascending; empty where some packet has no time
    count: int
    count_with_hidden: int  # packets that an edit list hides count too


def _read_packets(path: Path, container: Any, stream: Any) -> tuple[_Ticks, int, Any]:
    """Times of all shown packets, the last one's duration in ticks, and the first frame."""
    pts: list[int] = []
    shown, total, last_duration, timed = 0, 0, 0, True
    first_frame, problem = None, ""
    for packet in container.demux(stream):
        if first_frame is None:
            try:
                first_frame = next(iter(packet.decode()), None)
            except ValueError as error:  # PyAV's InvalidDataError; the next packet may be whole
                problem = reason_of(error)
        if not packet.size:
            continue
        total += 1
        if packet.is_discard:
            continue
        shown += 1
        if packet.pts is None:
            timed = False
        elif timed:
            if not pts or packet.pts >= max(pts[-16:]):
                last_duration = packet.duration or 0
            pts.append(packet.pts)
    if not total:
        raise VideoError(f"{path} has a video track without a single frame.")
    if first_frame is None:
        raise VideoError(f"{path} cannot be decoded: {problem or 'no frame comes out of its packets'}.")
    ascending = np.sort(np.array(pts if timed else [], dtype=np.int64))
    return _Ticks(ascending, shown, total), last_duration, first_frame


def _average_rate(stream: Any, ticks: _Ticks) -> Fraction:
    """Exact average rate.

    A container that counts its frames (MP4, MOV, AVI) knows it exactly. Elsewhere FFmpeg reads a stated rate or
    guesses from the first frames, so it is believed only where all frames bear it out.
    """
    stated: Fraction | None = stream.average_rate or stream.guessed_rate
    if stated and (stream.frames or len(ticks.pts) < 2 or _on_grid(ticks.pts, stream.time_base, stated)):
        return stated
    if len(ticks.pts) < 2 or ticks.pts[-1] == ticks.pts[0]:
        return stated or Fraction(25)  # FFmpeg's own assumption for bare streams
    seconds: Fraction = int(ticks.pts[-1] - ticks.pts[0]) * stream.time_base
    return (len(ticks.pts) - 1) / seconds


def _timeline(pts: np.ndarray, time_base: Fraction, fps: Fraction, last_duration: int) -> Timeline:
    if not len(pts):
        return Timeline(pts, time_base, fps, Fraction(0))
    grid_fps = fps if _on_grid(pts, time_base, fps) else None
    if grid_fps is not None:
        return Timeline(pts, time_base, grid_fps, len(pts) / grid_fps)
    last = last_duration * time_base or 1 / fps
    return Timeline(pts, time_base, None, int(pts[-1] - pts[0]) * time_base + last)


def _on_grid(pts: np.ndarray, time_base: Fraction, fps: Fraction) -> bool:
    """Whether frame i lies within one tick of i / fps."""
    ticks_per_frame = 1 / (fps * time_base)
    expected = np.arange(len(pts)) * ticks_per_frame.numerator / ticks_per_frame.denominator
    return bool(np.all(np.abs(pts - pts[0] - expected) <= 1.0))


def _is_uneven(pts: np.ndarray) -> bool:
    """Whether some gap differs from the median one by more than two ticks and a hundredth of itself."""
    if len(pts) < 3:
        return False
    gaps = np.diff(pts)
    median = float(np.median(gaps))
    return bool(np.any(np.abs(gaps - median) > max(2.0, 0.01 * median)))


def _damage_of(path: Path, announced: int, found: int) -> str | None:
    missing_bytes = extent_of(path).missing_bytes
    if announced and found < announced:
        return f"{path} is cut short: {found} of {announced} frames are there"
    if missing_bytes:
        return f"{path} is cut short: {missing_bytes:,} bytes are missing at its end"
    return None


def _audio_info(container: Any) -> AudioInfo | None:
    if not container.streams.audio:
        return None
    stream = container.streams.audio[0]
    if stream.codec_context is None:
        return None
    duration = None if stream.duration is None else stream.duration * stream.time_base
    layout = stream.layout
    return AudioInfo(stream.codec.canonical_name, stream.rate, layout.nb_channels, layout.name, duration)
