"""Opening a video for reading, and one sentence for each way that this fails."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import av
from av.codec.context import Flags
from av.error import FFmpegError, InvalidDataError
from av.stream import Disposition

from reelops.addresses import told_missing
from reelops.errors import Fault, VideoError, fault_of
from reelops.foreign import IS_POINTER, is_pointer, machine_error_on_read, reading_foreign, reason_of
from reelops.video.limits import MAX_FRAME_PIXELS, check_frame_size
from reelops.video.truncation import extent_of

# Only these are read: FFmpeg would also "play" text files, and playlists that name other files.
CONTAINERS = frozenset(
    {"asf", "avi", "dv", "flv", "gif", "h264", "hevc", "ivf", "matroska", "mov", "mp4", "mpeg", "mpegts", "mpegvideo"}
    | {"mxf", "nut", "obu", "ogg", "rm", "swf", "webm", "wtv", "yuv4mpegpipe"}
)
_PICTURES = ("image2", "_pipe")
_CONTAINER_OPTIONS = {"protocol_whitelist": "file"}
_DECODER_OPTIONS = {"max_pixels": str(MAX_FRAME_PIXELS)}


# FFmpeg says so of files that ask for too much memory, end too early or muddle a decoder, and of a machine in need.
_AMBIGUOUS = frozenset({errno.ENOMEM, errno.EIO, errno.EAGAIN})
_READ_BYTES = 1 << 20


class UncertainVideoError(VideoError):
    """A video that cannot be read, most likely because it is damaged; a machine short of memory is told alike.

    The file itself is there to its last byte. It is told of the file, and nobody keeps it as a fact.
    """


class DamagedPacket(VideoError):
    """A packet that cannot be decoded; the next one may be whole."""


def open_container(path: Path) -> Any:
    """PyAV's container of a media file: tags in any encoding, no other file or address, no picture beyond the limit.

    Raises:
        FFmpegError, OSError, ValueError: as PyAV.
    """
    options = {**_CONTAINER_OPTIONS, **_DECODER_OPTIONS}
    return av.open(str(path.absolute()), options=options, metadata_errors="replace")


@contextlib.contextmanager
def open_source(path: Path) -> Iterator[tuple[Any, Any]]:
    """The open container and its video stream (cover art does not count), both PyAV's.

    Raises:
        VideoError: the file is missing, empty, cut short, not a video, without pictures, larger than a video may be, or
            fails inside the block.
        MachineError: this machine cannot read it now.
    """
    with reading_foreign(path, VideoError, "cannot be reached", "check the path"):
        _check_file(path)
    try:
        container = open_container(path)
    except (FFmpegError, OSError, ValueError) as error:
        if fault_of(error) is Fault.MACHINE:
            _refuse(path, error, f"is not a video: {reason_of(error)}.")
        raise VideoError(f"{path} {_why_it_does_not_open(path, error)}") from error
    with container:
        stream = _video_stream(path, container)
        stream.codec_context.options = _DECODER_OPTIONS
        stream.codec_context.flags |= Flags.unaligned  # or a crop on the left stops at what suits the processor
        check_frame_size(path, *_stored_size(path, stream))
        try:
            yield container, stream
        except FFmpegError as error:
            _refuse(path, error, f"cannot be decoded: {reason_of(error)}.")


@contextlib.contextmanager
def reading_video(path: Path, what_is_wrong: str = "cannot be decoded") -> Iterator[None]:
    """Within it whatever PyAV raises is an error that names the file, see `reading_foreign`.

    Raises:
        VideoError: the file cannot be decoded.
        MachineError: this machine cannot read it now.
    """
    with reading_foreign(path, VideoError, what_is_wrong):
        try:
            yield
        except FFmpegError as error:
            _refuse(path, error, f"{what_is_wrong}: {reason_of(error)}.")


def packets_of(path: Path, container: Any, stream: Any) -> Iterator[Any]:
    """All packets of a stream, the empty ones too with which a decoder gives the rest.

    Raises:
        VideoError, MachineError: as `reading_video`.
    """
    packets = container.demux(stream)
    while True:
        with reading_video(path):
            packet = next(packets, None)
        if packet is None:
            return
        yield packet


def frames_in(path: Path, packet: Any) -> list[Any]:
    """What comes out of the decoder once a packet has gone in.

    Raises:
        DamagedPacket: nothing, as the packet is damaged.
        VideoError, MachineError: as `reading_video`.
    """
    with reading_video(path):
        try:
            frames: list[Any] = packet.decode()
        except InvalidDataError as error:
            raise DamagedPacket(f"{path} is damaged: {reason_of(error)}") from error
    return frames


def _stored_size(path: Path, stream: Any) -> tuple[int, int]:
    """Width and height as the container or the codec states them."""
    if stream.codec_context.width:
        return stream.codec_context.width, stream.codec_context.height
    # A decoder that may not go beyond the limit forgets the size, too; one that decodes nothing tells it.
    options = {**_CONTAINER_OPTIONS, "skip_frame": "all"}
    with reading_video(path), av.open(str(path.absolute()), options=options, metadata_errors="replace") as container:
        context = container.streams[stream.index].codec_context
        return (context.width, context.height) if context else (0, 0)


def _refuse(path: Path, error: Exception, what_is_wrong: str) -> NoReturn:
    """Raises what FFmpeg's error is: its own words do not tell this machine's faults from the file's."""
    if fault_of(error) is not Fault.MACHINE:
        raise VideoError(f"{path} {what_is_wrong}") from error
    try:
        with path.open("rb") as file:
            while file.read(_READ_BYTES):
                pass
    except OSError as problem:
        raise machine_error_on_read(path, problem) from problem
    if getattr(error, "errno", None) not in _AMBIGUOUS:
        raise machine_error_on_read(path, error) from error
    raise UncertainVideoError(f"{path} {what_is_wrong}") from None  # its cause would make it a fault of the machine


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise VideoError(f"{path} is a folder, not a video; name a file in it.")
    if not path.exists():
        raise VideoError(told_missing(path))
    if not path.is_file():
        raise VideoError(f"{path} is not an ordinary file; copy the video to one first.")
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is empty (0 bytes); copy or download it again.")


def _why_it_does_not_open(path: Path, error: Exception) -> str:
    if not os.access(path, os.R_OK):
        return "may not be read by this user; check its permissions."
    if is_pointer(path):
        return IS_POINTER
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
