"""The gate held against people: how often both agree, and which limits would agree more."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reelops.gate.decision import Decision
from reelops.gate.limits import GateLimits, Limit
from reelops.gate.naturalness.report import wilson
from reelops.gate.verdict import judge
from reelops.metrics.scores import Scores
from reelops.params import MOST
from reelops.scoring.voting.votes import Vote

# A limit that people said nothing of stays; one is moved for so many clips at least, and never for a single opinion.
_LEAST_GAIN = 2
_FEWEST_CLIPS = 10
_FOLDS = 10


@dataclass(frozen=True)
class Opinion:
    """What people said of one clip: how many would use it, of how many that were asked."""

    usable: int
    of: int

    @property
    def majority(self) -> bool | None:
        """None where they are of two minds."""
        return None if 2 * self.usable == self.of else 2 * self.usable > self.of


@dataclass(frozen=True)
class Share:
    """So many of so many, and the 95% interval of the share."""

    hits: int
    of: int

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.hits, self.of)

    def to_json(self) -> dict[str, Any]:
        return {"hits": self.hits, "of": self.of, "interval": list(self.interval)}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.hits} of {self.of} ({low:.0%} to {high:.0%})"


@dataclass(frozen=True)
class Calibration:
    """How the gate and people agree.

    Attributes:
        voters, votes: how many.
        among_people: votes that are the majority's, of those on clips that several were asked of.
        agreed: clips that both would let through, or both hold back.
        held_back: clips that people would use and the gate holds back, of those that they would.
        let_through: clips that they would not use and the gate accepts, of those that they would not.
        pairs: preferred clips whose verdict is the better one, of pairs with a preference and different verdicts.
        changed: limits that agree with more votes, by metric; nothing where none does, or there are too few clips.
        agreed_then: with limits fitted to the other clips each time.
    """

    voters: int
    votes: int
    among_people: Share
    agreed: Share
    held_back: Share
    let_through: Share
    pairs: Share
    changed: Mapping[str, Limit]
    agreed_then: Share | None

    def to_json(self) -> dict[str, Any]:
        return {
            "voters": self.voters,
            "votes": self.votes,
            **{
                name: getattr(self, name).to_json()
                for name in ("among_people", "agreed", "held_back", "let_through", "pairs")
            },
            "changed": {name: limit.model_dump(exclude_defaults=True) for name, limit in self.changed.items()},
            "agreed_then": self.agreed_then.to_json() if self.agreed_then else None,
        }


def opinions(votes: Sequence[Vote]) -> dict[str, Opinion]:
    """By a clip's sha256."""
    answers: dict[str, list[bool]] = {}
    for vote in votes:
        answers.setdefault(vote.left_sha256, []).append(vote.left_usable)
        answers.setdefault(vote.right_sha256, []).append(vote.right_usable)
    return {sha256: Opinion(sum(said), len(said)) for sha256, said in answers.items()}


def calibrate(
    votes: Sequence[Vote],
    scores: Mapping[str, Scores],
    limits: GateLimits,
    of_some: Mapping[str, GateLimits] | None = None,
) -> Calibration:
    """How often the gate agrees with people, and limits that would agree more often.

    Args:
        scores: of clips, by their sha256; votes on others do not count.
        limits: the gate's.
        of_some: those of clips that others count for, such as finished ones; where these differ, they are not moved.
    """
    its = {sha256: (of_some or {}).get(sha256, limits) for sha256 in scores}
    votes = [vote for vote in votes if vote.left_sha256 in scores and vote.right_sha256 in scores]
    said = opinions(votes)
    decided = {sha256: opinion.majority for sha256, opinion in said.items() if opinion.majority is not None}
    verdicts = {sha256: judge(scores[sha256], its[sha256]).decision for sha256 in said}
    usable = np.array(list(decided.values()), dtype=bool)
    held = np.array([verdicts[sha256] is not Decision.ACCEPT for sha256 in decided], dtype=bool)
    fitting = _Fitting([scores[sha256] for sha256 in decided], usable, limits, [its[sha256] for sha256 in decided])
    several = [opinion for opinion in said.values() if opinion.of > 1]
    return Calibration(
        voters=len({vote.voter for vote in votes}),
        votes=len(votes),
        among_people=Share(
            sum(max(one.usable, one.of - one.usable) for one in several), sum(one.of for one in several)
        ),
        agreed=_share(usable != held),
        held_back=_share(held[usable]),
        let_through=_share(~held[~usable]),
        pairs=_pairs(votes, verdicts),
        changed=fitting.fitted(np.ones(len(usable), dtype=bool)),
        agreed_then=fitting.cross_validated(),
    )


def _share(hits: np.ndarray) -> Share:
    return Share(int(hits.sum()), len(hits))


