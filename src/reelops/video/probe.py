"""What is in a video file: exact rate, exact frame count, shown size, sound, provenance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from reelops.clip import ClipFormat
from reelops.video.limits import check_frame_size, check_seconds
from reelops.video.odd_files import notes_on, pause_ticks
from reelops.video.orientation import Orientation
from reelops.video.picture_times import PictureTimes, read_picture_times
from reelops.video.provenance import provenance_in
from reelops.video.source import open_source, reading_video
from reelops.video.truncation import extent_of

# A container's clock ticks so often a frame at least where its rounding cannot be taken for a gap.
_FEWEST_FINE_TICKS = 4
# A container that counts its frames may round their length; an edit list, or a last frame without end, does more.
_NEAR_ENOUGH = Fraction(1, 200)


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
        by_order: frames are numbered as they come out of the decoder, as the times they carry then are wrong.
    """

    pts: np.ndarray
    time_base: Fraction
    grid_fps: Fraction | None
    end: Fraction
    by_order: bool = False

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
        if number >= len(self.pts):  # a damaged file may give more frames than it has packets
            return self.end
        return (int(self.pts[number]) - int(self.pts[0])) * self.time_base


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
        notes: what is odd about the file and what is made of it, a sentence each.
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
    notes: tuple[str, ...] = ()

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
    """`probe`, and when each frame is shown (eight bytes of memory per frame)."""
    with open_source(path) as (container, stream):
        times, first_frame = read_picture_times(path, container, stream)
        with reading_video(path):
            return _described(path, container, stream, times, first_frame)


def _described(
    path: Path, container: Any, stream: Any, times: PictureTimes, first_frame: Any
) -> tuple[VideoInfo, Timeline]:
    fps, timeline = _rate_and_timeline(path, stream, times)
    check_seconds(path, max(timeline.end, times.count / fps))
    orientation = Orientation.of_frame(first_frame)
    width, height = orientation.shown_size(*square_pixel_size(stream.sample_aspect_ratio, first_frame))
    check_frame_size(path, width, height)
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
        variable_rate=_is_uneven(times.pts),
        num_frames=times.count,
        duration=times.count / fps,
        audio=_audio_info(container),
        metadata={key.lower(): value for key, value in container.metadata.items()},
        provenance=provenance_in(container.metadata),
        damage=_damage_of(path, stream.frames, times),
        notes=tuple(notes_on(times, stream.time_base, first_frame)),
    )
    return info, timeline


def square_pixel_size(pixel_aspect: Fraction | None, frame: Any) -> tuple[int, int]:
    """Width and height of a stored frame once its pixels are made square by widening them or making them narrower."""
    aspect = pixel_aspect if pixel_aspect and pixel_aspect > 0 else Fraction(1)
    return max(1, round(frame.width * aspect)), frame.height


def _rate_and_timeline(path: Path, stream: Any, times: PictureTimes) -> tuple[Fraction, Timeline]:
    if times.num_slots and len(times.pts):
        return _of_avi(path, stream, times)
    fps = _average_rate(stream, times)
    return fps, _timeline(times, stream.time_base, fps)


def _of_avi(path: Path, stream: Any, times: PictureTimes) -> tuple[Fraction, Timeline]:
    """AVI has a place every tick; where no picture is in it, the one before stays."""
    whole = stream.frames if not _damage_of(path, stream.frames, times) else 0
    missing_at_end = max(0, whole - times.num_slots)
    seconds = (int(times.pts[-1]) - int(times.pts[0]) + 1 + missing_at_end) * stream.time_base
    fps = times.count / seconds
    if not _is_uneven(times.pts) and len(times.pts) > 1 and missing_at_end == 0:
        fps = (len(times.pts) - 1) / _seconds_between_ends(times.pts, stream.time_base)
        seconds = max(seconds, times.count / fps)
    timeline = _timeline(times, stream.time_base, fps)
    return fps, replace(timeline, end=seconds)


