"""Camera paths filmed over still pictures, from a random place and at a random scale."""

from __future__ import annotations

import math

import cv2
import numpy as np

from reelops.camera.moves import CameraPath, film


def room_for(path: CameraPath, aspect: float) -> tuple[float, float, float, float]:
    """How far a path looks beyond its first frame: left, top, right, bottom as shares of the frame.

    Args:
        path: rolls by at most 45 degrees.
        aspect: the frame's width over its height.
    """
    angle = math.radians(abs(path.roll_degrees))
    grow_x, grow_y = (
        max(0.0, ((math.cos(angle) + math.sin(angle) * other) / path.zoom - 1) / 2) for other in (1 / aspect, aspect)
    )
    return (
        grow_x + max(0.0, -path.shift_x),
        grow_y + max(0.0, -path.shift_y),
        grow_x + max(0.0, path.shift_x),
        grow_y + max(0.0, path.shift_y),
    )


def film_somewhere(
    picture: np.ndarray,
    path: CameraPath,
    size: tuple[int, int],
    times: np.ndarray,
    rng: np.random.Generator,
    largest_scale: float = 4.0,
) -> np.ndarray:
    """Films a path from a random place of a picture, at a random scale, all of it inside the picture where it fits.

    The first frame covers between one and `largest_scale` times its own size in picture pixels.

    Returns:
        Frames (T, H, W, 3) uint8.
    """
    width, height = size
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    left, top, right, bottom = room_for(path, width / height)
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
    return adjust_colours(frames, rng)


def adjust_colours(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A mild change of exposure, contrast and colour balance, the same for all frames."""
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.92, 1.08, size=3)
    offset = rng.uniform(-18, 18)
    table = np.clip(np.arange(256)[:, None] * gain[None] + offset, 0, 255).astype(np.uint8)
    return np.stack([cv2.LUT(np.ascontiguousarray(frame), table[None].transpose(1, 0, 2)) for frame in frames])
