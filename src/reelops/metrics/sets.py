"""Measures of many clips at once: how diverse they are, and how far one set is from another.

Each clip counts as one vector: its appearance, or the mean of its frames' embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reelops.errors import InputError

MIN_FOR_DISTANCE = 50
SAMPLES_PER_DIMENSION = 10
MAX_DIMENSIONS = 64
SHUFFLES = 200
_SEED = 7


@dataclass(frozen=True)
class SetMeasure:
    """A number about sets, and how many samples each set had; it depends on them."""

    value: float
    samples: tuple[int, ...]


@dataclass(frozen=True)
class SetDistance:
    """A Frechet distance, and what it would be if there were no difference.

    Attributes:
        value: along `dimensions` axes; 0 for equal distributions.
        by_chance: median distance of two sets of these sizes that are drawn from all clips together at random.
        chance_of_more: how often such sets are at least as far apart as these: below 0.05 the sets differ.
        dimensions: how many axes were compared.
        samples: clips in each set.
    """

    value: float
    by_chance: float
    chance_of_more: float
    dimensions: int
    samples: tuple[int, int]


def set_diversity(vectors_ND: np.ndarray) -> SetMeasure:
    """Mean cosine distance between two clips of a set, all pairs counted: [0, 2], in practice below 1.

    Higher is more diverse; 0 where all clips are alike. Blind to quality: noise is diverse.

    Raises:
        InputError: fewer than two clips.
    """
    count = len(vectors_ND)
    if count < 2:
        raise InputError(f"Diversity takes at least two clips; there is {count}. Give more.")
    total = _unit(vectors_ND).sum(axis=0)
    # The sum over all pairs of different clips, without a matrix of them.
    alike = (np.square(total).sum() - count) / (count * (count - 1))
    return SetMeasure(max(0.0, float(1 - alike)), (count,))


def diversity_error(vectors_ND: np.ndarray) -> float | None:
    """Standard error of `set_diversity` by the jackknife (Efron and Tibshirani 1993, ch. 11); None for fewer than 3."""
    count = len(vectors_ND)
    if count < 3:
        return None
    unit = _unit(vectors_ND)
    rest = unit.sum(axis=0) - unit
    without_one = (np.square(rest).sum(axis=1) - (count - 1)) / ((count - 1) * (count - 2))
    return float(np.sqrt((count - 1) * without_one.var()))


def frechet_distance(real_ND: np.ndarray, generated_ND: np.ndarray) -> SetMeasure:
    """Frechet distance between Gaussians fitted to two sets of vectors (Dowson and Landau 1982; Heusel et al. 2017).

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)); the trace of the root is the sum of the square roots of the eigenvalues
    of S1^(1/2) S2 S1^(1/2), which is symmetric, so nothing turns complex as `sqrtm(S1 S2)` may.

    Returns:
        0 for equal distributions; lower is better. It is biased upwards by few samples: compare only values over the
        same number of them, or see `compare_sets`. Sees two moments only.

    Raises:
        InputError: the dimensions differ, or there are not more samples than dimensions in each set, so that a
            covariance would be singular and the distance mean nothing.
    """
    if real_ND.ndim != 2 or generated_ND.ndim != 2 or real_ND.shape[1] != generated_ND.shape[1]:
        raise InputError(
            f"Vectors of one dimension can be compared; these are {real_ND.shape} and {generated_ND.shape}. "
            "Embed both sets with the same model."
        )
    dimensions = real_ND.shape[1]
    for vectors in (real_ND, generated_ND):
        if len(vectors) <= dimensions:
            raise InputError(
                f"A Frechet distance over {dimensions} dimensions takes more than {dimensions} samples a set; "
                f"one has {len(vectors)}. Give more clips, or fewer dimensions (`principal_axes`)."
            )
    means = [vectors.mean(axis=0) for vectors in (real_ND, generated_ND)]
    real, generated = (np.atleast_2d(np.cov(vectors, rowvar=False)) for vectors in (real_ND, generated_ND))
    root = _root(real)
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ generated @ root), 0)).sum()
    value = np.square(means[0] - means[1]).sum() + np.trace(real) + np.trace(generated) - 2 * cross
    return SetMeasure(float(max(value, 0.0)), (len(real_ND), len(generated_ND)))


def compare_sets(one_ND: np.ndarray, other_ND: np.ndarray) -> SetDistance:
    """Frechet distance along the principal axes of both sets together, beside what chance alone gives.

    As many axes as leave ten samples of the smaller set to each, at most 64. Two samples of one Gaussian with equal
    variances are then apart by 5 to 12% of its variance (about (2.5 + d / 2) / n of it); with as many samples as
    dimensions it would be more than half. A permutation test (Good, Permutation Tests, 2000, ch. 3) tells what that
    amounts to here: the clips of both sets are mixed and split again, 200 times.

    Raises:
        InputError: the dimensions differ, or a set has fewer than 50 samples, which leaves too few axes to tell much.
    """
    from scipy.stats import permutation_test  # takes half a second to import

    sizes = len(one_ND), len(other_ND)
    if min(sizes) < MIN_FOR_DISTANCE:
        raise InputError(
            f"a Frechet distance takes at least {MIN_FOR_DISTANCE} clips a set; here are {sizes[0]} and {sizes[1]}."
        )
    dimensions = min(one_ND.shape[1], MAX_DIMENSIONS, min(sizes) // SAMPLES_PER_DIMENSION)
    together = np.concatenate([one_ND, other_ND])
    seen = together @ principal_axes(together, dimensions)
    rows = np.arange(len(seen))
    shuffled = permutation_test(
        (rows[: sizes[0]], rows[sizes[0] :]),
        lambda ours, theirs: frechet_distance(seen[ours], seen[theirs]).value,
        vectorized=False,
        n_resamples=SHUFFLES,
        alternative="greater",
        rng=np.random.default_rng(_SEED),
    )
    by_chance = float(np.median(shuffled.null_distribution))
    return SetDistance(float(shuffled.statistic), by_chance, float(shuffled.pvalue), dimensions, sizes)


def principal_axes(vectors_ND: np.ndarray, dimensions: int) -> np.ndarray:
    """The (D, `dimensions`) axes along which a set varies most: `vectors @ axes` for two sets makes them comparable
    with fewer samples. Blind to differences along the other axes."""
    _, _, axes = np.linalg.svd(vectors_ND - vectors_ND.mean(axis=0), full_matrices=False)
    return axes[:dimensions].T


def _unit(vectors_ND: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    unit: np.ndarray = vectors_ND / np.maximum(lengths, np.finfo(float).tiny)
    return unit


def _root(covariance_DD: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance_DD)
    root: np.ndarray = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root
