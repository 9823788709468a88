"""Measures of sets against closed forms and slow sums."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from reelops.errors import InputError
from reelops.metrics.sets import (
    MIN_FOR_DISTANCE,
    compare_sets,
    diversity_error,
    frechet_distance,
    principal_axes,
    set_diversity,
)


def test_frechet_distance_of_gaussians_with_diagonal_covariance_has_a_closed_form() -> None:
    rng = np.random.default_rng(0)
    # Samples whose mean and covariance are exactly these: white ones are whitened to the last digit first.
    white = rng.normal(size=(500, 4))
    white -= white.mean(axis=0)
    white = white @ np.linalg.inv(np.linalg.cholesky(np.cov(white, rowvar=False))).T
    means, spreads = np.array([[0, 1, 2, 3], [1, 1, 0, 5.0]]), np.array([[1, 2, 3, 4], [2, 2, 1, 0.5]])
    one, other = (white * spread + mean for mean, spread in zip(means, spreads, strict=True))
    expected = ((means[0] - means[1]) ** 2).sum() + ((spreads[0] - spreads[1]) ** 2).sum()
    measure = frechet_distance(one, other)
    assert measure.value == pytest.approx(expected)
    assert measure.samples == (500, 500)


def test_frechet_distance_agrees_with_scipys_matrix_root() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(1)
    one = rng.normal(size=(60, 8)) @ rng.normal(size=(8, 8))
    other = rng.normal(size=(50, 8)) @ rng.normal(size=(8, 8)) + 0.5
    covariances = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(one, other).value == pytest.approx(expected)
    assert frechet_distance(one, one).value == pytest.approx(0, abs=1e-9)


def test_too_few_samples_are_refused_with_the_number_wanted() -> None:
    vectors = np.random.default_rng(0).normal(size=(8, 8))
    with pytest.raises(InputError, match="takes more than 8 samples a set; one has 8"):
        frechet_distance(vectors, vectors)
    few = vectors @ principal_axes(vectors, 3)
    assert frechet_distance(few, few).value == pytest.approx(0, abs=1e-9)
    with pytest.raises(InputError, match=r"\(8, 8\) and \(8, 3\)"):
        frechet_distance(vectors, few)


def test_diversity_is_the_mean_cosine_distance_of_all_pairs() -> None:
    vectors = np.random.default_rng(0).normal(size=(7, 5))
    distances = [
        1 - one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
        for one, other in itertools.combinations(vectors, 2)
    ]
    measure = set_diversity(vectors)
    assert measure.value == pytest.approx(np.mean(distances)) and measure.samples == (7,)
    assert set_diversity(vectors[[0, 0, 0]]).value == pytest.approx(0)
    with pytest.raises(InputError, match="at least two clips; there is 1"):
        set_diversity(vectors[:1])


def test_the_error_of_diversity_is_the_jackknifes_sum_by_sum() -> None:
    vectors = np.random.default_rng(2).normal(size=(9, 4)) + 1
    without_one = [set_diversity(np.delete(vectors, number, axis=0)).value for number in range(9)]
    expected = np.sqrt(8 / 9 * np.square(without_one - np.mean(without_one)).sum())
    assert diversity_error(vectors) == pytest.approx(expected)
    assert diversity_error(vectors[:2]) is None


def test_sets_of_one_kind_show_no_difference_and_others_do() -> None:
    rng = np.random.default_rng(3)
    spreads = np.geomspace(1, 0.05, 72)
    one, other = (rng.normal(size=(60, 72)) * spreads for _ in range(2))
    same = compare_sets(one, other)
    assert same.chance_of_more > 0.05 and same.value < 2 * same.by_chance
    assert same.dimensions == 6 and same.samples == (60, 60)
    moved = compare_sets(one, other + spreads * 0.6)
    wider = compare_sets(one, other * 1.6)
    assert moved.chance_of_more < 0.01 and wider.chance_of_more < 0.01
    with pytest.raises(InputError, match=f"at least {MIN_FOR_DISTANCE} clips a set; here are 60 and 49"):
        compare_sets(one, other[:49])


@pytest.mark.parametrize(("dimensions", "count", "low", "high"), [(5, 50, 0.09, 0.13), (32, 320, 0.05, 0.07)])
def test_ten_samples_a_dimension_keep_chance_at_about_a_tenth_of_the_variance(
    dimensions: int, count: int, low: float, high: float
) -> None:
    rng = np.random.default_rng(4)
    sets = [rng.normal(size=(2, count, dimensions)) for _ in range(20)]
    share = np.mean([frechet_distance(one, other).value for one, other in sets]) / dimensions
    assert low < share < high and share == pytest.approx((2.5 + dimensions / 2) / count, rel=0.2)
