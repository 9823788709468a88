"""How the model of natural clips is learnt, and what it is worth on faults that it has never seen.

Ranges are those of good clips. How much an oddness counts is learnt on faults by logistic regression with weights of at
least nought: no oddness ever speaks for a clip. So that the model does not mistake clips it knows for good ones, the
oddness of a clip is always measured by the ranges of others: sources are dealt out to folds, never frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from reelops.metrics.naturalness.model import Model, odd_sides

FOLDS = 8
GOOD = "good"

# Parts of good clips that lie outside a range, on each side; and how strongly weights are held down.
_OUTSIDE = 1.0
_RIDGE = 0.03
_LEAST_WIDTH_SHARE = 0.1
_NOTHING = 1e-6


@dataclass(frozen=True)
class Sample:
    """A clip that is known to be good, or to have a fault, and its numbers.

    Attributes:
        source: what it was made from; clips of one source are never on both sides of a test.
        family: of its fault; `good` where it has none.
        fault, strength: which fault, and which of its strengths, from 0; for good clips what was done to them.
        numbers: see `Drawers`.
    """

    source: str
    family: str
    fault: str
    strength: int
    numbers: Mapping[str, float]


@dataclass(frozen=True)
class Judged:
    """What a model that knew neither its source nor its family says of a sample."""

    sample: Sample
    p_value: float


def fit(samples: Sequence[Sample], seed: int = 0) -> Model:
    """A model that has learnt from all samples; good clips' sums are those by models that did not know their source.

    Raises:
        ValueError: there are fewer than two good sources, or no faults.
    """
    names = tuple(sorted(set.intersection(*(set(sample.numbers) for sample in samples))))
    table, is_good = _table(samples, names)
    folds = _folds(samples, seed)
    if len({sample.source for sample in samples if sample.family == GOOD}) < 2 or is_good.all():
        raise ValueError("good clips of at least two sources, and some faults, are wanted to learn from")
    odd = np.zeros((len(samples), 2 * len(names)))
    for fold in range(FOLDS):
        within = folds == fold
        odd[within] = np.hstack(odd_sides(table[within], *_ranges(table[is_good & ~within])))
    sums = np.zeros(len(samples))
    for fold in range(FOLDS):
        within = folds == fold
        sums[within] = odd[within] @ _weights(odd[~within], is_good[~within], samples, ~within)
    low, high, width = _ranges(table[is_good])
    weights = _weights(odd, is_good, samples, np.ones(len(samples), bool))
    below, above = weights[: len(names)], weights[len(names) :]
    used = (below > _NOTHING) | (above > _NOTHING)
    return Model(
        tuple(name for name, one in zip(names, used, strict=True) if one),
        low[used],
        high[used],
        width[used],
        below[used],
        above[used],
        *_shares(sums[is_good], [sample.source for sample in samples if sample.family == GOOD]),
    )


def leave_one_family_out(samples: Sequence[Sample], seed: int = 0) -> list[Judged]:
    """Every sample judged by a model that has seen neither its source nor, where it has a fault, its family.

    Good clips are judged once for each family, by the models that left it out.
    """
    folds = _folds(samples, seed)
    judged = []
    for family in sorted({sample.family for sample in samples} - {GOOD}):
        for fold in range(FOLDS):
            known = [
                sample for sample, its in zip(samples, folds, strict=True) if its != fold and sample.family != family
            ]
            asked = [
                sample
                for sample, its in zip(samples, folds, strict=True)
                if its == fold and sample.family in (family, GOOD)
            ]
            if asked:
                model = fit(known, seed)
                judged += [Judged(one, model.p_value(model.oddness(one.numbers)[0])) for one in asked]
    return judged


def _shares(sums: np.ndarray, sources: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Sums of good clips, ascending, and what share is at least as large; every source counts the same."""
    order = np.argsort(sums)
    counts = Counter(sources)
    share = np.array([1 / counts[source] for source in sources])[order] / len(counts)
    return sums[order], 1 - np.cumsum(share) + share


def _table(samples: Sequence[Sample], names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array([[sample.numbers[name] for name in names] for sample in samples], dtype=np.float64)
    return table, np.array([sample.family == GOOD for sample in samples])


def _folds(samples: Sequence[Sample], seed: int) -> np.ndarray:
    """The fold of each sample; clips of one source are in one."""
    sources = sorted({sample.source for sample in samples})
    deal = dict(zip(np.random.default_rng(seed).permutation(sources), range(len(sources)), strict=True))
    return np.array([deal[sample.source] % FOLDS for sample in samples])


def _ranges(good_BN: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    low, high = np.percentile(good_BN, [_OUTSIDE, 100 - _OUTSIDE], axis=0)
    return low, high, high - low + _LEAST_WIDTH_SHARE * good_BN.std(axis=0) + 1e-6


def _weights(odd_BM: np.ndarray, is_good_B: np.ndarray, samples: Sequence[Sample], among_B: np.ndarray) -> np.ndarray:
    """Logistic regression with weights of at least 0: good clips and faults count the same, and so do families."""
    families = np.array([sample.family for sample, one in zip(samples, among_B, strict=True) if one])
    count = np.array([(families == family).sum() for family in families])
    share = np.where(is_good_B, 0.5, 0.5 / max(1, len(set(families)) - 1)) / count
    sign = np.where(is_good_B, -1.0, 1.0)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = parameters[:-1], parameters[-1]
        margin = sign * (odd_BM @ weights + bias)
        value = float(share @ np.logaddexp(0, -margin)) + _RIDGE * float(weights @ weights)
        slope = -share * sign / (1 + np.exp(np.clip(margin, -50, 50)))
        return value, np.append(odd_BM.T @ slope + 2 * _RIDGE * weights, slope.sum())

    start = np.append(np.full(odd_BM.shape[1], 0.01), -1.0)
    bounds = [(0.0, None)] * odd_BM.shape[1] + [(None, None)]
    found: np.ndarray = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found[:-1]
