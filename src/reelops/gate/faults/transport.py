"""Compression and transport: what encoders throw away, and what cables and disks lose."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.gate.faults.fault import Fault, at_480, each


def squeezed(frames_THWC: np.ndarray, quality: float, _: np.random.Generator) -> np.ndarray:
    """Each frame a JPEG of that quality."""

    def squeeze(frame: np.ndarray) -> np.ndarray:
        return _jpeg(frame, quality)

    return each(frames_THWC, squeeze)


def squeezed_small(frames_THWC: np.ndarray, quality: float, _: np.random.Generator) -> np.ndarray:
    """Squeezed at two thirds of the size, and large again: blocks of twelve pixels with soft borders."""
    height, width = frames_THWC.shape[1:3]

    def squeeze(frame: np.ndarray) -> np.ndarray:
        small = cv2.resize(frame, (width * 2 // 3, height * 2 // 3), interpolation=cv2.INTER_AREA)
        large: np.ndarray = cv2.resize(_jpeg(small, quality), (width, height), interpolation=cv2.INTER_LINEAR)
        return large

    return each(frames_THWC, squeeze)


def misplaced_blocks(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Packets are lost in a third of the frames: blocks show an earlier frame's, from a place beside."""
    side = max(8, round(at_480(32, frames_THWC)))
    height, width = frames_THWC.shape[1:3]
    changed = frames_THWC.copy()
    for number in range(3, len(changed)):
        if rng.random() > 1 / 3:
            continue
        for top in range(0, height - side + 1, side):
            for left in range(0, width - side + 1, side):
                if rng.random() < share:
                    y = int(np.clip(top + rng.integers(-side, side), 0, height - side))
                    x = int(np.clip(left + rng.integers(-side, side), 0, width - side))
                    earlier = frames_THWC[number - int(rng.integers(1, 4))]
                    changed[number, top : top + side, left : left + side] = earlier[y : y + side, x : x + side]
    return changed


def lost_slices(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """In a quarter of the frames a band shows what was there three frames before."""
    changed = frames_THWC.copy()
    height = changed.shape[1]
    tall = max(2, round(share * height))
    for number in range(3, len(changed)):
        if rng.random() < 1 / 4:
            top = int(rng.integers(0, height - tall))
            changed[number, top : top + tall] = frames_THWC[number - 3, top : top + tall]
    return changed


def grey_blocks(frames_THWC: np.ndarray, number_of: float, rng: np.random.Generator) -> np.ndarray:
    """Blocks that were never received are grey or green, in every fourth frame."""
    side = max(8, round(at_480(32, frames_THWC)))
    height, width = frames_THWC.shape[1:3]
    changed = frames_THWC.copy()
    for number in range(2, len(changed), 4):
        for _ in range(round(number_of)):
            top, left = int(rng.integers(0, height - side)), int(rng.integers(0, width - side))
            changed[number, top : top + side, left : left + side] = (
                (128, 128, 128) if rng.random() < 0.5 else (0, 136, 0)
            )
    return changed


def torn(frames_THWC: np.ndarray, shift: float, rng: np.random.Generator) -> np.ndarray:
    """Below a line the picture is shifted sideways, in every third frame."""
    pixels = max(1, round(at_480(shift, frames_THWC)))
    changed = frames_THWC.copy()
    for number in range(1, len(changed), 3):
        line = int(rng.uniform(0.2, 0.8) * changed.shape[1])
        changed[number, line:] = np.roll(changed[number, line:], pixels, axis=1)
    return changed


def coarse_colours(frames_THWC: np.ndarray, levels: float, _: np.random.Generator) -> np.ndarray:
    """So few levels a channel that slopes become bands."""
    step = 255 / (levels - 1)
    return each(frames_THWC, lambda frame: np.rint(frame / step) * step)


def dragged_blocks(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """The key frame is lost: blocks keep what they showed and only add what changes."""
    side = max(8, round(at_480(16, frames_THWC)))
    height, width = frames_THWC.shape[1:3]
    cells = rng.random((height // side + 1, width // side + 1)) < share
    lost = np.kron(cells, np.ones((side, side), bool))[:height, :width, None]
    changed = frames_THWC.copy()
    start = len(frames_THWC) // 4
    base = frames_THWC[0].astype(np.float32) - frames_THWC[start].astype(np.float32)
    for number in range(start, len(changed)):
        kept = np.clip(frames_THWC[number].astype(np.float32) + base, 0, 255)
        changed[number] = np.where(lost, kept, frames_THWC[number]).astype(np.uint8)
    return changed


def _jpeg(frame: np.ndarray, quality: float) -> np.ndarray:
    _, data = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    squeezed = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert squeezed is not None
    turned: np.ndarray = squeezed[..., ::-1]
    return turned


FAULTS = (
    Fault("squeezed", squeezed, (12, 7, 3), "JPEG quality"),
    Fault("squeezed small", squeezed_small, (10, 5, 2), "JPEG quality"),
    Fault("misplaced blocks", misplaced_blocks, (0.03, 0.08, 0.2), "share of blocks"),
    Fault("lost slices", lost_slices, (0.1, 0.25, 0.5), "share of the height"),
    Fault("grey blocks", grey_blocks, (1, 4, 12), "blocks"),
    Fault("torn", torn, (6, 16, 48), "px"),
    Fault("coarse colours", coarse_colours, (12, 8, 5), "levels"),
    Fault("dragged blocks", dragged_blocks, (0.1, 0.25, 0.5), "share of blocks"),
)
