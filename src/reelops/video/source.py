"""Opening a video for reading, and one sentence for each way that this fails."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError
from av.stream import Disposition

from reelops.errors import VideoError
from reelops.video.truncation import extent_of

# Only these are read: FFmpeg would also "play" text files, and playlists that name other files.
CONTAINERS = frozenset(
    {"asf", "avi", "dv", "flv", "gif", "h264", "hevc", "ivf", "matroska", "mov", "mp4", "mpeg", "mpegts", "mpegvideo"}
    | {"mxf", "nut", "obu", "ogg", "rm", "swf", "webm", "wtv", "yuv4mpegpipe"}
)
_PICTURES = ("image2", "_pipe")


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[tuple[Any, Any]]:
    """The open container and its video stream (cover art does not count), both PyAV's.

    Raises:
        VideoError: the file is missing, empty, cut short, not a video, without pictures, or fails inside the block.
    """
    _check_file(path)
    try:
        container = av.open(str(path.absolute()), options={"protocol_whitelist": "file"})
    except (FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{path} {_why_it_does_not_open(path, error)}") from error
    with container:
        stream = _video_stream(path, container)
        try:
            yield container, stream
        except FFmpegError as error:
            raise VideoError(f"{path} cannot be decoded: {reason_of(error)}.") from error


def reason_of(error: Exception) -> str:
    """FFmpeg's words alone, without number and file name."""
    words = getattr(error, "strerror", None) or str(error)
    return str(words)[:1].lower() + str(words)[1:]


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise VideoError(f"{path} is a folder, not a video; name a file in it.")
    if not path.exists():
        raise VideoError(f"{path} does not exist; check the path.")
    if not path.is_file():
        raise VideoError(f"{path} is not an ordinary file; copy the video to one first.")
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is empty (0 bytes); copy or download it again.")


def _why_it_does_not_open(path: Path, error: Exception) -> str:
    if not os.access(path, os.R_OK):
        return "may not be read by this user; check its permissions."
    return _how_it_is_cut_short(path) or f"is not a video: {reason_of(error)}."


def _how_it_is_cut_short(path: Path) -> str:
    extent = extent_of(path)
    if not extent.has_index:
        return (
            f"is cut short: it ends at {path.stat().st_size:,} bytes, before the whole index (moov box) that every "
            "MP4 needs; copy or download it again."
        )
    if extent.missing_bytes:
        return f"is cut short: {extent.missing_bytes:,} bytes are missing; copy or download it again."
    return ""


def _video_stream(path: Path, container: Any) -> Any:
    name = container.format.name
    if any(mark in name for mark in _PICTURES):
        raise VideoError(f"{path} is a still picture, whatever its name says; a video is needed here.")
    if not CONTAINERS & set(name.split(",")):
        kinds = {stream.type for stream in container.streams}
        if kinds == {"audio"}:
            raise VideoError(f"{path} holds only sound, no pictures; a video is needed here.")
        raise VideoError(f"{path} is not a video ReelOps reads ({name}); use MP4, MOV, MKV, WebM, AVI or MPEG.")
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams and (cut_short := _how_it_is_cut_short(path)):
        raise VideoError(f"{path} {cut_short}")
    if not streams:
        holds = "only sound, no pictures" if container.streams.audio else "neither pictures nor sound"
        raise VideoError(f"{path} holds {holds}; a video is needed here.")
    if streams[0].codec_context is None:
        raise VideoError(f"{path} uses a video codec this FFmpeg cannot decode; convert it to H.264 first.")
    return streams[0]
