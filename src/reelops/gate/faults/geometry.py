"""Geometry: shapes that melt, swim, stretch or jump."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.gate.faults.fault import Fault, at_480, bent, each, each_in_time, smooth_field, soft_disc


def melting(frames_THWC: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Everything flows along one smooth random field, ever farther."""
    field = smooth_field(frames_THWC.shape[1:3], at_480(120, frames_THWC), 2, rng) * at_480(pixels, frames_THWC)
    return each_in_time(frames_THWC, lambda frame, time: bent(frame, field * time))


def swimming(frames_THWC: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Shapes sway slowly, each place at its own pace, as under water."""
    shape, grain = frames_THWC.shape[1:3], at_480(70, frames_THWC)
    one, other = (smooth_field(shape, grain, 2, rng) * at_480(pixels, frames_THWC) for _ in range(2))

    def sway(frame: np.ndarray, time: float) -> np.ndarray:
        return bent(frame, one * np.sin(9 * time) + other * np.cos(7 * time))

    return each_in_time(frames_THWC, sway)


def boiling(frames_THWC: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Each frame is bent by smooth displacements of its own."""
    shape, grain = frames_THWC.shape[1:3], at_480(48, frames_THWC)
    return each(
        frames_THWC, lambda frame: bent(frame, smooth_field(shape, grain, 2, rng) * at_480(pixels, frames_THWC))
    )


def swirling(frames_THWC: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """A part of the picture turns in itself, ever farther."""
    height, width = frames_THWC.shape[1:3]
    spot = soft_disc((height, width), 0.35, rng)[..., 0]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    middle_y, middle_x = (spot * y).sum() / spot.sum(), (spot * x).sum() / spot.sum()

    def swirl(frame: np.ndarray, time: float) -> np.ndarray:
        angle = np.deg2rad(degrees) * time * spot
        off_x, off_y = x - middle_x, y - middle_y
        cos, sin = np.cos(angle), np.sin(angle)
        return bent(frame, np.stack([cos * off_x - sin * off_y - off_x, sin * off_x + cos * off_y - off_y], axis=2))

    return each_in_time(frames_THWC, swirl)


def stretching(frames_THWC: np.ndarray, ratio: float, _: np.random.Generator) -> np.ndarray:
    """The picture is pulled ever wider."""
    height, width = frames_THWC.shape[1:3]
    off_x = np.arange(width, dtype=np.float32) - width / 2
    zeros = np.zeros((height, width), np.float32)

    def stretch(frame: np.ndarray, time: float) -> np.ndarray:
        return bent(frame, np.stack([zeros + off_x * (1 / (1 + (ratio - 1) * time) - 1), zeros], axis=2))

    return each_in_time(frames_THWC, stretch)


def jittering(frames_THWC: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """The whole picture jumps about from frame to frame."""
    far = at_480(pixels, frames_THWC)

    def jump(frame: np.ndarray) -> np.ndarray:
        x, y = rng.normal(0, far, 2)
        by = np.array([[1, 0, x], [0, 1, y]])
        jumped: np.ndarray = cv2.warpAffine(frame, by, frame.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
        return jumped

    return each(frames_THWC, jump)


def rolling_shear(frames_THWC: np.ndarray, pixels: float, _: np.random.Generator) -> np.ndarray:
    """Lines are shifted by a wave that runs down the picture."""
    height, width = frames_THWC.shape[1:3]
    rows = np.arange(height, dtype=np.float32)[:, None] / height
    zeros = np.zeros((height, width), np.float32)

    def wave(frame: np.ndarray, time: float) -> np.ndarray:
        shift = at_480(pixels, frames_THWC) * np.sin(2 * np.pi * (3 * rows + 4 * time))
        return bent(frame, np.stack([zeros + shift, zeros], axis=2))

    return each_in_time(frames_THWC, wave)


def mirrored(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """The right of the picture is the mirrored left, from a line on; the strength is what of the width is false."""
    width = frames_THWC.shape[2]
    false = min(width // 2, round(share * width))
    changed = frames_THWC.copy()
    line = width - false
    changed[:, :, line:] = frames_THWC[:, :, line - false : line][:, :, ::-1]
    return changed


FAULTS = (
    Fault("melting", melting, (14, 28, 50), "px"),
    Fault("swimming", swimming, (5, 9, 16), "px"),
    Fault("boiling", boiling, (1.5, 3, 6), "px"),
    Fault("swirling", swirling, (40, 90, 180), "degrees"),
    Fault("stretching", stretching, (1.25, 1.5, 2), "times the width"),
    Fault("jittering", jittering, (3, 8, 20), "px"),
    Fault("rolling shear", rolling_shear, (3, 7, 16), "px"),
    Fault("mirrored", mirrored, (0.2, 0.35, 0.5), "share of the width"),
)