def _average_rate(stream: Any, times: PictureTimes) -> Fraction:
    """Exact average rate.

    A container that counts its frames (MP4, MOV) knows it exactly, but for what an edit list hides and pictures that
    stand for long. Elsewhere FFmpeg reads a stated rate or guesses from the first frames, so it is believed only where
    all frames bear it out.
    """
    stated: Fraction | None = stream.average_rate or stream.guessed_rate
    if stated and stated > 0 and times.num_empty:
        stated *= Fraction(times.count, times.count + times.num_empty)
    if not stated or stated <= 0:
        stated = Fraction(25)  # FFmpeg's own assumption for bare streams
    elif len(times.pts) < 2 or _on_grid(times.pts, stream.time_base, stated):
        return stated
    if len(times.pts) < 2 or times.pts[-1] == times.pts[0]:
        return stated
    seen = _rate_seen(times, stream.time_base)
    if not stream.frames:
        return seen
    if _is_uneven(times.pts):
        return seen if times.num_hidden or _has_pauses(times, stream.time_base) else stated
    return stated if abs(stated / seen - 1) <= _NEAR_ENOUGH else seen


def _has_pauses(times: PictureTimes, time_base: Fraction) -> bool:
    gaps = np.diff(times.pts)
    return bool(max(times.last_duration, gaps.max()) > pause_ticks(gaps, time_base))


def _rate_seen(times: PictureTimes, time_base: Fraction) -> Fraction:
    """Pictures per second while they follow each other; a picture that stands for long does not count."""
    gaps = np.diff(times.pts)
    going = gaps[gaps <= pause_ticks(gaps, time_base)]
    return len(going) / (int(going.sum()) * time_base)


def _seconds_between_ends(pts: np.ndarray, time_base: Fraction) -> Fraction:
    return (int(pts[-1]) - int(pts[0])) * time_base


def _timeline(times: PictureTimes, time_base: Fraction, fps: Fraction) -> Timeline:
    pts = times.pts
    if not len(pts):
        return Timeline(pts, time_base, fps, Fraction(0), times.by_order)
    if _on_grid(pts, time_base, fps):
        return Timeline(pts, time_base, fps, len(pts) / fps, times.by_order)
    last = times.last_duration * time_base or 1 / fps
    if len(pts) > 1 and times.last_duration > pause_ticks(np.diff(pts), time_base):
        last = 1 / fps
    return Timeline(pts, time_base, None, _seconds_between_ends(pts, time_base) + last, times.by_order)


def _on_grid(pts: np.ndarray, time_base: Fraction, fps: Fraction) -> bool:
    """Whether frame i lies within one tick of i / fps; where a tick is not much less than a frame, exactly there."""
    ticks_per_frame = 1 / (fps * time_base)
    expected = np.arange(len(pts)) * ticks_per_frame.numerator / ticks_per_frame.denominator
    tolerance = 1.0 if ticks_per_frame >= _FEWEST_FINE_TICKS else 0.0
    return bool(np.all(np.abs(pts - pts[0] - expected) <= tolerance))


def _is_uneven(pts: np.ndarray) -> bool:
    """Whether some gap differs from the median one by more than two ticks, or half of itself where that is less, and a
    hundredth of itself."""
    if len(pts) < 3:
        return False
    gaps = np.diff(pts)
    median = float(np.median(gaps))
    return bool(np.any(np.abs(gaps - median) > max(min(2.0, median / 2), 0.01 * median)))


def _damage_of(path: Path, announced: int, times: PictureTimes) -> str | None:
    extent = extent_of(path)
    found = times.num_slots or times.num_packets
    if announced and found < announced and not (times.num_slots and extent.is_whole):
        return f"{path} is cut short: {found} of {announced} frames are there"
    if extent.missing_bytes and not (times.num_slots and found == announced):
        return f"{path} is cut short: {extent.missing_bytes:,} bytes are missing at its end"
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
