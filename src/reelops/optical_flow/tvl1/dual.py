"""The iterations of Dual TV-L1: thresholding and dual ascent, on one core.

Layout. Flow and dual variables are float32 planes (rows, stride) with at least one spare column at the right, so that
every inner loop takes whole lanes of a row without a branch, and LLVM turns it into vector code without a remainder;
what spare columns hold is finite and never reaches the picture. Dual planes have a row and a column of zeros in front:
nothing flows in from outside. Loops touch few planes each: LLVM checks at run time that they do not overlap, and gives
up where there are many.
"""
# Numba reads no annotations, and types of its own would have to stand in for them.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, attr-defined"

from __future__ import annotations

import numpy as np

from reelops.optical_flow.tvl1.compiling import compiled, in_line
from reelops.optical_flow.tvl1.data import FLAT

LANES = 16
"""Floats that the widest vectors hold."""

_ZERO, _ONE = np.float32(0), np.float32(1)

_FAR = 4.0
"""From so many times the squared change at which a warp has settled, several iterations are done at once."""


def stride_of(width: int) -> int:
    """How long a row of a plane is: the lanes that loops take, and as many columns more."""
    return (-(-width // LANES) + 1) * LANES


@in_line
def _threshold(y, columns, limit, ix, iy, inverse, rho, u1, u2, step):
    """How far along the gradient the data term pulls a row's flow: the thresholding step of Zach et al. 2007."""
    for x in range(columns):
        residual = rho[y, x] + (ix[y, x] * u1[y, x] + iy[y, x] * u2[y, x])
        step[x] = min(max(-residual * inverse[y, x], -limit), limit)


@in_line
def _threshold_as_opencv(y, columns, limit, ix, iy, square, rho, u1, u2, step):
    for x in range(columns):
        residual = rho[y, x] + (ix[y, x] * u1[y, x] + iy[y, x] * u2[y, x])
        far = limit * square[y, x]
        within = -residual / square[y, x] if square[y, x] > FLAT else _ZERO
        step[x] = limit if residual < -far else (-limit if residual > far else within)


@in_line
def _primal(y, columns, theta, gradient, step, px, py, u, changes, k):
    """u = v + theta div p for a row, v = u + step * gradient; adds the squared change to row k of `changes`."""
    first = u[y, 0]
    for x in range(columns):
        divergence = (px[y + 1, x + 1] - px[y + 1, x]) + (py[y + 1, x + 1] - py[y, x + 1])
        before = u[y, x]
        u[y, x] = before + step[x] * gradient[y, x] + theta * divergence
        change = u[y, x] - before
        changes[k, x] += change * change
    # OpenCV adds up the first column's divergence in another order.
    divergence = px[y + 1, 1] + py[y + 1, 1] - py[y, 1]
    u[y, 0] = first + step[0] * gradient[y, 0] + theta * divergence


@in_line
def _dual(y, columns, rate, u, px, py):
    """p = (p + rate grad u) / (1 + rate |grad u|) for a row; there is no gradient beyond the last row and column."""
    below = min(y + 1, u.shape[0] - 1)
    for x in range(columns):
        gx = u[y, x + 1] - u[y, x]
        gy = u[below, x] - u[y, x]
        shrink = _ONE / (_ONE + rate * np.sqrt(gx * gx + gy * gy))
        px[y + 1, x + 1] = (px[y + 1, x + 1] + rate * gx) * shrink
        py[y + 1, x + 1] = (py[y + 1, x + 1] + rate * gy) * shrink


@in_line
def _dual_as_opencv(y, columns, rate, u, px, py):
    below = min(y + 1, u.shape[0] - 1)
    for x in range(columns):
        gx = u[y, x + 1] - u[y, x]
        gy = u[below, x] - u[y, x]
        length = np.float32(np.sqrt(np.float64(gx) * np.float64(gx) + np.float64(gy) * np.float64(gy)))
        grow = _ONE + rate * length
        px[y + 1, x + 1] = (px[y + 1, x + 1] + rate * gx) / grow
        py[y + 1, x + 1] = (py[y + 1, x + 1] + rate * gy) / grow


@compiled
def iterate(count, width, data, u1, u2, duals, step, changes, limit, theta, rate, as_opencv):
    """`count` iterations in one sweep down the rows, each one row behind the one before, while rows are in the cache.

    Row y of an iteration needs rows y - 1 and y of the duals that the iteration before left, and those are ready once
    that one has done row y + 1. So the result is that of one iteration after the other. Row k of `changes` receives
    the sums of squared change by iteration k.
    """
    height = u1.shape[0]
    columns = (width + LANES - 1) // LANES * LANES
    ix, iy, inverse, rho = data[0], data[1], data[2], data[3]
    p11, p12, p21, p22 = duals[0], duals[1], duals[2], duals[3]
    for k in range(count):
        for x in range(changes.shape[1]):
            changes[k, x] = _ZERO
    for front in range(height + count):
        for k in range(max(0, front - height), min(count, front + 1)):
            y = front - k
            if y < height:
                if as_opencv:
                    _threshold_as_opencv(y, columns, limit, ix, iy, inverse, rho, u1, u2, step)
                else:
                    _threshold(y, columns, limit, ix, iy, inverse, rho, u1, u2, step)
                _primal(y, columns, theta, ix, step, p11, p12, u1, changes, k)
                _primal(y, columns, theta, iy, step, p21, p22, u2, changes, k)
                u1[y, width] = u1[y, width - 1]
                u2[y, width] = u2[y, width - 1]
            if y > 0:
                if as_opencv:
                    _dual_as_opencv(y - 1, columns, rate, u1, p11, p12)
                    _dual_as_opencv(y - 1, columns, rate, u2, p21, p22)
                else:
                    _dual(y - 1, columns, rate, u1, p11, p12)
                    _dual(y - 1, columns, rate, u2, p21, p22)


@compiled
def _copy(source, target):
    for plane in range(source.shape[0]):
        for y in range(source.shape[1]):
            for x in range(source.shape[2]):
                target[plane, y, x] = source[plane, y, x]


@compiled
def settle(
    iterations, together, enough, before, width, data, u, duals, kept_u, kept_duals, limit, theta, rate, as_opencv
):
    """Iterates until the flow `u` (2, rows, stride) changes no more, or `iterations` are done.

    Far from settling, several iterations are done in one sweep. Where one of them turns out to be the last, the sweep
    is taken back, and done again as far as that; so the result is that of one iteration after the other.

    Args:
        iterations: at most so many.
        together: so many in one sweep.
        enough: the sum of squared changes at which it has settled.
        before: that of the iteration before the first one.
        width: of the picture, in columns.
        data: (4, rows, stride), see `tvl1_data.linearise`.
        duals: (4, rows + 1, stride + 1).
        kept_u, kept_duals: room for a copy of both.
        limit, theta, rate, as_opencv: see `TvL1Parameters`.

    Returns:
        the sum of squared changes by the last iteration.
    """
    stride = u.shape[2]
    changes = np.zeros((together, stride), np.float32)
    step = np.zeros(stride, np.float32)
    done, change = 0, before
    while done < iterations:
        count = min(together, iterations - done) if change > _FAR * enough else 1
        if count > 1:
            _copy(u, kept_u)
            _copy(duals, kept_duals)
        iterate(count, width, data, u[0], u[1], duals, step, changes, limit, theta, rate, as_opencv)
        for k in range(count):
            change = 0.0
            for x in range(width):
                change += changes[k, x]
            if change <= enough:
                if k + 1 < count:
                    _copy(kept_u, u)
                    _copy(kept_duals, duals)
                    iterate(k + 1, width, data, u[0], u[1], duals, step, changes, limit, theta, rate, as_opencv)
                return change
        done += count
    return change
