"""The course of light, colour, detail and the camera over a clip: jumps, jitter, drifts, and clipped ends."""

from __future__ import annotations

import cv2
import numpy as np

from reelops.metrics.naturalness.look import Look, Numbers, log2
from reelops.metrics.place import Place
from reelops.metrics.view import Step

_SECOND = np.array([1, -2, 1], np.float32)
_NAMES = ("Y", "con", "det", "chr", "cr", "cb", "dmed", "fine", "white", "black")
_ALSO_MEAN = ("con", "det", "chr", "dmed", "fine", "white", "black")
_WHITE, _BLACK = 250, 5
_END = 5
_TO_480_ROWS = 3


class Course:
    """Follows a few numbers of each whole frame."""

    def __init__(self) -> None:
        self._frames: list[list[float]] = []
        self._moves: list[tuple[float, float]] = []
        self._places: dict[str, Place] = {}

    def see(self, look: Look, step: Step | None, /) -> None:
        gray, ycc = look.gray_HW, look.ycc_HWC
        self._frames.append(
            [
                float(gray.mean()),
                float(gray.std()),
                float(log2(look.edges_HW.mean(), 0.1)),
                float(look.chroma_HW.mean()),
                float(ycc[..., 1].mean()),
                float(ycc[..., 2].mean()),
                float(log2(np.median(look.detail_HW), 0.1)),
                _fine(look.luma_HW),
                float((gray > _WHITE).mean()),
                float((gray < _BLACK).mean()),
            ]
        )
        if step is not None:
            x, y = np.median(step.flow_HW2.reshape(-1, 2), axis=0) * _TO_480_ROWS
            self._moves.append((float(x), float(y)))

    def place(self, name: str, /) -> Place | None:
        return self._places.get(name)

    def numbers(self) -> Numbers:
        found = _shake(np.array(self._moves))
        frames = np.array(self._frames)
        for column, name in enumerate(_NAMES):
            values = frames[:, column]
            steps = np.abs(np.diff(values))
            self._places[f"g_{name}_jump"] = Place(int(np.argmax(steps)) + 1)
            self._places[f"g_{name}_range"] = Place(int(np.argmax(np.abs(values - np.median(values)))))
            self._places[f"g_{name}_end"] = Place(len(values) - 1)
            found |= {
                f"g_{name}_range": float(np.ptp(values)),
                f"g_{name}_jit": float(np.abs(np.diff(values, 2)).mean()) if len(values) > 2 else 0.0,
                f"g_{name}_jump": float(steps.max()),
                f"g_{name}_end": float(values[-_END:].mean() - values[:_END].mean()),
                f"g_{name}_mono": _steadiness(values),
            }
            if name in _ALSO_MEAN:
                found[f"g_{name}"] = float(values.mean())
        return found


def _fine(luma_HW: np.ndarray) -> float:
    """The logarithm of the finest detail and noise: Immerkaer's difference of Laplacians (1996)."""
    response = cv2.sepFilter2D(luma_HW, cv2.CV_16S, _SECOND, _SECOND)[1:-1, 1:-1]
    return float(log2(cv2.norm(response, cv2.NORM_L1) / response.size, 0.2))


def _shake(moves_T2: np.ndarray) -> Numbers:
    """How the camera jumps to and fro."""
    turns = np.linalg.norm(np.diff(moves_T2, axis=0), axis=1) if len(moves_T2) > 1 else np.zeros(1)
    usual = float(np.median(np.linalg.norm(moves_T2, axis=1)))
    back = (moves_T2[1:] * moves_T2[:-1]).sum(axis=1)
    return {
        "shake": float(log2(np.median(turns), 0.05)),
        "shake_rel": float(log2(np.median(turns), 0.1) - log2(usual, 0.2)),
        "shake_max": float(log2(turns.max(), 0.1)),
        "shake_back": float((back < -0.05).mean()) if back.size else 0.0,
    }


def _steadiness(values: np.ndarray) -> float:
    """How much of a course is a steady drift, [0, 1]."""
    if values.std() <= 1e-3:
        return 0.0
    return float(abs(np.corrcoef(np.linspace(-1, 1, len(values)), values)[0, 1]))
