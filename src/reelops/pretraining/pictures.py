"""The pictures and videos the embedded model learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from reelops.dataset.photographs import read_photograph

PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
VIDEO_SUFFIXES = {".mp4", ".mkv", ".mov", ".webm", ".avi"}

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


def read_picture(path: Path) -> np.ndarray:
    """RGB uint8 (H, W, 3)."""
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise ValueError(f"{path} is not a picture that OpenCV can read.")
    return np.ascontiguousarray(bgr[..., ::-1])


def video_stills(path: Path, every_seconds: float = 2.0, at_most: int = 6) -> Iterator[np.ndarray]:
    """Frames of a video some seconds apart, RGB uint8."""
    import av

    with av.open(str(path)) as container:
        next_time, count = 0.0, 0
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time + 1e-6 < next_time:
                continue
            yield frame.to_ndarray(format="rgb24")
            count += 1
            next_time += every_seconds
            if count == at_most:
                return


def load_pictures(files: Sequence[Path], min_side: int = 160) -> list[np.ndarray]:
    """The bundled photographs, then all pictures and stills of all videos among `files`; RGB uint8."""
    pictures = bundled_pictures()
    for path in files:
        if path.suffix.lower() in VIDEO_SUFFIXES:
            pictures.extend(video_stills(path))
        else:
            pictures.append(read_picture(path))
    return [picture for picture in pictures if min(picture.shape[:2]) >= min_side]


def load_videos(files: Sequence[Path], size: tuple[int, int], fps: int = 8, at_most: int = 60) -> list[np.ndarray]:
    """The first frames of each video at about `fps`, squeezed to `size` (width, height): (T, H, W, 3) uint8 each."""
    import av

    clips = []
    for path in files:
        frames = []
        with av.open(str(path)) as container:
            rate = container.streams.video[0].average_rate
            every = max(1, round(float(rate) / fps)) if rate else 1
            for index, frame in enumerate(container.decode(video=0)):
                if index % every == 0:
                    rgb = frame.to_ndarray(format="rgb24")
                    frames.append(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
                if len(frames) == at_most:
                    break
        if len(frames) >= 17:
            clips.append(np.stack(frames))
    return clips
