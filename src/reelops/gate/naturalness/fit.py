"""How the model of natural clips is learnt, and what it is worth on faults that it has never seen.

Ranges are those of good clips. How much a kind of oddness counts is learnt on faults by logistic regression with
weights of at least nought: no oddness ever speaks for a clip. So that the model does not mistake clips it knows for
good ones, the oddness of a clip is always measured by the ranges of other sources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from reelops.errors import InputError
from reelops.metrics.naturalness.kinds import KINDS
from reelops.metrics.naturalness.model import GIVEN, Given, Model, Ranges, by_kind

FOLDS = 12
GOOD = "good"
FEWEST_SOURCES = 3
TOO_LITTLE = (
    f"That is too little to learn from: good clips of {FEWEST_SOURCES} sources, and faults of two families, are the "
    "least. Give more clips, or more --faults."
)

# Percent of good clips that lie outside a range, on each side, and percent that reach no more of a kind.
_OUTSIDE = 1.0
_REACHED = 98.0
_LEAST_WIDTH_SHARE = 0.1
_LEAST_UNIT = 0.25
_SLOPE_RIDGE = 1.0

# How strongly weights are drawn, and towards what.
_RIDGE = 0.03
_PRIOR = 0.1


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
        InputError: there is too little to learn from.
    """
    if len(_good_sources(samples)) < 2 or all(sample.family == GOOD for sample in samples):
        raise InputError(TOO_LITTLE)
    names = tuple(sorted(set.intersection(*(set(sample.numbers) for sample in samples))))
    if not names:
        raise InputError("These samples have no number in common. Measure all of the clips anew.")
    values = np.array([[sample.numbers[name] for name in names] for sample in samples], dtype=np.float64)
    is_good = np.array([sample.family == GOOD for sample in samples])
    sources = np.array([sample.source for sample in samples])
    kinds = np.zeros((len(samples), len(KINDS)))
    for source in set(sources):
        within = sources == source
        others = is_good & ~within
        kinds[within] = by_kind(_ranges(values[others], names, sources[others]).odd(values[within]), names)
    folds, sums = _folds(samples, seed), np.zeros(len(samples))
    for fold in range(FOLDS):
        within = folds == fold
        known = [sample for sample, its in zip(samples, folds, strict=True) if its != fold]
        sums[within] = kinds[within] @ _weights(kinds[~within], known)
    good_G, share_G = _shares(sums[is_good], [sample.source for sample in samples if sample.family == GOOD])
    ranges = _ranges(values[is_good], names, sources[is_good])
    return Model(ranges, _weights(kinds, samples), good_G, share_G)


def leave_one_family_out(samples: Sequence[Sample], seed: int = 0) -> list[Judged]:
    """Every sample judged by a model that has seen neither its source nor, where it has a fault, its family.

    Good clips are judged once for each family, by the models that left it out.

    Raises:
        InputError: there is too little to learn from once one is left out.
    """
    families = {sample.family for sample in samples} - {GOOD}
    if len(_good_sources(samples)) < FEWEST_SOURCES or len(families) < 2:
        raise InputError(TOO_LITTLE)
    folds = _folds(samples, seed)
    judged = []
    for family in sorted(families):
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


def _good_sources(samples: Sequence[Sample]) -> set[str]:
    return {sample.source for sample in samples if sample.family == GOOD}


def _shares(sums: np.ndarray, sources: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Sums of good clips, ascending, and what share is at least as large; every source counts the same."""
    order = np.argsort(sums)
    counts = Counter(sources)
    share = np.array([1 / counts[source] for source in sources])[order] / len(counts)
    return sums[order], 1 - np.cumsum(share) + share


def _folds(samples: Sequence[Sample], seed: int) -> np.ndarray:
    """The fold of each sample; clips of one source are in one."""
    sources = sorted({sample.source for sample in samples})
    deal = dict(zip(np.random.default_rng(seed).permutation(sources), range(len(sources)), strict=True))
    return np.array([deal[sample.source] % FOLDS for sample in samples])


def _ranges(good_BN: np.ndarray, names: tuple[str, ...], source_B: np.ndarray) -> Ranges:
    given = _given(good_BN, good_BN[:, names.index(GIVEN)], source_B) if GIVEN in names else None
    return Ranges(names, *_range(good_BN), given=given)


def _range(good_BN: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low, high and width."""
    low, high = np.percentile(good_BN, [_OUTSIDE, 100 - _OUTSIDE], axis=0)
    return low, high, high - low + _LEAST_WIDTH_SHARE * good_BN.std(axis=0) + 1e-6


def _given(good_BN: np.ndarray, given_B: np.ndarray, source_B: np.ndarray) -> Given:
    """Ranges of what is left by ridge regression on `GIVEN`, in which every source counts the same."""
    counts = Counter(source_B)
    weight_B = np.array([1 / counts[source] for source in source_B])
    centre, spread = float(given_B.mean()), float(given_B.std()) + 1e-6
    terms = np.stack([np.ones(len(given_B)), (given_B - centre) / spread], axis=1)
    weighted = terms * weight_B[:, None]
    _, slope_N = np.linalg.solve(terms.T @ weighted + np.diag([0.0, _SLOPE_RIDGE]), weighted.T @ good_BN)
    left_BN = good_BN - terms[:, 1:] * slope_N
    return Given(centre, spread, slope_N, *_range(left_BN))


def _weights(kinds_BK: np.ndarray, samples: Sequence[Sample]) -> np.ndarray:
    """How much the sum of each kind counts, from 0: logistic regression on sums in units of what good clips reach.

    Good clips and faults count the same, and so do families of faults. Weights are drawn towards a small one, so that a
    kind of which none of these faults speaks counts, too.
    """
    families = [sample.family for sample in samples]
    counts = Counter(families)
    is_good = np.array([family == GOOD for family in families])
    share = np.array([0.5 / counts[one] / (1 if one == GOOD else len(counts) - 1) for one in families])
    sign = np.where(is_good, -1.0, 1.0)
    unit_K = np.percentile(kinds_BK[is_good], _REACHED, axis=0) + _LEAST_UNIT
    scaled = kinds_BK / unit_K

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = parameters[:-1], parameters[-1]
        margin = sign * (scaled @ weights + bias)
        off = weights - _PRIOR
        slope = -share * sign / (1 + np.exp(np.clip(margin, -50, 50)))
        value = float(share @ np.logaddexp(0, -margin)) + _RIDGE * float(off @ off)
        return value, np.append(scaled.T @ slope + 2 * _RIDGE * off, slope.sum())

    start = np.append(np.full(len(KINDS), _PRIOR), -1.0)
    bounds = [(0.0, None)] * len(KINDS) + [(None, None)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    weights_K: np.ndarray = found[:-1] / unit_K
    return weights_K
