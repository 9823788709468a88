"""Whether moments come back: loops, to and fro, leaps, and frames that are mixtures of others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reelops.metrics.naturalness.look import Look, Numbers, log2
from reelops.metrics.place import Place
from reelops.metrics.view import Step

# Neighbours are alike anyway.
_NEAR = 4
_FEWEST_PAIRS = 6
_MOST_PAIRS = 16
_STILL = 0.08


class Repeats:
    """Keeps a thumbnail of each frame, and compares all with all."""

    def __init__(self) -> None:
        self._thumbs: list[np.ndarray] = []
        self._leap = Place()

    def see(self, look: Look, _: Step | None, /) -> None:
        self._thumbs.append(look.view.thumb_HW.ravel())

    def place(self, name: str, /) -> Place | None:
        return self._leap if name in ("jump", "jump2") else None

    def numbers(self) -> Numbers:
        thumbs = np.stack(self._thumbs)
        apart, num = _distances(thumbs), len(thumbs)
        one, two = np.diag(apart, 1), np.diag(apart, 2)
        usual = float(np.median(one)) + 0.15
        self._leap = Place(int(np.argmax(one)) + 1)
        lags = [np.diag(apart, lag) / usual for lag in range(_NEAR, num // 2 + 1)]
        nearest = np.where(_far_apart(num), apart, np.inf).min(axis=1)
        nearest = nearest[np.isfinite(nearest)] if np.isfinite(nearest).any() else np.full(1, usual)
        found = {
            "loop": _log(min((float(np.median(lag)) for lag in lags), default=1.0)),
            "loop20": _log(min((float(np.percentile(lag, 20)) for lag in lags), default=1.0)),
            "pingpong": _log(min((float(np.median(pairs)) / usual for pairs in _about_turns(apart)), default=1.0)),
            "near_min": _log(float(np.percentile(nearest, 5)) / usual),
            "near_med": _log(float(np.median(nearest)) / usual),
            "jump": float(log2(one.max() / usual)),
            "jump2": float(log2(np.sort(one)[-min(3, len(one))] / usual)),
            "still": float((one < _STILL).mean()),
            "span": float(log2(apart.max() / usual)),
            "first_last": float(log2(apart[0, -1] / usual)),
        }
        return found | (_neighbours(thumbs, one, two, usual) if num > 2 else {})


def _neighbours(thumbs: np.ndarray, one: np.ndarray, two: np.ndarray, usual: float) -> Numbers:
    middle = np.sqrt(((thumbs[1:-1] - (thumbs[:-2] + thumbs[2:]) / 2) ** 2).mean(axis=1))
    return {
        "lag2": _log(float(np.median(two)) / usual),
        "lag2min": _log(float(np.percentile(two / (np.minimum(one[:-1], one[1:]) + 0.15), 10))),
        "lag2lt": float((two < np.maximum(one[:-1], one[1:]) * 0.9).mean()),
        "mid": float(log2(np.median(middle / (two + 0.3)), 0.02)),
    }


def _distances(thumbs_TN: np.ndarray) -> np.ndarray:
    """Root mean square difference of every two, in grey levels."""
    squares = (thumbs_TN**2).sum(axis=1)
    apart = (squares[:, None] + squares - 2 * thumbs_TN @ thumbs_TN.T) / thumbs_TN.shape[1]
    distances: np.ndarray = np.sqrt(np.maximum(apart, 0))
    return distances


def _about_turns(apart_TT: np.ndarray) -> Iterator[np.ndarray]:
    """For each moment the distances of pairs as far before as after it, the farthest ones."""
    num = len(apart_TT)
    for double in range(_MOST_PAIRS, 2 * num - _MOST_PAIRS - 1):
        before = np.arange(max(0, double - num + 1), (double + 1) // 2)
        after = double - before
        far = (after - before) >= _NEAR
        if far.sum() >= _FEWEST_PAIRS:
            yield apart_TT[before[far], after[far]][-_MOST_PAIRS:]


def _far_apart(num: int) -> np.ndarray:
    numbers = np.arange(num)
    return np.abs(np.subtract.outer(numbers, numbers)) >= _NEAR


def _log(value: float) -> float:
    return float(log2(value, 0.05))
