"""Patterns that no scene has: grids, stripes and blocks of any period, and straight lines that stay in place.

The spectra of windows of a natural picture, normalised, fall off smoothly; a pattern stands out as a peak, whatever its
period and direction. A seam is a line along which every pixel's step is greater than those beside it: seldom more than
half of a line in a scene, and not in the same place while things move.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np

from reelops.metrics.naturalness.look import Look, Numbers, log2
from reelops.metrics.naturalness.scene_statistics import Normalised, SceneStatistics
from reelops.metrics.place import Place
from reelops.metrics.view import Step

_WINDOW, _SMALL_WINDOW = 64, 32
_STRIPS = 8
_STANDS_OUT = 0.6
_LINES = ("x0", "y0", "x1", "y1")
_SLOWEST = 64


class Patterns:
    """Follows the frames that `SceneStatistics` looks at."""

    def __init__(self, statistics: SceneStatistics) -> None:
        self._statistics = statistics
        self._spectra: list[np.ndarray] = []
        self._votes: list[list[np.ndarray]] = [[] for _ in _LINES]
        self._profiles: list[list[np.ndarray]] = [[] for _ in _LINES]

    def see(self, _: Look, __: Step | None, /) -> None:
        for scale, one in enumerate(self._statistics.last):
            if scale == 0:
                self._spectra.append(_spectrum(one))
            for direction, steps in enumerate((one.across_HW, one.down_HW.T)):
                self._votes[2 * scale + direction].append(_votes(steps))
                self._profiles[2 * scale + direction].append(steps.mean(axis=0))

    def place(self, _: str, /) -> Place | None:
        return None

    def numbers(self) -> Numbers:
        found = _peaks(np.mean(self._spectra, axis=0))
        for name, votes, profiles in zip(_LINES, self._votes, self._profiles, strict=True):
            found |= _lines(name, np.mean(votes, axis=0)) | _period(name, np.mean(profiles, axis=0))
        return found


def _spectrum(frame: Normalised) -> np.ndarray:
    """Mean power spectrum of windows of MSCN coefficients, each of unit power."""
    height, width = frame.mscn_HW.shape
    side = _WINDOW if min(height, width) >= 2 * _WINDOW else _SMALL_WINDOW
    down, across = max(1, height // side), max(1, width // side)
    whole = np.zeros((down * side, across * side), np.float32)
    part = frame.mscn_HW[: down * side, : across * side]
    whole[: part.shape[0], : part.shape[1]] = part
    windows = whole.reshape(down, side, across, side).transpose(0, 2, 1, 3).reshape(-1, side, side)
    taper = np.hanning(side).astype(np.float32)
    power = np.abs(np.fft.rfft2(windows * taper[:, None] * taper)) ** 2
    mean: np.ndarray = (power / (power.mean(axis=(1, 2), keepdims=True) + 1e-6)).mean(axis=0)
    return mean


def _peaks(spectrum: np.ndarray) -> Numbers:
    logarithm = np.log(np.fft.fftshift(spectrum, axes=0) + 1e-3)
    peaks = (logarithm - cv2.medianBlur(logarithm.astype(np.float32), 5))[:, 1:-1]
    side = len(logarithm)
    radius = np.hypot(np.abs(np.arange(side) - side // 2)[:, None], np.arange(logarithm.shape[1])[None])
    edges = (2, side / 8, side / 4, 3 * side / 8, side / 2, side)
    bands = {
        f"spec_b{number}": float(logarithm[(radius >= low) & (radius < high)].mean())
        for number, (low, high) in enumerate(itertools.pairwise(edges))
    }
    axes = logarithm[side // 2, 4:].mean() + logarithm[:, 0].mean() - 2 * logarithm.mean()
    return {
        "spec_peak": float(peaks.max()),
        "spec_peak3": float(np.sort(peaks.ravel())[-8]),
        **bands,
        "spec_axis": float(axes),
        "spec_rough": float(np.abs(peaks).mean()),
    }


def _votes(steps_HW: np.ndarray) -> np.ndarray:
    """For each upright line, in eight strips, the share of pixels whose step is greater than those beside it."""
    here, left, right = steps_HW[:, 1:-1], steps_HW[:, :-2], steps_HW[:, 2:]
    greater = ((here > left + _STANDS_OUT) & (here > right + _STANDS_OUT)).astype(np.float32)
    strips: np.ndarray = cv2.resize(greater, (greater.shape[1], _STRIPS), interpolation=cv2.INTER_AREA)
    return strips


def _lines(name: str, votes_hW: np.ndarray) -> Numbers:
    full, pairs = votes_hW.mean(axis=0), np.minimum(votes_hW[:-1], votes_hW[1:])
    middle = float(np.median(full))
    return {
        f"line_{name}": float(full.max()),
        f"line_{name}_z": float((np.sort(full)[-2] - middle) / (np.percentile(full, 90) - middle + 0.02)),
        f"line_{name}_seg": float(np.percentile(pairs, 99.95)),
        f"line_{name}_med": middle,
    }


def _period(name: str, profile_W: np.ndarray) -> Numbers:
    logarithm = np.log(profile_W[2:-2] + 0.3)
    logarithm = logarithm - cv2.blur(logarithm.astype(np.float32)[None], (9, 1))[0]
    power = np.abs(np.fft.rfft(logarithm * np.hanning(len(logarithm)))) ** 2
    power = power[len(logarithm) // _SLOWEST :]
    return {
        f"per_{name}": float(log2(power.max() / (np.median(power) + 1e-4))),
        f"prof_{name}": float(logarithm.max()),
        f"prof_{name}_lo": float(logarithm.min()),
    }
