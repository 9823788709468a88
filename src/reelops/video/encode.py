"""Writing a video frame by frame: exact rate, right colours, whole or not at all, the same bytes every time."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

from reelops.clip import Clip, ClipFormat
from reelops.errors import MachineError, VideoError
from reelops.foreign import reason_of
from reelops.system.digest import sha256_of
from reelops.system.files import write_atomically
from reelops.video.audio import AudioTrack, open_audio
from reelops.video.decode import read_frames
from reelops.video.frame_colours import SCALING
from reelops.video.probe import probe_with_timeline
from reelops.video.provenance import comment_of

# Both keep an exact rational clock; Matroska rounds every time to a millisecond.
CONTAINER_OF_SUFFIX = MappingProxyType({".mp4": "mp4", ".m4v": "mp4", ".mov": "mov"})
# x264 gives the same bytes for the same number of threads, whatever the machine, so the number is fixed.
_ENCODER_THREADS = 4
_LARGEST_CLOCK = 2**31 - 1
_CPU_AVX_512F = 13  # of OpenCV's CpuFeatures, which its Python has no names for
_RGB_MATRIX = 0


@dataclass(frozen=True)
class EncoderProfile:
    """How frames are encoded.

    Attributes:
        codec: FFmpeg's name of the encoder.
        pixel_format: what the encoder is given; `yuv420p` halves the colour resolution and needs even sizes.
        options: the encoder's own.
    """

    name: str
    codec: str
    pixel_format: str
    options: Mapping[str, str]

    @property
    def lossless(self) -> bool:
        return self.pixel_format == "rgb24"


def _x264(name: str, preset: str, crf: int) -> EncoderProfile:
    return EncoderProfile(name, "libx264", "yuv420p", MappingProxyType({"preset": preset, "crf": str(crf)}))


ENCODER_PROFILES: Mapping[str, EncoderProfile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            _x264("high", "slow", 18),
            _x264("medium", "medium", 23),
            _x264("low", "fast", 28),
            _x264("fast", "veryfast", 23),
            EncoderProfile(
                "lossless", "libx264rgb", "rgb24", MappingProxyType({"preset": "ultrafast", "crf": "0", "qp": "0"})
            ),
        )
    }
)


def encode(
    frames: Iterable[np.ndarray],
    path: Path,
    fps: Fraction,
    profile: str | EncoderProfile = "high",
    metadata: Mapping[str, Any] | None = None,
    audio: Path | None = None,
) -> Clip:
    """Writes frames to an MP4 or QuickTime file, one at a time; the file appears only when it is whole.

    Args:
        frames: RGB uint8 (H, W, 3), all of one size; an array (T, H, W, 3) will do.
        path: ends in .mp4, .m4v or .mov.
        fps: frames per second, exactly.
        profile: a name in ENCODER_PROFILES. All but `lossless` write BT.709 video in 4:2:0, where an odd width or
            height is made even by repeating the last column or row; the clip's notes say so.
        metadata: JSON values kept in the file as its provenance.
        audio: a sound or video file whose first sound track goes along, cut at the end of the pictures.

    Returns:
        The clip under its final name, with its digest; the same frames give the same bytes.

    Raises:
        VideoError: the frames, rate, suffix, profile or sound cannot be encoded.
        MachineError: the file cannot be written.
    """
    rate = _checked_rate(fps)
    timed = ((number, frame) for number, frame in enumerate(frames))
    with _opened_audio(audio, Fraction(0)) as track:
        return _encode(timed, Path(path), 1 / rate, rate, _profile(profile), metadata, track, cut_audio=True)


def transcode(
    source: Path,
    path: Path,
    profile: str | EncoderProfile = "high",
    size: tuple[int, int] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Clip:
    """Re-encodes a video: upright, square pixels, BT.709; its rate or uneven times, sound and provenance are kept.

    Args:
        source: any video.
        path: ends in .mp4, .m4v or .mov; may be `source` itself.
        profile: a name in ENCODER_PROFILES.
        size: width and height wanted; None keeps the shown size.
        metadata: a new provenance; None keeps the source's.

    Raises:
        VideoError: the source is damaged or cannot be read, or see `encode`.
        MachineError: the file cannot be written.
    """
    info, timeline = probe_with_timeline(Path(source))
    pictures = read_frames(info.path, size=size)
    tick = timeline.time_base if info.variable_rate else 1 / info.fps
    timed = (
        (round(shown.time / tick) if info.variable_rate else number, shown.frame_HWC)
        for number, shown in enumerate(pictures)
    )
    sound = info.path if info.audio else None
    kept = info.provenance if metadata is None else metadata
    with _opened_audio(sound, timeline.start) as track:
        return _encode(timed, Path(path), tick, info.fps, _profile(profile), kept, track, cut_audio=False)


def _encode(
    timed: Iterable[tuple[int, np.ndarray]],
    path: Path,
    tick: Fraction,
    fps: Fraction,
    profile: EncoderProfile,
    metadata: Mapping[str, Any] | None,
    track: AudioTrack | None,
    *,
    cut_audio: bool,
) -> Clip:
    tags = {} if metadata is None else {"comment": comment_of(metadata)}
    container_name = _container_of(path)
    with write_atomically(path) as partial:
        with _telling_write_errors(path), _open_output(partial, container_name) as container:
            container.metadata.update(tags)
            writer = _Writer(container, profile, tick, fps, track, cut_audio)
            for pts, frame in timed:
                writer.write(pts, frame)
            writer.finish()
        digest = sha256_of(partial)
    return Clip(path, digest, ClipFormat(writer.num_frames, fps, writer.width, writer.height), writer.notes)


def _open_output(partial: Path, container_name: str) -> Any:
    # Bit-exact leaves out dates and version numbers; faststart puts the index first, for playing while loading.
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    return av.open(str(partial.absolute()), "w", format=container_name, options=options)


class _Writer:
    """One picture track, perhaps one sound track, muxed side by side as time goes on."""

    def __init__(
        self,
        container: Any,
        profile: EncoderProfile,
        tick: Fraction,
        fps: Fraction,
        track: AudioTrack | None,
        cut_audio: bool,
    ) -> None:
        self.num_frames = self.width = self.height = 0
        self.notes: tuple[str, ...] = ()
        self._container, self._profile, self._tick, self._fps = container, profile, tick, fps
        self._track, self._cut_audio = track, cut_audio
        self._reformatter = VideoReformatter()
        self._stream: Any = None
        self._given_shape: tuple[int, ...] = ()
        self._last_pts = -1

    def write(self, pts: int, frame_HWC: np.ndarray) -> None:
        self._check(frame_HWC)
        if self._stream is None:
            self._begin(frame_HWC)
        frame = self._to_encoder(frame_HWC)
        frame.pts, frame.time_base = pts, self._tick
        self._container.mux(self._stream.encode(frame))
        self.num_frames += 1
        self._last_pts = pts
        if self._track:
            self._track.write_until(pts * self._tick)

    def finish(self) -> None:
        if self._stream is None:
            raise VideoError("there are no frames to encode; give at least one.")
        self._container.mux(self._stream.encode(None))
        if self._track:
            self._track.finish((self._last_pts * self._tick + 1 / self._fps) if self._cut_audio else None)

    def _check(self, frame_HWC: np.ndarray) -> None:
        shape, kind = np.shape(frame_HWC), getattr(frame_HWC, "dtype", type(frame_HWC).__name__)
        which = f"frame {self.num_frames}"
        if len(shape) != 3 or shape[2] != 3 or kind != np.uint8 or 0 in shape:
            raise VideoError(f"{which} is {shape} of {kind}; frames are (height, width, 3) of uint8, RGB.")
        if self._given_shape and shape != self._given_shape:
            raise VideoError(
                f"{which} is {shape[1]}x{shape[0]}, the frames before it are "
                f"{self._given_shape[1]}x{self._given_shape[0]}; give all frames one size."
            )
        self._given_shape = shape

    def _begin(self, frame_HWC: np.ndarray) -> None:
        given_height, given_width = frame_HWC.shape[:2]
        self.width, self.height = given_width, given_height
        if not self._profile.lossless:
            self.width, self.height = given_width + given_width % 2, given_height + given_height % 2
        if (self.width, self.height) != (given_width, given_height):
            self.notes = (
                f"padded from {given_width}x{given_height} to {self.width}x{self.height} by repeating the edge: "
                "4:2:0 video needs even sizes",
            )
        options = {**self._profile.options, **_steady_options()}
        stream = self._container.add_stream(self._profile.codec, rate=self._fps, options=options)
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, self._profile.pixel_format
        context = stream.codec_context
        context.time_base, context.thread_count = self._tick, _ENCODER_THREADS
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        context.colorspace = _RGB_MATRIX if self._profile.lossless else Colorspace.ITU709
        context.color_range = ColorRange.JPEG if self._profile.lossless else ColorRange.MPEG
        self._stream = stream
        if self._track:
            self._track.begin(self._container)

    def _to_encoder(self, frame_HWC: np.ndarray) -> Any:
        missing_rows, missing_columns = self.height - frame_HWC.shape[0], self.width - frame_HWC.shape[1]
        if missing_rows or missing_columns:
            frame_HWC = np.pad(frame_HWC, ((0, missing_rows), (0, missing_columns), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame_HWC), format="rgb24")
        if self._profile.lossless:
            return frame
        return self._reformatter.reformat(
            frame,
            format=self._profile.pixel_format,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=SCALING,
            threads=1,
        )


def _steady_options() -> dict[str, str]:
    """x264's AVX-512 code for macroblock trees gives other bytes now and then; its AVX2 code never does."""
    return {"x264-params": "asm=AVX2"} if cv2.checkHardwareSupport(_CPU_AVX_512F) else {}


