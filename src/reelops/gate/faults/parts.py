"""Parts: something is wrong with a piece of the picture, or between its pieces."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.gate.faults.fault import Fault, at_480, each, mixed, some_box


def frozen_side(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """The left of the picture stands still; the strength is what of the width does."""
    changed = frames_THWC.copy()
    width = round(share * changed.shape[2])
    changed[:, :, :width] = changed[0, :, :width]
    return changed


def frozen_patch(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A box stands still."""
    rows, columns = some_box(frames_THWC.shape[1:3], share, rng)
    changed = frames_THWC.copy()
    changed[:, rows, columns] = changed[len(changed) // 2, rows, columns]
    return changed


def late_side(frames_THWC: np.ndarray, frames: float, _: np.random.Generator) -> np.ndarray:
    """The right half is late by that many frames."""
    middle = frames_THWC.shape[2] // 2
    changed = frames_THWC.copy()
    earlier = np.maximum(np.arange(len(changed)) - round(frames), 0)
    changed[:, :, middle:] = frames_THWC[earlier][:, :, middle:]
    return changed


def seamed(frames_THWC: np.ndarray, levels: float, rng: np.random.Generator) -> np.ndarray:
    """Upright tiles differ in brightness."""
    tiles = 4
    steps = np.repeat(
        np.array([1, -1, 1, -1]) * levels / 2 * rng.uniform(0.8, 1.2, tiles), -(-frames_THWC.shape[2] // tiles)
    )
    return each(frames_THWC, lambda frame: frame + steps[None, : frame.shape[1], None])


def seamed_tiles(frames_THWC: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    """Tiles of a grid of 3 by 4 are shifted against each other."""
    far = at_480(pixels, frames_THWC)
    height, width = frames_THWC.shape[1:3]
    by = np.zeros((height, width, 2), np.float32)
    for row in range(3):
        for column in range(4):
            angle = rng.uniform(0, 2 * np.pi)
            tile = (
                slice(row * height // 3, (row + 1) * height // 3),
                slice(column * width // 4, (column + 1) * width // 4),
            )
            by[tile] = far * np.cos(angle), far * np.sin(angle)
    x = np.arange(width, dtype=np.float32) + by[..., 0]
    y = np.arange(height, dtype=np.float32)[:, None] + by[..., 1]
    return each(frames_THWC, lambda frame: cv2.remap(frame, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))


def copied_patch(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A box shows what another place shows."""
    height, width = frames_THWC.shape[1:3]
    rows, columns = some_box((height, width), share, rng)
    from_rows, from_columns = some_box((height, width), share, rng)
    changed = frames_THWC.copy()
    changed[:, rows, columns] = frames_THWC[:, from_rows, from_columns]
    return changed


def foreign_box(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A plain box covers a part, from the middle of the clip on."""
    rows, columns = some_box(frames_THWC.shape[1:3], share, rng)
    changed = frames_THWC.copy()
    changed[len(changed) // 2 :, rows, columns] = rng.integers(0, 256, 3)
    return changed


def vanishing(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """What a box shows dissolves into its surroundings, in the middle of the clip."""
    rows, columns = some_box(frames_THWC.shape[1:3], share, rng)
    changed = frames_THWC.copy()
    middle = len(changed) // 2
    for number in range(middle, len(changed)):
        part = changed[number, rows, columns]
        filled = np.empty_like(part)
        filled[:] = np.median(part.reshape(-1, 3), axis=0)
        blur = cv2.GaussianBlur(part, (0, 0), max(1.0, 0.25 * part.shape[0]))
        changed[number, rows, columns] = np.rint(mixed(part, mixed(blur, filled, 0.3), min(1.0, (number - middle) / 4)))
    return changed


def two_clips(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """The lower part shows the clip's mirror image, as if two clips met; the strength is what of the height does."""
    changed = frames_THWC.copy()
    line = round((1 - share) * changed.shape[1])
    changed[:, line:] = frames_THWC[:, line:, ::-1]
    return changed


FAULTS = (
    Fault("frozen side", frozen_side, (0.25, 0.5, 0.75), "share of the width"),
    Fault("frozen patch", frozen_patch, (0.3, 0.45, 0.6), "share of the sides"),
    Fault("late side", late_side, (2, 4, 8), "frames"),
    Fault("seamed", seamed, (10, 18, 36), "grey levels"),
    Fault("seamed tiles", seamed_tiles, (3, 7, 16), "px"),
    Fault("copied patch", copied_patch, (0.2, 0.3, 0.45), "share of the sides"),
    Fault("foreign box", foreign_box, (0.12, 0.2, 0.35), "share of the sides"),
    Fault("vanishing", vanishing, (0.2, 0.3, 0.45), "share of the sides"),
    Fault("two clips", two_clips, (0.25, 0.4, 0.5), "share of the height"),
)
