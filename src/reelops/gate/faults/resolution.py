"""Loss of resolution: what a frame shows is there, and what it was made of is gone."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.gate.faults.fault import Fault, at_480, each, each_in_time, mixed, soft_disc


def mosaic(frames_THWC: np.ndarray, side: float, _: np.random.Generator) -> np.ndarray:
    """Squares of one colour."""
    pixels = max(2, round(at_480(side, frames_THWC)))
    return each(frames_THWC, lambda frame: _through(frame, 1 / pixels, cv2.INTER_AREA, cv2.INTER_NEAREST))


def blown_up(frames_THWC: np.ndarray, factor: float, _: np.random.Generator) -> np.ndarray:
    """Made small, and large again."""
    return each(frames_THWC, lambda frame: _through(frame, 1 / factor, cv2.INTER_AREA, cv2.INTER_LINEAR))


def aliased(frames_THWC: np.ndarray, factor: float, _: np.random.Generator) -> np.ndarray:
    """Every so many-th pixel alone, and large again: jagged lines."""
    return each(frames_THWC, lambda frame: _through(frame, 1 / factor, cv2.INTER_NEAREST, cv2.INTER_LINEAR))


def out_of_focus(frames_THWC: np.ndarray, sigma: float, _: np.random.Generator) -> np.ndarray:
    """Blurred all along."""
    return each(frames_THWC, lambda frame: cv2.GaussianBlur(frame, (0, 0), at_480(sigma, frames_THWC)))


def blurring(frames_THWC: np.ndarray, sigma: float, _: np.random.Generator) -> np.ndarray:
    """Ever more blurred towards the end."""

    def blur(frame: np.ndarray, time: float) -> np.ndarray:
        blurred: np.ndarray = cv2.GaussianBlur(frame, (0, 0), max(1e-2, at_480(sigma, frames_THWC) * time))
        return blurred

    return each_in_time(frames_THWC, blur)


def smeared(frames_THWC: np.ndarray, length: float, _: np.random.Generator) -> np.ndarray:
    """Blurred along one direction, as by a shaken camera."""
    pixels = max(2, round(at_480(length, frames_THWC)))
    kernel = np.eye(pixels, dtype=np.float32) / pixels
    return each(frames_THWC, lambda frame: cv2.filter2D(frame, -1, kernel, borderType=cv2.BORDER_REFLECT))


def plastic(frames_THWC: np.ndarray, strength: float, _: np.random.Generator) -> np.ndarray:
    """Texture is smoothed away between edges that stay: skin and leaves of wax."""
    size = 2 * max(1, round(at_480(strength, frames_THWC) / 2)) + 1
    return each(frames_THWC, lambda frame: cv2.medianBlur(cv2.medianBlur(frame, size), size))


def blurred_part(frames_THWC: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """A part of the picture is blurred."""
    spot = soft_disc(frames_THWC.shape[1:3], 0.35, rng)
    pixels = at_480(sigma, frames_THWC)
    return each(frames_THWC, lambda frame: mixed(frame, cv2.GaussianBlur(frame, (0, 0), pixels), spot))


def pulsing_focus(frames_THWC: np.ndarray, sigma: float, _: np.random.Generator) -> np.ndarray:
    """Sharp and blurred by turns, every few frames."""
    pixels = at_480(sigma, frames_THWC)
    changed = frames_THWC.copy()
    for number in range(len(changed)):
        if number % 4 >= 2:
            changed[number] = cv2.GaussianBlur(changed[number], (0, 0), pixels)
    return changed


def _through(frame: np.ndarray, scale: float, down: int, up: int) -> np.ndarray:
    height, width = frame.shape[:2]
    small = max(1, round(width * scale)), max(1, round(height * scale))
    large: np.ndarray = cv2.resize(cv2.resize(frame, small, interpolation=down), (width, height), interpolation=up)
    return large


FAULTS = (
    Fault("mosaic", mosaic, (6, 12, 24), "px"),
    Fault("blown up", blown_up, (3.5, 5, 8), "times"),
    Fault("aliased", aliased, (2.5, 4, 6), "times"),
    Fault("out of focus", out_of_focus, (2.5, 4, 8), "px"),
    Fault("blurring", blurring, (4, 7, 12), "px"),
    Fault("smeared", smeared, (9, 16, 28), "px"),
    Fault("plastic", plastic, (7, 11, 17), "px"),
    Fault("blurred part", blurred_part, (4, 7, 12), "px"),
    Fault("pulsing focus", pulsing_focus, (1.5, 3, 5), "px"),
)
