"""Two folders of clips compared in pairs: what changed, how surely, and whether for the better.

Clips of the same name belong together (the same picture, prompt and seed, made in two ways). Comparing within pairs
takes out what clips differ by anyway. Each metric's mean difference gets a 95% interval by the percentile bootstrap
over pairs (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, ch. 13). With few pairs such intervals are
somewhat too narrow; below six there is none.

What the sets are as a whole needs no pairs, and counts all clips of both.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from reelops.errors import InputError
from reelops.metrics.catalogue import METRICS
from reelops.scoring.comparison.set_scores import SetScore, distance_between, diversity_of
from reelops.scoring.scored_clip import ScoredClip

Finding = Literal["better", "worse", "higher", "lower", "no difference shown", "too few pairs"]

LEAST_PAIRS = 6
RESAMPLES = 10_000
CONFIDENCE = 0.95
_SEED = 20_000
# Resamples at once: of a thousand pairs they take 4 MB.
_BATCH = 500


@dataclass(frozen=True)
class Pair:
    """The same clip made in two ways.

    Attributes:
        name: what both are called, relative to their folders and without the ending.
        new: the one in question.
        old: the one it is compared with.
    """

    name: str
    new: ScoredClip
    old: ScoredClip


@dataclass(frozen=True)
class Difference:
    """One metric over all pairs in which both clips have it.

    Attributes:
        metric: a name of `METRICS`.
        num_pairs: at least one.
        new_mean, old_mean: over these pairs.
        mean: of new minus old.
        low, high: of its 95% interval; None with fewer than `LEAST_PAIRS` pairs.
        spread: standard deviation of the old values, for putting metrics beside each other; 0 where they are all equal.
        finding: what can be said; `higher` and `lower` where neither is better as such.
    """

    metric: str
    num_pairs: int
    new_mean: float
    old_mean: float
    mean: float
    low: float | None
    high: float | None
    spread: float
    finding: Finding


@dataclass(frozen=True)
class Comparison:
    """What `compare` finds.

    Attributes:
        pairs: clips that are in both folders.
        only_new, only_old: names of those that are in one.
        differences: by metric, in the order of `METRICS`; metrics that no pair has are left out.
        new_diversity, old_diversity, distances: of all clips of both sets, by each kind of features.
    """

    pairs: tuple[Pair, ...]
    only_new: tuple[str, ...]
    only_old: tuple[str, ...]
    differences: tuple[Difference, ...]
    new_diversity: tuple[SetScore, ...] = ()
    old_diversity: tuple[SetScore, ...] = ()
    distances: tuple[SetScore, ...] = ()


def compare(
    new: Sequence[ScoredClip], old: Sequence[ScoredClip], new_root: Path | None, old_root: Path | None
) -> Comparison:
    """Pairs up two sets of clips and compares every metric.

    Args:
        new_root, old_root: folders that names are relative to; None goes by the file's name alone.

    Raises:
        InputError: no two clips have the same name, or several clips of one set do.
    """
    new_by_name, old_by_name = _by_name(new, new_root), _by_name(old, old_root)
    names = [name for name in new_by_name if name in old_by_name]
    if not names:
        raise InputError(
            f"no clip is in both places; clips are paired by name, such as {next(iter(new_by_name))} and "
            f"{next(iter(old_by_name))}. Give the same clip the same name in both folders."
        )
    found = compare_pairs([Pair(name, new_by_name[name], old_by_name[name]) for name in names])
    return replace(
        found,
        only_new=tuple(name for name in new_by_name if name not in old_by_name),
        only_old=tuple(name for name in old_by_name if name not in new_by_name),
        new_diversity=diversity_of(new),
        old_diversity=diversity_of(old),
        distances=distance_between(new, old),
    )


def compare_pairs(pairs: Sequence[Pair]) -> Comparison:
    """Compares every metric over pairs that are known to belong together."""
    return Comparison(tuple(pairs), (), (), tuple(found for name in METRICS if (found := _difference(name, pairs))))


def bootstrap_interval(differences: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean; the same numbers give the same interval."""
    from scipy.stats import bootstrap  # takes half a second to import

    found = bootstrap(
        (differences,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=_BATCH,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(_SEED),
    ).confidence_interval
    return float(found.low), float(found.high)


def _by_name(clips: Sequence[ScoredClip], root: Path | None) -> dict[str, ScoredClip]:
    named: dict[str, ScoredClip] = {}
    for clip in clips:
        place = clip.path.relative_to(root) if root else Path(clip.path.name)
        name = unicodedata.normalize("NFC", place.with_suffix("").as_posix())  # macOS writes é in two letters
        if name in named:
            raise InputError(f"{named[name].path} and {clip.path} have the same name; rename one, or leave it out.")
        named[name] = clip
    return named


def _difference(metric: str, pairs: Sequence[Pair]) -> Difference | None:
    both = [
        (pair.new.scores[metric], pair.old.scores[metric])
        for pair in pairs
        if pair.new.scores and pair.old.scores and metric in pair.new.scores and metric in pair.old.scores
    ]
    values = np.array([(new, old) for new, old in both if new is not None and old is not None], dtype=np.float64)
    if not len(values):
        return None
    new, old = values.T
    interval = bootstrap_interval(new - old) if len(values) >= LEAST_PAIRS else None
    return Difference(
        metric=metric,
        num_pairs=len(values),
        new_mean=float(new.mean()),
        old_mean=float(old.mean()),
        mean=float((new - old).mean()),
        low=interval[0] if interval else None,
        high=interval[1] if interval else None,
        spread=float(old.std(ddof=1)) if len(values) > 1 else 0.0,
        finding=_finding(metric, interval),
    )


def _finding(metric: str, interval: tuple[float, float] | None) -> Finding:
    if interval is None:
        return "too few pairs"
    low, high = interval
    if low <= 0 <= high:
        return "no difference shown"
    higher = low > 0
    direction = METRICS[metric].direction
    if direction == "in between is better":
        return "higher" if higher else "lower"
    return "better" if higher == (direction == "higher is better") else "worse"
