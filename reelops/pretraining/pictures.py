"""The pictures the embedded model learns from, and camera-move clips filmed over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from reelops.video.camera import CameraMove, CameraPath, CameraSpeed, film, path_of

PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
VIDEO_SUFFIXES = {".mp4", ".mkv", ".mov", ".webm", ".avi"}

# Photographs inside scikit-image's wheel that are real colour scenes under CC0 or in the public domain.
BUNDLED = ("astronaut", "chelsea")


@dataclass(frozen=True)
class Shot:
    """A clip and how it was filmed: frames (T, H, W, 3) uint8, from the picture's `start_box` along `path`."""

    frames: np.ndarray
    move: CameraMove
    speed: CameraSpeed
    path: CameraPath


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
    """RGB uint8 photographs that ship inside scikit-image."""
    from skimage import data

    return [np.ascontiguousarray(getattr(data, name)()[..., :3]) for name in BUNDLED]


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


def room_for(path: CameraPath) -> tuple[float, float, float, float]:
    """How far a path looks beyond its first frame: left, top, right, bottom as shares of the frame."""
    grow = max(0.0, (1 / path.zoom - 1) / 2)
    return (
        grow + max(0.0, -path.shift_x),
        grow + max(0.0, -path.shift_y),
        grow + max(0.0, path.shift_x),
        grow + max(0.0, path.shift_y),
    )


def film_somewhere(
    picture: np.ndarray,
    move: CameraMove,
    speed: CameraSpeed,
    size: tuple[int, int],
    times: np.ndarray,
    rng: np.random.Generator,
    largest_scale: float = 4.0,
) -> Shot:
    """Films a move from a random place of a picture, at a random scale, all of it inside the picture where it fits.

    The first frame covers between one and `largest_scale` times its own size in picture pixels.
    """
    width, height = size
    path = path_of(move, speed)
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    left, top, right, bottom = room_for(path)
    tall, wide = picture.shape[:2]
    biggest = min(wide / (1 + left + right), tall / (1 + top + bottom) * width / height)
    smallest = min(biggest, float(width))
    box_width = float(np.exp(rng.uniform(np.log(smallest), np.log(min(biggest, largest_scale * width)))))
    box_height = box_width * height / width
    x = rng.uniform(left * box_width, max(left * box_width, wide - (1 + right) * box_width))
    y = rng.uniform(top * box_height, max(top * box_height, tall - (1 + bottom) * box_height))
    oversample = 2
    shrink = min(1.0, oversample * width * 1.15 / box_width)
    if shrink < 1.0:
        x0, y0 = max(0, int(x - left * box_width) - 2), max(0, int(y - top * box_height) - 2)
        x1 = min(wide, int(x + (1 + right) * box_width) + 3)
        y1 = min(tall, int(y + (1 + bottom) * box_height) + 3)
        part = picture[y0:y1, x0:x1]
        small = cv2.resize(
            part, (max(1, round((x1 - x0) * shrink)), max(1, round((y1 - y0) * shrink))), interpolation=cv2.INTER_AREA
        )
        sx, sy = small.shape[1] / (x1 - x0), small.shape[0] / (y1 - y0)
        picture, x, y, box_width = small, (x - x0) * sx, (y - y0) * sy, box_width * sx
    frames = film(np.ascontiguousarray(picture), (x, y, box_width, box_width * height / width), path, size, times)
    return Shot(adjust_colours(frames, rng), move, speed, path)


def adjust_colours(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mild change of exposure, contrast and colour balance, the same for all frames."""
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.92, 1.08, size=3)
    offset = rng.uniform(-18, 18)
    table = np.clip(np.arange(256)[:, None] * gain[None] + offset, 0, 255).astype(np.uint8)
    return np.stack([cv2.LUT(np.ascontiguousarray(frame), table[None].transpose(1, 0, 2)) for frame in frames])
