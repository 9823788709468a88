"""Points that are followed along the flow: what becomes of the picture there, and how far they leave an even motion.

The clip's own beginning is the reference, carried along the motion. Light, colour, contrast and detail of a thing stay
in a filmed clip while it is in sight; where they drift the clip burns, fades, shifts in hue or melts. And a filmed
scene moves rigidly but for some things in it; a picture that melts or swims moves unevenly everywhere.
"""

from __future__ import annotations

import numpy as np

from reelops.metrics.naturalness.look import CHROMA, CONTRAST, DETAIL, Heat, Look, Numbers, log2, looked_up
from reelops.metrics.place import Place
from reelops.metrics.view import Step

_WINDOW = 8
_FEWEST_AGAINST_BEGINNING = 12
_FEWEST_IN_A_WINDOW = 15
_ROUNDS = 5
_NAMES = ("Y", "cr", "cb", "con", "det", "chr")
_TO_480_ROWS = 3


class Points:
    """A point in the middle of each cell, followed as long as the flow there and back agree."""

    def __init__(self, shape: tuple[int, int], grid: tuple[int, int]) -> None:
        height, width = shape
        columns, rows = grid
        x = (np.arange(columns) + 0.5) * width / columns - 0.5
        y = (np.arange(rows) + 0.5) * height / rows - 0.5
        self.start_hw2 = np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)
        self.now_hw2 = self.start_hw2.copy()
        self.known_hw = np.ones(self.start_hw2.shape[:2], bool)

    def follow(self, step: Step) -> None:
        height, width = step.flow_HW2.shape[:2]
        maps = step.flow_HW2[..., 0], step.flow_HW2[..., 1], step.confirmed_HW
        there = looked_up(maps, self.now_hw2)
        self.now_hw2 = self.now_hw2 + there[..., :2]
        x, y = self.now_hw2[..., 0], self.now_hw2[..., 1]
        self.known_hw = self.known_hw & (there[..., 2] > 0.5) & (x >= 0) & (x < width) & (y >= 0) & (y < height)


