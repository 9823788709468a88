"""Reading a video frame by frame: RGB, upright, at exact times, in memory that does not grow with its length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.video.reformatter import VideoReformatter

from reelops.errors import VideoError
from reelops.video.frame_colours import rgb_of, small_luma
from reelops.video.orientation import Orientation
from reelops.video.probe import Timeline, VideoInfo, probe_with_timeline, square_pixel_size
from reelops.video.source import DamagedPacket, frames_in, open_source, packets_of

# Decoding starts at a key frame this far ahead of `start`: a key frame may be shown later than it is decoded.
_SEEK_MARGIN_SECONDS = 1
_SEEKABLE = ("mov", "matroska")
DEFAULT_CLIP_LIMIT_BYTES = 2 * 1024**3


@dataclass(frozen=True)
class TimedFrame:
    """One picture of a video.

    Attributes:
        number: which frame of the file it is, from 0.
        time: seconds after the file's first frame; with `fps` given to `read_frames`, the tick it stands for.
        frame_HWC: RGB uint8.
    """

    number: int
    time: Fraction
    frame_HWC: np.ndarray


@dataclass(frozen=True)
class TimedLuma:
    """The luma of one picture of a video.

    Attributes:
        number, time: as of a `TimedFrame`.
        luma_HW: uint8 over the full range; the same array again where a frame is shown for longer than a tick.
    """

    number: int
    time: Fraction
    luma_HW: np.ndarray


def read_frames(
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    fps: Fraction | None = None,
    start: Fraction = Fraction(0),
    stop: Fraction | None = None,
    on_damage: Callable[[str], None] | None = None,
) -> Iterator[TimedFrame]:
    """Frames of a video in the order they are shown, one at a time.

    Args:
        path: any video; rotation and pixel aspect are undone, colours follow its own tags (untagged ones count as
            BT.601 below 720 lines, BT.709 from there, as players do).
        size: width and height wanted, scaled while decoding, whatever the aspect. None keeps the shown size.
        fps: frames per second wanted, exactly: at each tick start + k / fps the frame shown at that moment. None gives
            every frame once.
        start, stop: seconds after the first frame; from `start` to just before `stop`.
        on_damage: None refuses a damaged file; a function is told of each damage in a sentence, and what can be read
            is read.

    Raises:
        VideoError: at once, for what `probe` refuses, a damaged file (see `on_damage`) or a `start` beyond the end;
            while reading, for damage found on the way.
    """
    path = Path(path)
    if fps is not None and fps <= 0:
        raise VideoError(f"cannot sample {path} at {fps} frames per second; give a rate above 0.")
    return _to_rgb(_timed(*probe_with_timeline(path), fps, start, stop, on_damage), size)


def read_luma(
    info: VideoInfo,
    timeline: Timeline,
    rows: int,
    fps: Fraction | None = None,
    start: Fraction = Fraction(0),
    stop: Fraction | None = None,
    on_damage: Callable[[str], None] | None = None,
) -> Iterator[TimedLuma]:
    """The light of a video alone, small: what statistics over many videos need, without the cost of colour.

    Args:
        info, timeline: what `probe_with_timeline` found.
        rows: at most so many; a smaller video keeps its size.
        fps, start, stop, on_damage: as for `read_frames`.

    Raises:
        VideoError: as `read_frames`.
    """
    # Many videos are read by many processes, which have no threads to spare.
    shown = _timed(info, timeline, fps, start, stop, on_damage, num_threads=1)
    return _to_luma(shown, min(rows, info.height), info.path)


def read_clip(
    path: Path,
    *,
    size: tuple[int, int] | None = None,
    fps: Fraction | None = None,
    limit_bytes: int = DEFAULT_CLIP_LIMIT_BYTES,
) -> np.ndarray:
    """All frames of a short video as one array (T, H, W, 3), RGB uint8.

    Raises:
        VideoError: as `read_frames`, or the frames would take more than `limit_bytes` of memory.
    """
    info, timeline = probe_with_timeline(Path(path))
    width, height = size or (info.width, info.height)
    num_frames = info.num_frames if fps is None else int((timeline.end or info.duration) * fps) + 1
    wanted = num_frames * height * width * 3
    if wanted > limit_bytes:
        raise VideoError(
            f"{path} would take {wanted / 1e9:.1f} GB as {num_frames} frames of {width}x{height}; the limit is "
            f"{limit_bytes / 1e9:.1f} GB. Read it frame by frame, at a smaller size or a lower rate."
        )
    return np.stack([timed.frame_HWC for timed in read_frames(Path(path), size=size, fps=fps)])


def _timed(
    info: VideoInfo,
    timeline: Timeline,
    fps: Fraction | None,
    start: Fraction,
    stop: Fraction | None,
    on_damage: Callable[[str], None] | None,
    num_threads: int = 0,
) -> Iterator[_Shown]:
    report = on_damage or _refuse
    if info.damage:
        report(info.damage)
    end = timeline.end or info.duration
    stop = end if stop is None else min(stop, end)
    if not 0 <= start < stop:
        raise VideoError(
            f"{info.path} has nothing from {float(start):g} s to {float(stop):g} s; it lasts {float(end):g} s."
        )
    shown = _decode(info, timeline, start, report, num_threads)
    return _at_ticks(shown, start, stop, fps) if fps else _between(shown, start, stop)


@dataclass(frozen=True)
class _Shown:
    """A decoded PyAV frame and when it is shown."""

    number: int
    time: Fraction
    frame: Any
    pixel_aspect: Fraction | None


class _LeansOnEarlier(Exception):
    """Nothing tells the decoder that it can begin at this key frame, so it takes all that follows for incomplete."""


def _decode(
    info: VideoInfo, timeline: Timeline, start: Fraction, report: Callable[[str], None], num_threads: int
) -> Iterator[_Shown]:
    """Frames from the last key frame before `start` that stands for itself, or the very first."""
    try:
        yield from _decode_from(info, timeline, start, report, num_threads)
    except _LeansOnEarlier:
        yield from _decode_from(info, timeline, Fraction(0), report, num_threads)


def _decode_from(
    info: VideoInfo, timeline: Timeline, start: Fraction, report: Callable[[str], None], num_threads: int
) -> Iterator[_Shown]:
    path, found, number = info.path, 0, -1
    with open_source(path) as (container, stream):
        stream.thread_type, stream.codec_context.thread_count = "AUTO", num_threads
        from_the_start = not _seek(container, stream, timeline, start)
        frames = _decode_packets(container, stream, path, report)
        for frame in frames if from_the_start else _from_key_frame(frames):
            if frame.is_corrupt:
                report(f"{path} is damaged: a frame near {frame.time or 0:.2f} s is incomplete")
            by_time = found if timeline.by_order or frame.pts is None else timeline.number_of(frame.pts)
            number = max(by_time, number + 1)  # the last one out of a decoder may carry another one's time
            found += 1
            yield _Shown(number, timeline.time_of(number), frame, stream.sample_aspect_ratio)
        if from_the_start and found < info.num_frames:
            report(f"{path} is damaged: only {found} of {info.num_frames} frames could be decoded")


def _from_key_frame(frames: Iterator[Any]) -> Iterator[Any]:
    """Without what is shown before the first key frame but stored after it: that leans on frames that were not read.

    Raises:
        _LeansOnEarlier: so does the key frame itself, or seems to.
    """
    first = next((frame for frame in frames if frame.key_frame or not frame.is_corrupt), None)
    if first is None or first.is_corrupt:
        raise _LeansOnEarlier
    yield first
    yield from frames


def _seek(container: Any, stream: Any, timeline: Timeline, start: Fraction) -> bool:
    target = start - _SEEK_MARGIN_SECONDS
    if target <= 0 or timeline.by_order or not any(name in container.format.name for name in _SEEKABLE):
        return False
    container.seek(int(timeline.pts[0]) + int(target / timeline.time_base), stream=stream, backward=True)
    return True


def _decode_packets(container: Any, stream: Any, path: Path, report: Callable[[str], None]) -> Iterator[Any]:
    for packet in packets_of(path, container, stream):
        try:
            frames = frames_in(path, packet)
        except DamagedPacket as error:
            report(str(error))
            continue
        yield from frames


def _between(shown: Iterator[_Shown], start: Fraction, stop: Fraction) -> Iterator[_Shown]:
    for one in shown:
        if one.time >= stop:
            return
        if one.time >= start:
            yield one


def _at_ticks(shown: Iterator[_Shown], start: Fraction, stop: Fraction, fps: Fraction) -> Iterator[_Shown]:
    """At each tick the last frame shown by then, however often that repeats or skips frames."""
    tick, step = 0, 1 / fps
    current: _Shown | None = None
    for following in shown:
        while current and tick * step + start < min(following.time, stop):
            yield _Shown(current.number, tick * step + start, current.frame, current.pixel_aspect)
            tick += 1
        current = following
        if current.time >= stop:
            break
    while current and tick * step + start < stop:
        yield _Shown(current.number, tick * step + start, current.frame, current.pixel_aspect)
        tick += 1


def _to_rgb(shown: Iterator[_Shown], size: tuple[int, int] | None) -> Iterator[TimedFrame]:
    reformatter = VideoReformatter()
    orientation: Orientation | None = None
    for one in shown:
        frame = one.frame
        orientation = orientation or _orientation_of(frame)
        width, height = orientation.shown_size(*size) if size else square_pixel_size(one.pixel_aspect, frame)
        yield TimedFrame(one.number, one.time, orientation.apply(rgb_of(frame, (width, height), reformatter)))


def _orientation_of(frame: Any) -> Orientation:
    """Of a stream, from its first frame: whoever asks a frame of PyAV's for it keeps all its memory in a cycle."""
    return Orientation.of_frame(frame)


def _to_luma(shown: Iterator[_Shown], rows: int, path: Path) -> Iterator[TimedLuma]:
    """Straight from the frame's own luma plane, where it has one."""
    last, first_shape = -1, (0, 0)
    luma = np.empty((0, 0), np.uint8)
    orientation: Orientation | None = None
    for one in shown:
        if one.number != last:
            orientation = orientation or _orientation_of(one.frame)
            width, height = orientation.shown_size(*square_pixel_size(one.pixel_aspect, one.frame))
            shape = max(1, round(width * rows / height)), rows
            if last >= 0 and shape != first_shape:
                raise VideoError(
                    f"{path} changes its picture's shape at {float(one.time):.2f} s (frame {one.number}), to "
                    f"{width}x{height}; cut it there."
                )
            first_shape = shape
            luma = orientation.apply(small_luma(one.frame, orientation.shown_size(*shape)))
            last = one.number
        yield TimedLuma(one.number, one.time, luma)


def _refuse(damage: str) -> None:
    raise VideoError(f"{damage}; copy or download it again.")
