"""The dominant motion of a flow: the affine one that most of it follows."""
# Numba reads no annotations, and types of its own would have to stand in for them.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, attr-defined"

from __future__ import annotations

import numpy as np

from reelops.optical_flow.tvl1.compiling import compiled

GRID, ROUNDS, NEAR = 24, 6, 0.02
"""How it is fitted: points per side, rounds, and the pixels below which a deviation weighs no more."""


@compiled
def dominant_motion(flow, width, base):
    """Writes into `base` the affine motion that most of the flow (2, rows, stride) follows.

    Least absolute deviations by iteratively reweighted least squares on a grid of at most some 48 x 48 points, in
    coordinates from the picture's middle in units of its width.
    """
    height = flow.shape[1]
    apart_y, apart_x = max(1, height // GRID), max(1, width // GRID)
    middle_x, middle_y = 0.5 * (width - 1), 0.5 * (height - 1)
    motion = np.zeros((2, 3))
    for round in range(ROUNDS):
        normal = np.zeros((3, 3))
        target = np.zeros((2, 3))
        for y in range(apart_y // 2, height, apart_y):
            for x in range(apart_x // 2, width, apart_x):
                point = (1.0, (x - middle_x) / width, (y - middle_y) / width)
                off1, off2 = float(flow[0, y, x]), float(flow[1, y, x])
                weight = 1.0
                if round:
                    for i in range(3):
                        off1 -= motion[0, i] * point[i]
                        off2 -= motion[1, i] * point[i]
                    weight = 1.0 / (np.sqrt(off1 * off1 + off2 * off2) + NEAR)
                for i in range(3):
                    target[0, i] += weight * point[i] * flow[0, y, x]
                    target[1, i] += weight * point[i] * flow[1, y, x]
                    for j in range(3):
                        normal[i, j] += weight * point[i] * point[j]
        _solve(normal, target, motion)
    for component in range(2):
        still, along_x, along_y = motion[component]
        for y in range(height):
            row = still + along_y * (y - middle_y) / width
            for x in range(width):
                base[component, y, x] = row + along_x * (x - middle_x) / width


@compiled
def _solve(normal, target, motion):
    """The rows of `motion` from 3 x 3 normal equations, by elimination; they are positive definite but for 1e-9."""
    a = normal.copy()
    b = target.copy()
    for i in range(3):
        a[i, i] += 1e-9
    for i in range(3):
        for j in range(i + 1, 3):
            factor = a[j, i] / a[i, i]
            for k in range(i, 3):
                a[j, k] -= factor * a[i, k]
            for component in range(2):
                b[component, j] -= factor * b[component, i]
    for component in range(2):
        for i in range(2, -1, -1):
            rest = b[component, i]
            for j in range(i + 1, 3):
                rest -= a[i, j] * motion[component, j]
            motion[component, i] = rest / a[i, i]
