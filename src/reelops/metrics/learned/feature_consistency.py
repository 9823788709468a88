"""Consistency of features: does the clip stay about the same thing, and about the picture it started from?

VBench's formulas (Huang et al. 2024); s+(a, b) is the cosine of two embeddings, negative ones taken as 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reelops.metrics.learned.embedding import Embedder
from reelops.metrics.metric import Metric
from reelops.metrics.tracker import Measure
from reelops.metrics.view import Step, View

_DIGITS = 6


SUBJECT_CONSISTENCY = Metric(
    name="subject_consistency",
    title="Subject consistency (DINO)",
    unit="",
    direction="higher is better",
    section="By a network",
    description="VBench's formula over DINO's class tokens",
    blind_to="flicker, noise, drift; values crowd near 1",
    high=1,
)
BACKGROUND_CONSISTENCY = Metric(
    name="background_consistency",
    title="Background consistency (CLIP)",
    unit="",
    direction="higher is better",
    section="By a network",
    description="VBench's formula over CLIP's image embeddings",
    blind_to="flicker, noise, drift; values crowd near 1",
    high=1,
)
PICTURE_CONSISTENCY = Metric(
    name="picture_consistency",
    title="Consistency with the picture (DINO)",
    unit="",
    direction="higher is better",
    section="By a network",
    description="VBench-I2V's i2v_subject; measured beside `subject_consistency` where there is a picture",
    blind_to="drifting away after a good start",
    high=1,
)


def alikeness(one: np.ndarray, other: np.ndarray) -> float:
    """s+ of two unit vectors: [0, 1]."""
    return max(0.0, float(np.dot(one.astype(np.float64), other.astype(np.float64))))


def frame_consistency(to_previous: Sequence[float], to_first: Sequence[float]) -> float:
    """Mean over frames from the second on of half their alikeness to the frame before and half that to the first.

    `subject_consistency` with DINO's embeddings, `background_consistency` with CLIP's. Range [0, 1], higher is more
    consistent; frozen clips score 1, and values crowd near 1: differences of 0.01 count. Blind to anything that an
    embedding forgives: flicker, noise, small distortions.
    """
    return float((np.mean(to_previous) + np.mean(to_first)) / 2)


def picture_consistency(to_picture: Sequence[float], to_previous: Sequence[float]) -> float:
    """VBench-I2V's i2v_subject: 0.4 max alikeness to the picture + 0.3 mean + 0.3 min of that of neighbouring frames.

    Range [0, 1], higher is better. The maximum means that drifting away from the picture is hardly punished.
    """
    return float(0.4 * np.max(to_picture) + 0.3 * np.mean(to_previous) + 0.3 * np.min(to_previous))


class FeatureConsistency:
    """Follows a clip's embeddings; keeps the first, the last, their sum, and two or three numbers per frame.

    Args:
        name: `subject_consistency` or `background_consistency`.
        kind: what the clip's mean embedding is called among its features: `dino` or `clip`.
        embedder: DINO's or CLIP's.
        how: which weights they are.
        picture_HWC: for `picture_consistency` beside it; RGB uint8.
    """

    def __init__(
        self, name: str, kind: str, embedder: Embedder, how: str, picture_HWC: np.ndarray | None = None
    ) -> None:
        self._name, self._kind, self._embedder, self._how = name, kind, embedder, how
        self._total, self._count = np.zeros(embedder.dimensions), 0
        self._picture = None if picture_HWC is None else embedder.embed(picture_HWC)
        self._first: np.ndarray | None = None
        self._last: np.ndarray | None = None
        self._to_first: list[float] = []
        self._to_previous: list[float] = []
        self._to_picture: list[float] = []

    def see(self, view: View, _: Step | None, /) -> None:
        vector = self._embedder.embed(view.frame_HWC)
        self._total += vector
        self._count += 1
        if self._picture is not None:
            self._to_picture.append(alikeness(vector, self._picture))
        if self._first is None or self._last is None:
            self._first = vector
        else:
            self._to_first.append(alikeness(vector, self._first))
            self._to_previous.append(alikeness(vector, self._last))
        self._last = vector

    def measures(self) -> dict[str, Measure]:
        value = frame_consistency(self._to_previous, self._to_first)
        found = {self._name: Measure(value, self._how, series=tuple(self._to_previous))}
        if self._to_picture:
            value = picture_consistency(self._to_picture, self._to_previous)
            found["picture_consistency"] = Measure(value, self._how, series=tuple(self._to_picture))
        return found

    def features(self) -> dict[str, tuple[float, ...]]:
        """The mean of the frames' embeddings."""
        return {self._kind: tuple(np.round(self._total / self._count, _DIGITS).tolist())}
