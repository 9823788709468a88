"""Measures of many clips at once: how diverse they are, and how near to real ones.

Each clip counts as one vector, for example the mean of its frames' embeddings; see `clip_embedding`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from reelops.errors import InputError
from reelops.metrics.embedding import Embedder


@dataclass(frozen=True)
class SetMeasure:
    """A number about sets, and how many samples each set had; it depends on them."""

    value: float
    samples: tuple[int, ...]


def clip_embedding(frames_THWC: Iterable[np.ndarray], embedder: Embedder) -> np.ndarray:
    """Mean of the frames' unit embeddings: (D,) float64."""
    total, count = np.zeros(embedder.dimensions), 0
    for frame in frames_THWC:
        total += embedder.embed(frame)
        count += 1
    if not count:
        raise InputError("A clip without frames has no embedding. Give a clip of at least one frame.")
    return total / count


def set_diversity(vectors_ND: np.ndarray) -> SetMeasure:
    """Mean cosine distance between two clips of a set, all pairs counted: [0, 2], in practice below 1.

    Higher is more diverse; 0 where all clips are alike. Blind to quality: noise is diverse.

    Raises:
        InputError: fewer than two clips.
    """
    count = len(vectors_ND)
    if count < 2:
        raise InputError(f"Diversity takes at least two clips; there is {count}. Give more.")
    unit = vectors_ND / np.linalg.norm(vectors_ND, axis=1, keepdims=True)
    # The sum over all pairs of different clips, without a matrix of them.
    alike = (np.square(unit.sum(axis=0)).sum() - count) / (count * (count - 1))
    return SetMeasure(float(1 - alike), (count,))


def frechet_distance(real_ND: np.ndarray, generated_ND: np.ndarray) -> SetMeasure:
    """Frechet distance between Gaussians fitted to two sets of vectors (Dowson and Landau 1982; Heusel et al. 2017).

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)); the trace of the root is the sum of the square roots of the eigenvalues
    of S1^(1/2) S2 S1^(1/2), which is symmetric, so nothing turns complex as `sqrtm(S1 S2)` may.

    Returns:
        0 for equal distributions; lower is better. It is biased upwards by few samples: compare only values over the
        same number of them. Sees two moments only.

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


def principal_axes(real_ND: np.ndarray, dimensions: int) -> np.ndarray:
    """The (D, `dimensions`) axes along which a set varies most: `vectors @ axes` for both sets makes them comparable
    with fewer samples. Blind to differences along the other axes."""
    _, _, axes = np.linalg.svd(real_ND - real_ND.mean(axis=0), full_matrices=False)
    return axes[:dimensions].T


def _root(covariance_DD: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance_DD)
    root: np.ndarray = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root
