"""Pictures and videos small enough to stand in a page: thumbnails, single frames, and the clip itself or a preview."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from reelops.errors import ReelOpsError
from reelops.foreign import refuse_machine_fault
from reelops.metrics.place import Place
from reelops.pages.pictures import jpeg
from reelops.system.worker_pool import ReportProgress
from reelops.video.decode import read_frames
from reelops.video.encode import EncoderProfile, encode
from reelops.video.marking import marked
from reelops.video.picture import read_pixels
from reelops.video.probe import VideoInfo, probe

Kind = Literal["original", "preview", "linked", "none"]

THUMBNAIL_WIDTH = 192
FRAME_WIDTH = 144
# What browsers play: container by file ending, codec, and pixels of 4:2:0.
_PLAYABLE = MappingProxyType(
    {
        ".mp4": ("video/mp4", {"h264", "av1", "vp9"}),
        ".m4v": ("video/mp4", {"h264"}),
        ".webm": ("video/webm", {"vp8", "vp9", "av1"}),
    }
)
_PLAYABLE_PIXELS = {"yuv420p", "yuvj420p"}
# Height and x264's constant rate factor: tried in turn until the preview is small enough.
_PREVIEWS = ((360, 28), (240, 33))
# Fewer bytes than this a frame a preview hardly ever has, so longer clips are not even tried.
_LEAST_BYTES_A_FRAME = 250


@dataclass(frozen=True)
class MediaJob:
    """What a page wants of a clip.

    Attributes:
        frames: numbers of the frames to show as pictures.
        limit_bytes: what the video may take at most.
        picture: the file that the clip started from, where it is here.
        marks: places to be shown marked in their frames.
    """

    path: Path
    frames: tuple[int, ...]
    limit_bytes: int
    picture: Path | None = None
    marks: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Media:
    """A clip for a page.

    Attributes:
        thumbnail: JPEG of the first frame; None where the clip cannot be read.
        frames: JPEGs by frame number.
        kind: whether `video` is the clip's own bytes or a preview of the same frames at its mean rate; else the page
            can at best link to the file.
        mime: of `video`.
        note: what people should know of it; "" for the original.
        picture: JPEG of the picture that the clip started from.
        marked: JPEGs of frames with a place marked, by that.
    """

    thumbnail: bytes | None
    frames: Mapping[int, bytes]
    kind: Kind
    video: bytes | None = None
    mime: str = "video/mp4"
    note: str = ""
    picture: bytes | None = None
    marked: Mapping[Place, bytes] = field(default_factory=dict)


def make_media(job: MediaJob, report: ReportProgress) -> Media:
    """Everything of a clip that goes into a page; a clip that cannot be read gives an empty answer with its reason."""
    try:
        info = probe(job.path)
        media = _video(info, job.limit_bytes)
        marks = {place: info.num_frames // 2 if place.frame is None else place.frame for place in job.marks}
        pictures = _pictures(info, {*job.frames, *marks.values(), 0})
    except (ReelOpsError, OSError) as error:
        refuse_machine_fault(job.path, error)
        return Media(None, {}, "none", note=str(error))
    report(1)
    frames = {number: jpeg(pictures[number], FRAME_WIDTH) for number in job.frames if number in pictures}
    first = pictures.get(0)
    thumbnail = jpeg(first, THUMBNAIL_WIDTH) if first is not None else None
    marked_frames = {
        place: jpeg(marked(pictures[number], place.box, place.heat), THUMBNAIL_WIDTH)
        for place, number in marks.items()
        if number in pictures
    }
    picture = _source_picture(job.picture)
    return replace(media, thumbnail=thumbnail, frames=frames, picture=picture, marked=marked_frames)


def _source_picture(path: Path | None) -> bytes | None:
    """A small JPEG of it; None where there is none that can be read, which the clip's notes have told already."""
    if path is None:
        return None
    try:
        return jpeg(read_pixels(path), THUMBNAIL_WIDTH)
    except (ReelOpsError, OSError) as error:
        refuse_machine_fault(path, error)
        return None


def _pictures(info: VideoInfo, numbers: set[int]) -> dict[int, np.ndarray]:
    """Frames by number, at thumbnail size."""
    height = max(2, round(THUMBNAIL_WIDTH * info.height / info.width))
    found: dict[int, np.ndarray] = {}
    for timed in read_frames(info.path, size=(THUMBNAIL_WIDTH, height), on_damage=lambda _: None):
        if timed.number in numbers:
            found[timed.number] = timed.frame_HWC
            if len(found) == len(numbers):
                break
    return found


def _video(info: VideoInfo, limit_bytes: int) -> Media:
    mime = _playable_as(info)
    if mime and info.size_bytes <= limit_bytes:
        return Media(None, {}, "original", info.path.read_bytes(), mime)
    if info.num_frames * _LEAST_BYTES_A_FRAME <= limit_bytes:
        for rows, rate_factor in _PREVIEWS:
            preview = _preview(info, rows, rate_factor)
            if len(preview) <= limit_bytes:
                note = f"A preview {min(rows, info.height)} pixels high; the scores are those of the original."
                return Media(None, {}, "preview", preview, note=note)
    size = f"{info.size_bytes / 1e6:.1f} MB"
    note = f"Not in this file: with {size} it is over the {limit_bytes / 1e6:.1f} MB that this report has a clip."
    return Media(None, {}, "linked" if mime else "none", mime=mime or "", note=note)


def _playable_as(info: VideoInfo) -> str:
    """The MIME type under which browsers play the file at an even rate; "" where they would not."""
    mime, codecs = _PLAYABLE.get(info.path.suffix.lower(), ("", set()))
    plays = info.codec in codecs and info.pixel_format in _PLAYABLE_PIXELS and not info.variable_rate
    return mime if plays else ""


def _preview(info: VideoInfo, rows: int, rate_factor: int) -> bytes:
    """The same frames, smaller, at the clip's mean rate."""
    height = min(rows, info.height) // 2 * 2
    size = max(2, round(info.width * height / info.height / 2) * 2), max(2, height)
    profile = EncoderProfile("preview", "libx264", "yuv420p", {"preset": "veryfast", "crf": str(rate_factor)})
    frames = (timed.frame_HWC for timed in read_frames(info.path, size=size, on_damage=lambda _: None))
    with tempfile.TemporaryDirectory(prefix="reelops-preview-") as folder:
        path = Path(folder) / "preview.mp4"
        encode(frames, path, Fraction(info.fps), profile)
        return path.read_bytes()
