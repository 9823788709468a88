"""The pictures and videos the embedded model learns from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path

import cv2
import numpy as np

from reelops.dataset.entry import VIDEO_SUFFIXES
from reelops.dataset.photographs import read_photograph
from reelops.errors import DatasetError
from reelops.system.hardware import cores
from reelops.system.worker_pool import JobProgress, ReportProgress, Work, run_jobs
from reelops.video.picture import read_pixels
from reelops.video.source import open_source, reading_video

_FEWEST_FRAMES = 17

# Of the photographs that come with ReelOps, those the embedded model may learn from.
BUNDLED = ("astronaut", "chelsea")

# Where training files come from, by how their names begin; the card names them.
ORIGINS = {
    "unsplash-": "photographs from Unsplash (Unsplash licence: free use, also commercial)",
    "popos-": "photographs from Unsplash and NASA, by way of pop-os/wallpapers (Unsplash licence, public domain)",
    "kodak-": "photographs of the Kodak Photo CD sampler (free for any purpose of electronic imaging)",
    "intel-": "videos of intel-iot-devkit/sample-videos (CC BY 4.0, Intel Corporation)",
    "cogvideo": "example and generated videos of zai-org/CogVideo (Apache-2.0)",
}


def sources(pictures: Sequence[Path], videos: Sequence[Path]) -> list[str]:
    """One line an origin: how many files, from where, under which licence."""
    lines = [f"{len(BUNDLED)} photographs inside scikit-image: {', '.join(BUNDLED)} (public domain or CC0)"]
    names = [path.name for path in (*pictures, *videos)]
    for start, origin in ORIGINS.items():
        count = sum(name.startswith(start) for name in names)
        if count:
            lines.append(f"{count} {origin}")
    others = [name for name in names if not name.startswith(tuple(ORIGINS))]
    if others:
        lines.append(
            f"{len(others)} files of the user's own: {', '.join(others[:5])}" + (", ..." if others[5:] else "")
        )
    return lines


def bundled_pictures() -> list[np.ndarray]:
    """RGB uint8 photographs that come with ReelOps."""
    return [read_photograph(name) for name in BUNDLED]


def load_pictures(files: Sequence[Path], min_side: int = 160) -> list[np.ndarray]:
    """The bundled photographs, then all pictures and stills of all videos among `files`; RGB uint8.

    Raises:
        DatasetError: one of the files cannot be decoded.
    """
    pictures = [*bundled_pictures(), *chain.from_iterable(_decoded_apart(_pictures_of, files))]
    return [picture for picture in pictures if min(picture.shape[:2]) >= min_side]


def load_videos(files: Sequence[Path], size: tuple[int, int], fps: int = 8, at_most: int = 60) -> list[np.ndarray]:
    """The first frames of each video at about `fps`, squeezed to `size` (width, height): (T, H, W, 3) uint8 each.

    Raises:
        DatasetError: one of the files cannot be decoded.
    """
    clips = _decoded_apart(partial(_first_frames, size=size, fps=fps, at_most=at_most), files)
    return [np.stack(frames) for frames in clips if len(frames) >= _FEWEST_FRAMES]


def video_stills(path: Path, every_seconds: float = 2.0, at_most: int = 6) -> list[np.ndarray]:
    """Frames of a video some seconds apart, RGB uint8.

    Raises:
        VideoError: it cannot be decoded.
    """
    stills: list[np.ndarray] = []
    with open_source(path) as (container, stream), reading_video(path):
        next_time = 0.0
        for frame in container.decode(stream):
            if frame.time is not None and frame.time + 1e-6 < next_time:
                continue
            stills.append(frame.to_ndarray(format="rgb24"))
            next_time += every_seconds
            if len(stills) == at_most:
                break
    return stills


def _decoded_apart(decode: Work[Path, list[np.ndarray]], files: Sequence[Path]) -> list[list[np.ndarray]]:
    """What each file holds, in their order; decoded in other processes, which a strange file may end."""
    decoded: dict[int, list[np.ndarray]] = {}
    with closing(run_jobs(decode, files, cores())) as answers:
        for answer in answers:
            if isinstance(answer, JobProgress):
                continue
            if answer.error:
                told = answer.error.rstrip(".")
                raise DatasetError(f"{files[answer.index]} cannot be learnt from: {told}. Mend it or take it away.")
            decoded[answer.index] = answer.result or []
    return [decoded[index] for index in range(len(files))]


def _pictures_of(path: Path, _: ReportProgress) -> list[np.ndarray]:
    return video_stills(path) if path.suffix.lower() in VIDEO_SUFFIXES else [read_pixels(path)]


def _first_frames(path: Path, _: ReportProgress, size: tuple[int, int], fps: int, at_most: int) -> list[np.ndarray]:
    frames: list[np.ndarray] = []
    with open_source(path) as (container, stream), reading_video(path):
        rate = stream.average_rate
        every = max(1, round(float(rate) / fps)) if rate else 1
        for index, frame in enumerate(container.decode(stream)):
            if index % every == 0:
                rgb = frame.to_ndarray(format="rgb24")
                frames.append(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
            if len(frames) == at_most:
                break
    return frames