def _profile(profile: str | EncoderProfile) -> EncoderProfile:
    if isinstance(profile, EncoderProfile):
        return profile
    if profile not in ENCODER_PROFILES:
        raise VideoError(f"there is no encoder profile {profile!r}; choose one of {', '.join(ENCODER_PROFILES)}.")
    return ENCODER_PROFILES[profile]


def _checked_rate(fps: Fraction) -> Fraction:
    rate = Fraction(fps)
    if rate <= 0 or max(rate.numerator, rate.denominator) > _LARGEST_CLOCK:
        raise VideoError(f"cannot encode at {fps} frames per second; give a rate above 0, for example 30000/1001.")
    return rate


def _container_of(path: Path) -> str:
    if path.suffix.lower() not in CONTAINER_OF_SUFFIX:
        raise VideoError(f"cannot write {path.name}: clips are written as {', '.join(CONTAINER_OF_SUFFIX)}; rename it.")
    return CONTAINER_OF_SUFFIX[path.suffix.lower()]


@contextmanager
def _opened_audio(path: Path | None, offset: Fraction) -> Iterator[AudioTrack | None]:
    if path is None:
        yield None
        return
    with open_audio(Path(path), offset) as track:
        yield track


@contextmanager
def _telling_write_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FFmpegError as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO):
            raise MachineError(f"cannot write {path}: {reason_of(error)}. Free some space there.") from error
        raise VideoError(f"cannot encode {path.name}: {reason_of(error)}.") from error
