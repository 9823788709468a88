"""Statistics of natural pictures, patch by patch, at two scales.

Luma with its local mean taken away and divided by its local deviation (MSCN) has nearly the same distribution in every
photograph: near Gaussian, its neighbours slightly alike (Ruderman 1994; Mittal, Moorthy, Bovik 2012 and Mittal,
Soundararajan, Bovik 2013). Blur, blocks, noise, ringing, posterised and painted pictures each leave it another way. In
place of fitted generalised Gaussians their moments are taken: the same in a tenth of the time.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from reelops.metrics.naturalness.look import EVERY, Heat, Look, Numbers, cell_means, log2
from reelops.metrics.place import Place
from reelops.metrics.view import Step
from reelops.optical_flow.working_size import STATED_ROWS

_PATCH = 48
_SMALLEST_PATCH = 16
_KERNEL, _SIGMA = (7, 7), 7 / 6
_SCALES = 2
_FLAT = 0.01

(_ABSOLUTE, _SQUARE, _ACROSS, _DOWN, _SLANTED, _DEVIATION, _SLOPE, _LEVEL) = range(8)


@dataclass(frozen=True)
class Normalised:
    """A frame at one scale: its luma, float32, its MSCN coefficients, and its slopes across and down."""

    luma_HW: np.ndarray
    mscn_HW: np.ndarray
    deviation_HW: np.ndarray
    across_HW: np.ndarray
    down_HW: np.ndarray

    @classmethod
    def of(cls, luma_HW: np.ndarray) -> Normalised:
        mean = cv2.GaussianBlur(luma_HW, _KERNEL, _SIGMA)
        variance = cv2.GaussianBlur(luma_HW * luma_HW, _KERNEL, _SIGMA) - mean * mean
        deviation = np.sqrt(np.maximum(variance, 0))
        across, down = np.zeros_like(luma_HW), np.zeros_like(luma_HW)
        np.abs(luma_HW[:, 1:] - luma_HW[:, :-1], out=across[:, :-1])
        np.abs(luma_HW[1:] - luma_HW[:-1], out=down[:-1])
        return cls(luma_HW, (luma_HW - mean) / (deviation + 1), deviation, across, down)

    @property
    def half(self) -> Normalised:
        height, width = self.luma_HW.shape
        size = max(1, width // 2), max(1, height // 2)
        return Normalised.of(cv2.resize(self.luma_HW, size, interpolation=cv2.INTER_AREA))


class SceneStatistics:
    """Follows every sixth frame's patches."""

    def __init__(self) -> None:
        self._seen = 0
        self._scales: list[list[np.ndarray]] = [[] for _ in range(_SCALES)]
        self._numbers: list[int] = []
        self._places: dict[str, Heat] = {}
        self.last: list[Normalised] = []
        """The last frame that was looked at, at each scale; empty after any other."""

    def see(self, look: Look, _: Step | None, /) -> None:
        self.last = []
        if self._seen % EVERY == 0:
            self._look_at(look.luma_HW)
        self._seen += 1

    def _look_at(self, luma_HW: np.ndarray) -> None:
        height, width = luma_HW.shape
        patch = max(_SMALLEST_PATCH, round(_PATCH * height / STATED_ROWS))
        grid = max(3, width // patch), max(3, height // patch)
        one = Normalised.of(luma_HW.astype(np.float32))
        self.last = [one, one.half]
        self._numbers.append(self._seen)
        for maps, scale in zip(self._scales, self.last, strict=True):
            maps.append(_patches(scale, grid))

    def place(self, name: str, /) -> Place | None:
        return Place.of_heat(*self._places[name]) if name in self._places else None

    def numbers(self) -> Numbers:
        found: Numbers = {}
        for scale, maps in enumerate(self._scales):
            found |= self._scale(f"s{scale}", np.stack(maps))
        return found | self._detail_between_scales()

    def _scale(self, prefix: str, patches_Thwk: np.ndarray) -> Numbers:
        square, deviation = patches_Thwk[..., _SQUARE], patches_Thwk[..., _DEVIATION]
        textured = deviation > np.percentile(deviation, 40)
        alike = {
            name: patches_Thwk[..., kind] / (square + 1e-2)
            for name, kind in (("rh", _ACROSS), ("rv", _DOWN), ("rd", _SLANTED))
        }
        statistics = {
            "alpha": patches_Thwk[..., _ABSOLUTE] ** 2 / (square + 1e-3),
            "var": square,
            **alike,
            "sg": log2(deviation, 0.3),
            "flat": patches_Thwk[..., _LEVEL],
        }
        found: Numbers = {}
        for name, values in statistics.items():
            found |= self._statistic(f"{prefix}_{name}", values, textured)
        uneven = (alike["rh"] - alike["rv"])[textured]
        found |= {f"{prefix}_hv": _median(np.abs(uneven)), f"{prefix}_hvs": _median(uneven)}
        return found

    def _statistic(self, name: str, values_Thw: np.ndarray, textured_Thw: np.ndarray) -> Numbers:
        middle = np.median(values_Thw, axis=0)
        off = np.abs(middle - np.median(values_Thw))
        spread = np.percentile(values_Thw, 75) - np.percentile(values_Thw, 25)
        low, high = np.percentile(values_Thw, 5), np.percentile(values_Thw, 95)
        changes = np.abs(values_Thw[1:] - values_Thw[:-1])
        self._places[f"{name}_5"] = self._place_of(-values_Thw)
        self._places[f"{name}_95"] = self._place_of(values_Thw)
        self._places[f"{name}_out"] = (None, off)
        if len(changes):
            self._places[f"{name}_ch"] = self._place_of(changes, later=1)
        return {
            f"{name}_50": _median(values_Thw[textured_Thw]),
            f"{name}_5": float(low),
            f"{name}_95": float(high),
            f"{name}_ch": float(np.percentile(changes, 95)) if len(changes) else 0.0,
            f"{name}_drift": _median(values_Thw[-2:].mean(axis=0) - values_Thw[:2].mean(axis=0)),
            f"{name}_out": float(off.max() / (spread + 0.05)),
        }

    def _detail_between_scales(self) -> Numbers:
        """By how much there is less to see at half the size: little in what was blurred or blown up."""
        fine, coarse = (np.stack(maps)[..., _SLOPE] for maps in self._scales)
        ratio = log2(fine, 0.3) - log2(coarse, 0.3)
        middles = np.median(ratio, axis=(1, 2))
        off = np.abs(np.median(ratio, axis=0) - np.median(ratio))
        self._places["slope_5"], self._places["slope_95"] = self._place_of(-ratio), self._place_of(ratio)
        self._places["slope_local"] = (None, off)
        return {
            "slope_50": _median(ratio),
            "slope_5": float(np.percentile(ratio, 5)),
            "slope_95": float(np.percentile(ratio, 95)),
            "slope_local": float(off.max()),
            "slope_jit": float(np.abs(np.diff(middles)).max()) if len(middles) > 1 else 0.0,
        }

    def _place_of(self, values_Thw: np.ndarray, later: int = 0) -> Heat:
        frame = int(np.unravel_index(int(np.argmax(values_Thw)), values_Thw.shape)[0])
        values_hw = values_Thw[frame]
        return (self._numbers[frame + later], values_hw - values_hw.min())


def _patches(scale: Normalised, grid: tuple[int, int]) -> np.ndarray:
    mscn = scale.mscn_HW
    level = ((scale.across_HW < _FLAT) & (scale.down_HW < _FLAT)).astype(np.float32)
    maps = [
        np.abs(mscn),
        mscn * mscn,
        mscn[:, 1:] * mscn[:, :-1],
        mscn[1:] * mscn[:-1],
        mscn[1:, 1:] * mscn[:-1, :-1],
        scale.deviation_HW,
        scale.across_HW + scale.down_HW,
        level,
    ]
    return cell_means(maps, grid)


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if values.size else 0.0
