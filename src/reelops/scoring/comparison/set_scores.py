"""What a set of clips is as a whole: how diverse, and how far from another set; by every kind of features clips have.

A number that cannot be had says why. What it rests on is always said beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from reelops.errors import InputError
from reelops.metrics.sets import compare_sets, diversity_error, set_diversity
from reelops.scoring.scored_clip import ScoredClip

SetMetric = Literal["set_diversity", "frechet_distance"]

FEATURES: Mapping[str, str] = MappingProxyType(
    {
        "appearance": "colour and layout",
        "dino": "DINO, mean of the frames",
        "clip": "CLIP, mean of the frames",
    }
)
"""What features rest on, for people."""

_ASKED_BY = MappingProxyType({"dino": "subject_consistency", "clip": "background_consistency"})
_SURE = 0.05


@dataclass(frozen=True)
class SetScore:
    """A number about a set of clips, or about two.

    Attributes:
        features: what it rests on: a name of `FEATURES`.
        value: None where it cannot be had.
        samples: clips of each set that have such features.
        finding: what can be said of the number, or `not available: ` and why there is none.
        details: numbers that belong to it, by name.
    """

    metric: SetMetric
    features: str
    value: float | None
    samples: tuple[int, ...]
    finding: str
    details: Mapping[str, float]

    @property
    def wanted(self) -> bool:
        """Whether it is to be shown: what rests on features that nobody asked for is nobody's loss."""
        return self.value is not None or any(self.samples) or self.features not in _ASKED_BY

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "details": dict(self.details), "samples": list(self.samples)}


def diversity_of(clips: Sequence[ScoredClip]) -> tuple[SetScore, ...]:
    """How diverse clips are, by each kind of features."""
    return tuple(_score("set_diversity", name, [clips], _diversity) for name in FEATURES)


def distance_between(one: Sequence[ScoredClip], other: Sequence[ScoredClip]) -> tuple[SetScore, ...]:
    """How far apart two sets are, by each kind of features; nothing needs to be paired."""
    return tuple(_score("frechet_distance", name, [one, other], _distance) for name in FEATURES)


_Found = tuple[float, str, dict[str, float]]


def _score(
    metric: SetMetric, features: str, sets: Sequence[Sequence[ScoredClip]], measure: Callable[..., _Found]
) -> SetScore:
    vectors = [_vectors(clips, features) for clips in sets]
    samples = tuple(len(each) for each in vectors)
    try:
        _check_features(features, sets, samples)
        value, finding, details = measure(*vectors)
    except InputError as error:
        return SetScore(metric, features, None, samples, f"not available: {error}", {})
    return SetScore(metric, features, value, samples, finding, details)


def _vectors(clips: Sequence[ScoredClip], features: str) -> np.ndarray:
    known = (clip.scores.features.get(features) for clip in clips if clip.scores)
    return np.array([vector for vector in known if vector is not None])


def _check_features(features: str, sets: Sequence[Sequence[ScoredClip]], samples: Sequence[int]) -> None:
    """Where features lack, it is no lack of clips.

    Raises:
        InputError: they lack, and how they can be had.
    """
    for clips, count in zip(sets, samples, strict=True):
        if count or not any(clip.scores for clip in clips):
            continue
        if features in _ASKED_BY:
            raise InputError(
                f"no {features.upper()} features; set score.weights.{features} in params.yaml, and ask with "
                f"--also {_ASKED_BY[features]}."
            )
        raise InputError("the clips were scored before such features were kept; score them again with --fresh.")


def _diversity(vectors_ND: np.ndarray) -> _Found:
    value, error = set_diversity(vectors_ND).value, diversity_error(vectors_ND)
    if error is None:
        return value, "0 where all are alike", {}
    return value, f"give or take {error:.2g}; 0 where all are alike", {"standard_error": error}


def _distance(one_ND: np.ndarray, other_ND: np.ndarray) -> _Found:
    found = compare_sets(one_ND, other_ND)
    differ = "the sets differ" if found.chance_of_more < _SURE else "no difference shown"
    chance = f"{found.by_chance:.3g} by chance, as far or farther with probability {found.chance_of_more:.2g}"
    details = {
        "by_chance": found.by_chance,
        "chance_of_more": found.chance_of_more,
        "dimensions": float(found.dimensions),
    }
    return found.value, f"{differ}: {chance}, along {found.dimensions} axes", details
