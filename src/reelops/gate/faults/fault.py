"""What a fault is, and what many of them are made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from reelops.optical_flow.working_size import STATED_ROWS

Make = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Fault:
    """One way in which a clip goes wrong.

    Attributes:
        name: in words.
        make: from frames (T, H, W, 3) RGB uint8, a strength and a random generator to as many frames of the same size.
        strengths: from one that just matters to a viewer over one that is plain to see to a gross one.
        unit: of the strength.
    """

    name: str
    make: Make
    strengths: tuple[float, float, float]
    unit: str


def each(frames_THWC: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Every frame changed, rounded and kept within 0 and 255."""
    changed = np.empty_like(frames_THWC)
    for number, frame in enumerate(frames_THWC):
        changed[number] = to_uint8(change(frame))
    return changed


def each_in_time(frames_THWC: np.ndarray, change: Callable[[np.ndarray, float], np.ndarray]) -> np.ndarray:
    """The same of changes that take the frame's time, from 0 at the first to 1 at the last."""
    changed = np.empty_like(frames_THWC)
    last = max(1, len(frames_THWC) - 1)
    for number, frame in enumerate(frames_THWC):
        changed[number] = to_uint8(change(frame, number / last))
    return changed


def to_uint8(frame: np.ndarray) -> np.ndarray:
    rounded: np.ndarray = np.clip(np.rint(frame), 0, 255).astype(np.uint8)
    return rounded


def at_480(length: float, frames_THWC: np.ndarray) -> float:
    """A length at 480 rows in pixels of these frames."""
    return length * float(frames_THWC.shape[1]) / STATED_ROWS


def mixed(one: np.ndarray, other: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """`share` of the other picture over the first, float32."""
    first = one.astype(np.float32)
    blend: np.ndarray = first + (other.astype(np.float32) - first) * np.float32(share)
    return blend


def smooth_field(shape: tuple[int, int], grain: float, channels: int, rng: np.random.Generator) -> np.ndarray:
    """Random values (H, W, channels) float32 that vary over about `grain` pixels, of unit root mean square."""
    height, width = shape
    small = max(2, round(height / grain * 3)), max(2, round(width / grain * 3))
    field = cv2.GaussianBlur(rng.normal(size=(*small, channels)).astype(np.float32), (0, 0), 1.5)
    large = cv2.resize(field, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, channels)
    even: np.ndarray = large / (np.sqrt((large**2).mean()) + 1e-9)
    return even


def bent(frame_HWC: np.ndarray, by_HW2: np.ndarray) -> np.ndarray:
    """The frame seen at displaced places, x and y in pixels; beyond its edge it is mirrored."""
    height, width = frame_HWC.shape[:2]
    x = np.arange(width, dtype=np.float32) + by_HW2[..., 0].astype(np.float32)
    y = np.arange(height, dtype=np.float32)[:, None] + by_HW2[..., 1].astype(np.float32)
    seen: np.ndarray = cv2.remap(frame_HWC, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return seen


def some_box(shape: tuple[int, int], side_share: float, rng: np.random.Generator) -> tuple[slice, slice]:
    """A box anywhere inside, its sides a share of the picture's."""
    height, width = shape
    tall, wide = max(2, round(side_share * height)), max(2, round(side_share * width))
    top, left = int(rng.integers(0, max(1, height - tall))), int(rng.integers(0, max(1, width - wide)))
    return slice(top, top + tall), slice(left, left + wide)


def soft_disc(shape: tuple[int, int], radius_share: float, rng: np.random.Generator) -> np.ndarray:
    """A spot (H, W, 1) float32 of 1 that falls off softly, its radius a share of the picture's height."""
    height, width = shape
    centre_y, centre_x = rng.uniform(0.3, 0.7) * height, rng.uniform(0.3, 0.7) * width
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(y - centre_y, x - centre_x) / (radius_share * height)
    spot: np.ndarray = (1 / (1 + np.exp(8 * (distance - 1))))[..., None].astype(np.float32)
    return spot
