"""Time: frames that come back, come again, come late, or come together."""

from __future__ import annotations

import numpy as np

from reelops.gate.faults.fault import Fault, each, mixed


def looping(frames_THWC: np.ndarray, times: float, _: np.random.Generator) -> np.ndarray:
    """The beginning is shown over and over."""
    length = max(2, round(len(frames_THWC) / times))
    return frames_THWC[np.arange(len(frames_THWC)) % length]


def to_and_fro(frames_THWC: np.ndarray, times: float, _: np.random.Generator) -> np.ndarray:
    """The beginning is shown forwards and backwards by turns."""
    length = max(2, round(len(frames_THWC) / times))
    order = np.arange(len(frames_THWC)) % (2 * length)
    return frames_THWC[np.where(order < length, order, 2 * length - 1 - order)]


def trailing(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """Each frame keeps a share of the one shown before."""
    changed = frames_THWC.astype(np.float32)
    for number in range(1, len(changed)):
        changed[number] = share * changed[number - 1] + (1 - share) * changed[number]
    return each(changed.astype(np.float32), lambda frame: frame).astype(np.uint8)


def doubled(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """Another moment of the clip shines through: two pictures in one."""
    other = np.roll(frames_THWC, len(frames_THWC) // 3, axis=0)
    return np.stack([np.rint(mixed(a, b, share)).astype(np.uint8) for a, b in zip(frames_THWC, other, strict=True)])


def stalling(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """That share of the frames is dropped, and the one before each is shown again in its place."""
    order = np.arange(len(frames_THWC))
    order[rng.choice(order[1:], round(share * len(order)), replace=False)] = 0
    return frames_THWC[np.maximum.accumulate(order)]


def jumping_back(frames_THWC: np.ndarray, times: float, rng: np.random.Generator) -> np.ndarray:
    """Some frames are out of their place by six."""
    order = np.arange(len(frames_THWC))
    places = np.arange(min(7, len(order) - 1), len(order))
    for place in rng.choice(places, min(round(times), len(places)), replace=False):
        order[place] = max(0, place - 6)
    return frames_THWC[order]


def freezing(frames_THWC: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    """From some moment on nothing moves any more; the strength is what of the clip stands still."""
    last = max(1, round((1 - share) * (len(frames_THWC) - 1)))
    return frames_THWC[np.minimum(np.arange(len(frames_THWC)), last)]


def swapped(frames_THWC: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Neighbours change places; the strength is the share of pairs that do."""
    order = np.arange(len(frames_THWC))
    for first in range(0, len(order) - 1, 2):
        if rng.random() < share:
            order[[first, first + 1]] = order[[first + 1, first]]
    return frames_THWC[order]


def cutting(frames_THWC: np.ndarray, frames: float, _: np.random.Generator) -> np.ndarray:
    """In the middle the clip leaps ahead by that many frames; it ends in slow motion."""
    half = len(frames_THWC) // 2
    rest = len(frames_THWC) - half
    start = min(half + round(frames), len(frames_THWC) - 2)
    after = np.linspace(start, len(frames_THWC) - 1, rest).round().astype(int)
    leapt: np.ndarray = frames_THWC[np.concatenate([np.arange(half), after])]
    return leapt


FAULTS = (
    Fault("looping", looping, (2, 3, 6), "times"),
    Fault("to and fro", to_and_fro, (2, 4, 8), "times"),
    Fault("trailing", trailing, (0.45, 0.6, 0.8), "share of the frame before"),
    Fault("doubled", doubled, (0.2, 0.35, 0.5), "share of the other"),
    Fault("stalling", stalling, (0.15, 0.33, 0.6), "share of frames"),
    Fault("jumping back", jumping_back, (2, 5, 12), "frames"),
    Fault("freezing", freezing, (0.35, 0.6, 0.9), "share of the clip"),
    Fault("swapped", swapped, (0.3, 0.6, 1.0), "share of pairs"),
    Fault("cutting", cutting, (10, 16, 22), "frames"),
)
