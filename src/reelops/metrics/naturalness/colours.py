"""Colours against each other, single odd pixels, and the picture against itself and its mirror images."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.naturalness.look import EVERY, Look, Numbers, log2
from reelops.metrics.place import Place
from reelops.metrics.view import Step
from reelops.optical_flow.working_size import at_rows

_ROWS = 240
_FARTHEST_SHIFT = 4
_SIDE = 128
_OWN_PEAK = 7
_NAMES = ("rg", "rg_sh", "bg", "bg_sh", "rgv", "rgv_sh", "bgv", "bgv_sh", "speck40", "speck20")
_LIKENESS = ("auto", "mirror_h", "mirror_v", "mirror_hv")


class Colours:
    """Follows every sixth frame."""

    def __init__(self) -> None:
        self._seen = 0
        self._frames: list[list[float]] = []

    def see(self, look: Look, _: Step | None, /) -> None:
        if self._seen % EVERY == 0:
            colour_HWC = at_rows(look.view.frame_HWC, _ROWS).astype(np.float32)
            self._frames.append([*_channels(colour_HWC), *_specks(look.luma_HW), *_likeness(colour_HWC)])
        self._seen += 1

    def place(self, name: str, /) -> Place | None:
        if not (name.startswith("c_") and name.endswith("_max")):
            return None
        column = (*_NAMES, *_LIKENESS).index(name.removeprefix("c_").removesuffix("_max"))
        return Place(int(np.argmax([frame[column] for frame in self._frames])) * EVERY)

    def numbers(self) -> Numbers:
        found: Numbers = {}
        for name, values in zip((*_NAMES, *_LIKENESS), np.array(self._frames).T, strict=True):
            found |= {
                f"c_{name}": float(np.median(values)),
                f"c_{name}_end": float(values[-2:].mean() - values[:2].mean()),
                f"c_{name}_max": float(values.max()),
            }
        return found


def _channels(colour_HWC: np.ndarray) -> list[float]:
    """How alike the slopes of red and blue are to green's, and how much more so after a shift."""
    across, down = np.diff(colour_HWC, axis=1), np.diff(colour_HWC, axis=0)
    return [
        *_alike(across[..., 0], across[..., 1], axis=1),
        *_alike(across[..., 2], across[..., 1], axis=1),
        *_alike(down[..., 0], down[..., 1], axis=0),
        *_alike(down[..., 2], down[..., 1], axis=0),
    ]


def _alike(one_HW: np.ndarray, other_HW: np.ndarray, axis: int) -> tuple[float, float]:
    far, length = _FARTHEST_SHIFT, one_HW.shape[axis]
    fixed = _lines(other_HW, far, length - far, axis)
    likeness = []
    for shift in range(-far, far + 1):
        moved = _lines(one_HW, far + shift, length - far + shift, axis)
        scale = np.sqrt(float(np.vdot(moved, moved)) * float(np.vdot(fixed, fixed))) + 1
        likeness.append(float(np.vdot(moved, fixed)) / scale)
    return likeness[far], max(likeness) - likeness[far]


def _lines(picture_HW: np.ndarray, start: int, stop: int, axis: int) -> np.ndarray:
    part = picture_HW[start:stop] if axis == 0 else picture_HW[:, start:stop]
    return np.ascontiguousarray(part)


def _specks(luma_HW: np.ndarray) -> list[float]:
    """The logarithms of the shares of pixels that are far off the median around them."""
    off = cv2.absdiff(luma_HW, cv2.medianBlur(luma_HW, 3))
    return [float(log2((off > 40).mean(), 1e-5)), float(log2((off > 20).mean(), 1e-4))]


def _likeness(colour_HWC: np.ndarray) -> list[float]:
    """Peaks of the whitened correlation of fine detail with itself elsewhere, and with its mirror images."""
    detail = (colour_HWC - cv2.GaussianBlur(colour_HWC, (0, 0), 2)).mean(axis=2)
    small = cv2.resize(detail, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    taper = np.hanning(_SIDE).astype(np.float32)
    even = small / (np.sqrt(np.maximum(cv2.blur(small * small, (9, 9)), 0)) + 1) * taper[:, None] * taper
    transform = np.fft.rfft2(even)
    power = np.abs(transform) ** 2
    whitening = 1 / (np.sqrt(power) + np.sqrt(power).mean() + 1e-9)
    own = np.fft.irfft2(power * whitening)
    peak = own[0, 0] + 1e-9
    distance = np.minimum(np.arange(_SIDE), _SIDE - np.arange(_SIDE))
    elsewhere = np.hypot(distance[:, None], distance[None]) > _OWN_PEAK
    mirrored = (even[:, ::-1], even[::-1], even[::-1, ::-1])
    return [
        float((own / peak)[elsewhere].max()),
        *(float(np.fft.irfft2(transform * np.conj(np.fft.rfft2(one)) * whitening).max() / peak) for one in mirrored),
    ]