def _pairs(votes: Sequence[Vote], verdicts: Mapping[str, Decision]) -> Share:
    right = total = 0
    for vote in votes:
        left, other = verdicts[vote.left_sha256].severity, verdicts[vote.right_sha256].severity
        if vote.better != "same" and left != other:
            total += 1
            right += (left < other) == (vote.better == "left")
    return Share(right, total)


class _Fitting:
    """Moves one review limit at a time, as long as that agrees with two people's clips more."""

    def __init__(
        self, scores: Sequence[Scores], usable: np.ndarray, limits: GateLimits, its: Sequence[GateLimits]
    ) -> None:
        self._usable, self._limits = usable, limits
        self._scores, self._its = scores, its
        self._values = {
            name: np.array([np.nan if (value := one.get(name)) is None else value for one in scores], dtype=np.float64)
            for name in limits.metrics
        }
        self._asked = {name: self._counts(name) for name in limits.metrics}

    def _counts(self, name: str) -> np.ndarray:
        """Of which clips the metric is asked by this limit: not of those that are excused, or have another one."""
        everything = Limit(review_below=MOST)
        limit = self._limits.metrics[name].model_copy(update=everything.model_dump(exclude_defaults=True))
        alone = replace(self._limits, metrics={name: limit})
        return np.array(
            [
                its.metrics[name] == self._limits.metrics[name]
                and any(reason.metric == name for reason in judge(one, alone).reasons)
                for one, its in zip(self._scores, self._its, strict=True)
            ],
            dtype=bool,
        )

    def fitted(self, within: np.ndarray) -> dict[str, Limit]:
        """Limits that differ, fitted to those clips."""
        changed: dict[str, Limit] = {}
        if within.sum() < _FEWEST_CLIPS:
            return changed
        by_metric = self._held_by_metric()
        elsewhere = {name: held & ~self._asked[name] for name, held in by_metric.items() if name in self._asked}
        while True:
            best_gain, best = _LEAST_GAIN - 1, None
            now = self._agreeing(by_metric, within)
            for name in self._limits.metrics:
                others = np.any([held for other, held in by_metric.items() if other != name], axis=0)
                for limit, held in self._moved(name, changed.get(name, self._limits.metrics[name]), within):
                    held = held | elsewhere[name]
                    gain = int((((others | held) != self._usable) & within).sum()) - now
                    if gain > best_gain:
                        best_gain, best = gain, (name, limit, held)
            if best is None:
                return changed
            name, limit, held = best
            changed[name], by_metric[name] = limit, held

    def cross_validated(self) -> Share | None:
        """Agreement on clips that limits were not fitted to; None where there are too few."""
        count = len(self._usable)
        if count < 2 * _FEWEST_CLIPS:
            return None
        folds = np.random.default_rng(0).permutation(count) % _FOLDS
        hits = 0
        for fold in range(_FOLDS):
            mine = folds == fold
            moved = self.fitted(~mine)
            for place in np.flatnonzero(mine):
                its = self._its[int(place)].metrics
                shared = {name: limit for name, limit in moved.items() if its[name] == self._limits.metrics[name]}
                limits = replace(self._limits, metrics={**its, **shared})
                held = judge(self._scores[int(place)], limits).decision is not Decision.ACCEPT
                hits += bool(held != self._usable[place])
        return Share(hits, count)

    def _held_by_metric(self) -> dict[str, np.ndarray]:
        """Which clips each reason holds back."""
        held: dict[str, np.ndarray] = {name: np.zeros(len(self._usable), dtype=bool) for name in self._limits.metrics}
        for place, (scores, limits) in enumerate(zip(self._scores, self._its, strict=True)):
            for reason in judge(scores, limits).reasons:
                held.setdefault(reason.metric, np.zeros(len(self._usable), dtype=bool))[place] = True
        return held

    def _agreeing(self, by_metric: Mapping[str, np.ndarray], within: np.ndarray) -> int:
        held = np.any(list(by_metric.values()), axis=0)
        return int(((held != self._usable) & within).sum())

    def _moved(self, name: str, limit: Limit, within: np.ndarray) -> list[tuple[Limit, np.ndarray]]:
        """The limit at every place between two clips' values, on the sides where people look, and whom it holds."""
        values = self._values[name]
        known = np.unique(values[within & np.isfinite(values)])
        between = [float(f"{(low + high) / 2:.4g}") for low, high in itertools.pairwise(known)]
        found = []
        for side in ("review_below", "review_above"):
            if getattr(limit, side) is None:
                continue
            for at in between:
                try:
                    moved = Limit.model_validate({**limit.model_dump(), side: at})
                except ValueError:  # beyond what is rejected
                    continue
                found.append((moved, self._held(values, moved) & self._asked[name]))
        return found

    @staticmethod
    def _held(values: np.ndarray, limit: Limit) -> np.ndarray:
        low, high = limit.accepted
        held = np.zeros(len(values), dtype=bool)
        if low is not None:
            held |= values < low
        if high is not None:
            held |= values > high
        return held