class AgainstBeginning:
    """Follows what the first frame shows, and how it changes."""

    def __init__(self) -> None:
        self._points: Points | None = None
        self._first_hwC = np.zeros(0)
        self._drifts: list[np.ndarray] = []
        self._known: list[np.ndarray] = []
        self._places: dict[str, Heat] = {}

    def see(self, look: Look, step: Step | None, /) -> None:
        if step is None or self._points is None:
            self._points = Points(look.gray_HW.shape, look.grid)
            self._first_hwC = looked_up(look.moments, self._points.now_hw2)
            return
        self._points.follow(step)
        self._drifts.append(looked_up(look.moments, self._points.now_hw2) - self._first_hwC)
        self._known.append(self._points.known_hw)

    def place(self, name: str, /) -> Place | None:
        return Place.of_heat(*self._places[name]) if name in self._places else None

    def numbers(self) -> Numbers:
        known = np.stack(self._known)
        shares = known.reshape(len(known), -1).mean(axis=1)
        found = {"alive_end": float(shares[-1]), "alive_half": float(shares[len(shares) // 2])}
        for channel, name in enumerate(_NAMES):
            found |= self._drift(channel, name)
        return found

    def _drift(self, channel: int, name: str) -> Numbers:
        middle, high, low = [0.0], [0.0], [0.0]
        for drift, known in zip(self._drifts, self._known, strict=True):
            values = drift[..., channel][known]
            if values.size < _FEWEST_AGAINST_BEGINNING:
                break
            middle.append(float(np.median(values)))
            high.append(float(np.percentile(np.abs(values), 85)))
            low.append(float(np.percentile(np.abs(values), 30)))
        worst = int(np.argmax(np.abs(middle)))
        self._places |= {f"ref_{name}{end}": (worst, None) for end in ("", "_lo", "_down", "_up")}
        self._places[f"ref_{name}_hi"] = self._worst_part(int(np.argmax(high)), channel)
        course = np.array(middle[1:] or [0.0])
        found = {
            f"ref_{name}": float(np.abs(course).max()),
            f"ref_{name}_hi": max(high),
            f"ref_{name}_lo": max(low),
            f"ref_{name}_jit": float(np.abs(np.diff(course, 2)).mean()) if len(course) > 3 else 0.0,
        }
        if channel in (CONTRAST, DETAIL, CHROMA):
            found |= {f"ref_{name}_down": float(course.min()), f"ref_{name}_up": float(course.max())}
        return found

    def _worst_part(self, frame: int, channel: int) -> Heat:
        if not frame:
            return None, None
        assert self._points is not None
        return (frame, np.where(self._known[frame - 1], np.abs(self._drifts[frame - 1][..., channel]), 0))


class Evenness:
    """Follows points for eight frames at a time, and how far they leave one affine motion."""

    def __init__(self) -> None:
        self._points: Points | None = None
        self._steps = 0
        self._windows: list[Points] = []
        self._places: dict[str, Heat] = {}

    def see(self, look: Look, step: Step | None, /) -> None:
        if self._points is None:
            self._points = Points(look.gray_HW.shape, look.grid)
        if step is None:
            return
        self._points.follow(step)
        self._steps += 1
        if self._steps % _WINDOW == 0:
            self._windows.append(self._points)
            self._points = None

    def place(self, name: str, /) -> Place | None:
        return Place.of_heat(*self._places[name]) if name in self._places else None

    def numbers(self) -> Numbers:
        quarter, half, most, motion, bends, lasting = ([] for _ in range(6))
        before: np.ndarray | None = None
        for number, points in enumerate(self._windows):
            known = points.known_hw
            if known.sum() < _FEWEST_IN_A_WINDOW:
                before = None
                continue
            off_hw2 = _off_affine(points)
            off = np.linalg.norm(off_hw2[known], axis=1) * _TO_480_ROWS
            quarter.append(float(np.percentile(off, 25)))
            half.append(float(np.percentile(off, 50)))
            most.append(float(np.percentile(off, 90)))
            if most[-1] == max(most):
                self._places["geo_90"] = self._places["geo_tail"] = _worst_point(off_hw2, number)
            moved = points.now_hw2[known] - points.start_hw2[known]
            motion.append(float(np.median(np.linalg.norm(moved, axis=1)) * _TO_480_ROWS))
            bends.append(_bend(off_hw2))
            lasting.append(_likeness(off_hw2, before))
            before = off_hw2
        found = {
            "geo_25": _log_mean(quarter),
            "geo_50": _log_mean(half),
            "geo_90": _log_mean(most),
            "geo_jac": _log_mean([one for one in bends if one is not None]),
            "geo_per": float(np.mean([one for one in lasting if one is not None] or [0.0])),
            "geo_25min": float(log2(min(quarter, default=0.0), 0.1)),
            "geo_windows": len(quarter) / max(1, len(self._windows)),
        }
        found["geo_rel"] = found["geo_50"] - float(log2(float(np.mean(motion or [0.0])), 0.3))
        found["geo_tail"] = found["geo_90"] - found["geo_25"]
        return found if self._windows else {}


def _off_affine(points: Points) -> np.ndarray:
    """What an affine motion, fitted robustly, leaves of the points' motion: (h, w, 2), NaN where they are lost."""
    known = points.known_hw
    start = np.concatenate([points.start_hw2[known], np.ones((known.sum(), 1))], axis=1)
    moved = points.now_hw2[known] - points.start_hw2[known]
    trust = np.ones(len(start))
    left = moved
    for _ in range(_ROUNDS):
        fit = np.linalg.lstsq(start * trust[:, None], moved * trust[:, None], rcond=None)[0]
        left = moved - start @ fit
        trust = 1 / np.sqrt(np.linalg.norm(left, axis=1) + 0.1)
    off_hw2 = np.full((*known.shape, 2), np.nan)
    off_hw2[known] = left
    return off_hw2


def _bend(off_hw2: np.ndarray) -> float | None:
    """By how much neighbours are off each other, in pixels at 480 rows."""
    apart = np.concatenate([np.linalg.norm(np.diff(off_hw2, axis=axis), axis=-1).ravel() for axis in (0, 1)])
    apart = apart[np.isfinite(apart)]
    return float(np.median(apart)) * _TO_480_ROWS if apart.size else None


def _likeness(off_hw2: np.ndarray, before_hw2: np.ndarray | None) -> float | None:
    """How much the same places go on in the same direction from window to window, [-1, 1]."""
    if before_hw2 is None:
        return None
    both = np.isfinite(off_hw2[..., 0]) & np.isfinite(before_hw2[..., 0])
    if both.sum() <= 10:
        return None
    now, then = off_hw2[both], before_hw2[both]
    return float((now * then).sum() / (np.sqrt((now**2).sum() * (then**2).sum()) + 1))


def _worst_point(off_hw2: np.ndarray, number: int) -> Heat:
    return ((number + 1) * _WINDOW, np.nan_to_num(np.linalg.norm(off_hw2, axis=-1)))


def _log_mean(values: list[float]) -> float:
    return float(log2(float(np.mean(values or [0.0])), 0.1))
