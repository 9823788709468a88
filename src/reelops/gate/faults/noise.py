"""Noise and patterns that no camera adds."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.gate.faults.fault import Fault, at_480, each, smooth_field


def grain(frames_THWC: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Fresh white noise in each frame."""
    return each(frames_THWC, lambda frame: frame + rng.normal(0, sigma, frame.shape))


def coarse_grain(frames_THWC: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Noise of a few pixels' grain, another in each frame."""
    shape, size = frames_THWC.shape[1:3], at_480(8, frames_THWC)
    return each(frames_THWC, lambda frame: frame + sigma * smooth_field(shape, size, 1, rng))


def specks(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Pixels are black or white at random."""

    def spoil(frame: np.ndarray) -> np.ndarray:
        draw = rng.random(frame.shape[:2])
        spoilt = frame.copy()
        spoilt[draw < share / 2] = 0
        spoilt[draw > 1 - share / 2] = 255
        return spoilt

    return each(frames_THWC, spoil)


def fixed_pattern(frames_THWC: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """The same noise in all frames: a dirty pane before the scene."""
    pane = cv2.GaussianBlur(rng.normal(size=frames_THWC.shape[1:3]).astype(np.float32), (0, 0), 1.0)
    pane *= sigma / pane.std()
    return each(frames_THWC, lambda frame: frame + pane[..., None])


def grid(frames_THWC: np.ndarray, levels: float, _: np.random.Generator) -> np.ndarray:
    """A grid of eight pixels, as at the stride of a VAE."""
    lines = np.zeros(frames_THWC.shape[1:3], np.float32)
    lines[::8], lines[:, ::8] = levels, levels
    return each(frames_THWC, lambda frame: frame + lines[..., None])


def stripes(frames_THWC: np.ndarray, levels: float, rng: np.random.Generator) -> np.ndarray:
    """Slanted stripes of eleven pixels."""
    height, width = frames_THWC.shape[1:3]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    wave = levels * np.sin(2 * np.pi / at_480(11, frames_THWC) * (np.cos(angle) * x + np.sin(angle) * y))
    return each(frames_THWC, lambda frame: frame + wave[..., None])


def checkered(frames_THWC: np.ndarray, levels: float, _: np.random.Generator) -> np.ndarray:
    """A checkerboard of two pixels, as of transposed convolutions."""
    height, width = frames_THWC.shape[1:3]
    y, x = np.mgrid[0:height, 0:width]
    board = levels * (1 - 2.0 * ((y // 2 + x // 2) % 2))
    return each(frames_THWC, lambda frame: frame + board[..., None])


def interlaced(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """Every other line is of the frame before; the strength is how much of it."""
    changed = frames_THWC.copy()
    before = np.roll(frames_THWC, 1, axis=0)
    before[0] = frames_THWC[0]
    mixed = (1 - share) * frames_THWC[:, ::2].astype(np.float32) + share * before[:, ::2]
    changed[:, ::2] = np.rint(mixed)
    return changed


def dark_lines(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """Every fourth line is darker."""
    factor = np.ones(frames_THWC.shape[1], np.float32)
    factor[::4] = 1 - share
    return each(frames_THWC, lambda frame: frame * factor[:, None, None])


FAULTS = (
    Fault("grain", grain, (14, 25, 45), "grey levels"),
    Fault("coarse grain", coarse_grain, (6, 12, 24), "grey levels"),
    Fault("specks", specks, (0.004, 0.015, 0.05), "share of pixels"),
    Fault("fixed pattern", fixed_pattern, (7, 14, 28), "grey levels"),
    Fault("grid", grid, (6, 12, 24), "grey levels"),
    Fault("stripes", stripes, (5, 10, 20), "grey levels"),
    Fault("checkered", checkered, (4, 8, 16), "grey levels"),
    Fault("interlaced", interlaced, (0.5, 0.75, 1.0), "share of the frame before"),
    Fault("dark lines", dark_lines, (0.1, 0.2, 0.4), "share of light"),
)
