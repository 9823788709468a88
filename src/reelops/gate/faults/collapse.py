"""Collapse of a generator: the clip leaves its picture, and dissolves into something else."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.gate.faults.fault import Fault, at_480, bent, each_in_time, mixed, smooth_field


def dissolving(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Coarse clouds of colour replace the picture, towards the end."""
    clouds = _clouds(frames_THWC, at_480(80, frames_THWC), rng)
    return each_in_time(frames_THWC, lambda frame, time: mixed(frame, clouds, share * time))


def to_noise(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Noise replaces the picture, towards the end."""

    def drown(frame: np.ndarray, time: float) -> np.ndarray:
        return mixed(frame, rng.normal(128, 50, frame.shape), share * time)

    return each_in_time(frames_THWC, drown)


def to_texture(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """One piece of the picture, repeated, replaces it, towards the end."""
    height, width = frames_THWC.shape[1:3]
    tile = frames_THWC[0, height // 3 : height // 3 + height // 6, width // 3 : width // 3 + width // 6]
    tiled = np.tile(tile, (7, 7, 1))[:height, :width]
    return each_in_time(frames_THWC, lambda frame, time: mixed(frame, tiled, share * time))


def shuffled_patches(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Patches have changed places; the strength is the share of them."""
    side = max(8, round(at_480(48, frames_THWC)))
    height, width = frames_THWC.shape[1:3]
    places = [(y, x) for y in range(0, height - side + 1, side) for x in range(0, width - side + 1, side)]
    moved = rng.choice(len(places), max(2, round(share * len(places))), replace=False)
    changed = frames_THWC.copy()
    for to, source in zip(moved, np.roll(moved, 1), strict=True):
        (y, x), (from_y, from_x) = places[to], places[source]
        changed[:, y : y + side, x : x + side] = frames_THWC[:, from_y : from_y + side, from_x : from_x + side]
    return changed


def crumbling(frames_THWC: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Fine shapes dissolve into fibres, ever more: each place shows another beside it."""
    shape, grain = frames_THWC.shape[1:3], at_480(14, frames_THWC)
    field = smooth_field(shape, grain, 2, rng) * at_480(pixels, frames_THWC)
    return each_in_time(frames_THWC, lambda frame, time: bent(frame, field * time))


def painted(frames_THWC: np.ndarray, radius: float, _: np.random.Generator) -> np.ndarray:
    """The picture becomes an oil painting, towards the end."""
    size = 2 * max(1, round(at_480(radius, frames_THWC) / 2)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))

    def paint(frame: np.ndarray, time: float) -> np.ndarray:
        closed = cv2.morphologyEx(cv2.morphologyEx(frame, cv2.MORPH_OPEN, kernel), cv2.MORPH_CLOSE, kernel)
        return mixed(frame, closed, min(1.0, 2 * time))

    return each_in_time(frames_THWC, paint)


def ringing(frames_THWC: np.ndarray, gain: float, _: np.random.Generator) -> np.ndarray:
    """Edges are sharpened until they ring, towards the end."""
    sigma = at_480(2.5, frames_THWC)

    def sharpen(frame: np.ndarray, time: float) -> np.ndarray:
        soft = cv2.GaussianBlur(frame, (0, 0), sigma).astype(np.float32)
        sharp: np.ndarray = frame + gain * time * (frame - soft)
        return sharp

    return each_in_time(frames_THWC, sharpen)


def changing_scene(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """Another picture comes up, towards the end: the same scene upside down and mirrored."""
    return each_in_time(frames_THWC, lambda frame, time: mixed(frame, frame[::-1, ::-1], share * time))


def _clouds(frames_THWC: np.ndarray, grain: float, rng: np.random.Generator) -> np.ndarray:
    mean, deviation = frames_THWC[0].mean(axis=(0, 1)), frames_THWC[0].std(axis=(0, 1))
    clouds: np.ndarray = np.clip(mean + deviation * smooth_field(frames_THWC.shape[1:3], grain, 3, rng), 0, 255)
    return clouds


FAULTS = (
    Fault("dissolving", dissolving, (0.5, 0.75, 1.0), "share"),
    Fault("to noise", to_noise, (0.35, 0.6, 1.0), "share"),
    Fault("to texture", to_texture, (0.4, 0.7, 1.0), "share"),
    Fault("shuffled patches", shuffled_patches, (0.06, 0.2, 0.6), "share of patches"),
    Fault("crumbling", crumbling, (3, 6, 12), "px"),
    Fault("painted", painted, (7, 12, 20), "px"),
    Fault("ringing", ringing, (1.5, 3, 6), "times"),
    Fault("changing scene", changing_scene, (0.35, 0.6, 1.0), "share"),
)
