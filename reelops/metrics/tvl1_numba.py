"""The loops of Dual TV-L1, compiled: one pyramid level of one pair, on one core, without the interpreter's lock.

Layout. Flow and dual variables are float32 planes (rows, stride) with at least one spare column at the right, so that
every inner loop runs over whole rows without a branch and LLVM turns it into vector code; what spare columns hold is
finite and never reaches the picture. Dual planes have a row and a column of zeros in front: nothing flows in from
outside. Loops touch few planes each: LLVM checks at run time that they do not overlap, and gives up where there are
many.

Nothing here is `fastmath`: every pixel's arithmetic is the same whatever the vector width, so results do not depend on
the machine, the number of threads, or how pairs are batched.
"""
# Numba reads no annotations, and types of its own would have to stand in for them.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, attr-defined"

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

BORDER = 4
"""Rows and columns around the picture that is looked up: one more than a cubic kernel reaches."""

LANE = 32
"""Rows are a multiple of this long, so that vector loops need no remainder."""

_ZERO, _HALF, _ONE, _TWO, _THREE = (np.float32(value) for value in (0, 0.5, 1, 2, 3))
FLAT = np.float32(np.finfo(np.float32).eps)
"""A squared gradient below this tells nothing about motion."""

GRID, ROUNDS, NEAR = 24, 6, 0.02
"""How the dominant motion is fitted: points a side, rounds, and the pixels below which a deviation weighs no more."""


class Schedule(NamedTuple):
    """What one level does.

    Attributes:
        warps: how often the data term is taken anew.
        iterations: at most so many for each of them.
        together: so many in one sweep; after each sweep the change by its last iteration is looked at.
        between_medians: a median is taken before every so many iterations; a multiple of `together`.
        median: its side in pixels, odd; 1 for none.
        tolerance: a warp ends when the root mean square change is not above it.
        stop_level: and with it the level, when this happens.
        limit: lambda theta, the furthest that the data term pulls, times the gradient.
        theta: how far the two flows of Zach et al. may lie apart.
        rate: tau / theta, the step of the dual variables.
        fineness: positions between pixels are rounded to so many steps a pixel.
        sharpness: Keys' parameter of cubic interpolation; -0.5 is Catmull-Rom.
        inside_only: there is no data term where the flow leaves the picture.
        around_dominant_motion: variation counts from the affine motion that most of the flow follows.
    """

    warps: int
    iterations: int
    together: int
    between_medians: int
    median: int
    tolerance: float
    stop_level: bool
    limit: np.float32
    theta: np.float32
    rate: np.float32
    fineness: np.float32
    sharpness: np.float32
    inside_only: bool
    around_dominant_motion: bool


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles at the first call, and keeps the code for the next process where there is a folder to keep it in."""
    options = {"nogil": True, "error_model": "numpy"}
    try:
        kept: Callable[..., Any] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither the folder of this file nor the user's cache can be written to
        return numba.njit(**options)(function)  # type: ignore[no-any-return]
    return kept


def stride_of(width: int) -> int:
    """How long a row of a plane is: the picture's width, at least one spare column, and a whole number of lanes."""
    return -(-(width + 1) // LANE) * LANE


@compiled
def with_gradient(picture_HW, repeat_edge):
    """What a warp looks up: (H + 2 BORDER, W + 2 BORDER, 4) of picture, its central differences in x and y, and 0.

    Args:
        repeat_edge: beyond its edge the picture goes on as at the edge; otherwise everything is 0 there.
    """
    height, width = picture_HW.shape
    planes = np.zeros((height + 2 * BORDER, width + 2 * BORDER, 4), np.float32)
    for y in range(-BORDER, height + BORDER):
        row = min(max(y, 0), height - 1)
        if row != y and not repeat_edge:
            continue
        above, below = max(row - 1, 0), min(row + 1, height - 1)
        line = planes[y + BORDER]
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            line[x + BORDER, 0] = picture_HW[row, x]
            line[x + BORDER, 1] = _HALF * (picture_HW[row, right] - picture_HW[row, left])
            line[x + BORDER, 2] = _HALF * (picture_HW[below, x] - picture_HW[above, x])
        if repeat_edge:
            for x in range(BORDER):
                for plane in range(3):
                    line[x, plane] = line[BORDER, plane]
                    line[BORDER + width + x, plane] = line[BORDER + width - 1, plane]
    return planes


@intrinsic
def _weighted_cell(typing_context, flat, start, row, weights_y, weights_x):  # noqa: ARG001 (numba hands it over)
    """Sum of 4 x 4 cells of 4 floats each with separable weights: the first three of the four sums.

    `flat` holds the cells row by row, `start` is the first float of the first one and `row` the floats a row. Spelt out
    for LLVM: numba leaves the pass that would find these vectors by itself switched off.
    """
    signature = types.UniTuple(types.float32, 3)(flat, start, row, weights_y, weights_x)

    def generate(context, builder, signature, arguments):
        flat, start, row, weights_y, weights_x = arguments
        vector = ir.VectorType(ir.FloatType(), 16)
        data = context.make_array(signature.args[0])(context, builder, flat).data

        def splat(scalar, lanes):
            kind = ir.VectorType(ir.FloatType(), lanes)
            single = builder.insert_element(ir.Constant(kind, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
            return builder.shuffle_vector(single, ir.Constant(kind, ir.Undefined), zeros)

        def added(terms):
            first, *others = terms
            for term in others:
                first = builder.fadd(first, term)
            return first

        rows = []
        for number in range(4):
            at = builder.bitcast(builder.gep(data, [start]), vector.as_pointer())
            cells = builder.load(at)
            cells.align = 4
            rows.append(builder.fmul(cells, splat(builder.extract_value(weights_y, number), 16)))
            start = builder.add(start, row)
        column_sums = added(rows)
        columns = []
        for number in range(4):
            lanes = ir.Constant(ir.VectorType(ir.IntType(32), 4), [4 * number + lane for lane in range(4)])
            cell = builder.shuffle_vector(column_sums, ir.Constant(vector, ir.Undefined), lanes)
            columns.append(builder.fmul(cell, splat(builder.extract_value(weights_x, number), 4)))
        total = added(columns)
        sums = [builder.extract_element(total, ir.Constant(ir.IntType(32), lane)) for lane in range(3)]
        return context.make_tuple(builder, signature.return_type, sums)

    return signature, generate


@compiled
def _cubic(t, sharpness):
    """Weights of the four taps around a position `t` past the second one (Keys 1981)."""
    s = _ONE - t
    far_left = sharpness * t * s * s
    far_right = sharpness * s * t * t
    left = ((sharpness + _TWO) * t - (sharpness + _THREE)) * t * t + _ONE
    return far_left, left, _ONE - far_left - left - far_right, far_right


@compiled
def linearise(previous, source, base, u1, u2, fineness, sharpness, inside_only, data, position):
    """The data term around the flow (u1, u2): gradient, 1 / its square, and the residual's constant part.

    residual(u) = rho + ix u1 + iy u2, where `ix` and `iy` are the next picture's gradient where the flow leads. That
    position is rounded to 1 / `fineness` pixels. Where it lies outside the picture and `inside_only`, there is no data
    term.
    """
    height, width = previous.shape
    flat = source.reshape(source.size)
    row = np.uint64(4 * source.shape[1])
    ix, iy, inverse, rho = data[0], data[1], data[2], data[3]
    last_x, last_y = np.float32(width - 1), np.float32(height - 1)
    reach = np.float32(BORDER - 2)
    for y in range(height):
        for x in range(width):
            to_x = min(max(np.float32(x) + base[0, y, x] + u1[y, x], -_ONE - reach), last_x + reach)
            to_y = min(max(np.float32(y) + base[1, y, x] + u2[y, x], -_ONE - reach), last_y + reach)
            position[0, x] = np.rint(to_x * fineness) / fineness
            position[1, x] = np.rint(to_y * fineness) / fineness
        for x in range(width):
            cell_x, cell_y = np.floor(position[0, x]), np.floor(position[1, x])
            weights_x = _cubic(position[0, x] - cell_x, sharpness)
            weights_y = _cubic(position[1, x] - cell_y, sharpness)
            start = np.uint64(np.int64(cell_y) + (BORDER - 1)) * row
            start += np.uint64(4 * (np.int64(cell_x) + (BORDER - 1)))
            rho[y, x], ix[y, x], iy[y, x] = _weighted_cell(flat, start, row, weights_y, weights_x)
        if inside_only:
            for x in range(width):
                to_x, to_y = position[0, x], position[1, x]
                inside = to_x >= _ZERO and to_y >= _ZERO and to_x <= last_x and to_y <= last_y
                ix[y, x] = ix[y, x] if inside else _ZERO
                iy[y, x] = iy[y, x] if inside else _ZERO
        for x in range(width):
            square = ix[y, x] * ix[y, x] + iy[y, x] * iy[y, x]
            inverse[y, x] = _ONE / square if square > FLAT else _ZERO
        for x in range(width):
            rho[y, x] = rho[y, x] - ix[y, x] * u1[y, x] - iy[y, x] * u2[y, x] - previous[y, x]


@compiled
def _threshold(y, limit, ix, iy, inverse, rho, u1, u2, step):
    """How far along the gradient the data term pulls a row's flow: the thresholding step of Zach et al. 2007."""
    for x in range(step.size):
        residual = rho[y, x] + ix[y, x] * u1[y, x] + iy[y, x] * u2[y, x]
        step[x] = min(max(-residual * inverse[y, x], -limit), limit)


@compiled
def _primal(y, theta, gradient, step, px, py, u):
    """u = v + theta div p for a row, v = u + step * gradient."""
    for x in range(step.size):
        divergence = px[y + 1, x + 1] - px[y + 1, x] + py[y + 1, x + 1] - py[y, x + 1]
        u[y, x] = u[y, x] + step[x] * gradient[y, x] + theta * divergence


@compiled
def _primal_measured(y, theta, gradient, step, px, py, u, changes):
    """The same, and adds the squared change to `changes`."""
    for x in range(step.size):
        divergence = px[y + 1, x + 1] - px[y + 1, x] + py[y + 1, x + 1] - py[y, x + 1]
        change = step[x] * gradient[y, x] + theta * divergence
        u[y, x] += change
        changes[x] += change * change


@compiled
def _dual(y, rate, u, px, py):
    """p = (p + rate grad u) / (1 + rate |grad u|) for a row; there is no gradient beyond the last row and column."""
    below = min(y + 1, u.shape[0] - 1)
    for x in range(u.shape[1] - 1):
        gx = u[y, x + 1] - u[y, x]
        gy = u[below, x] - u[y, x]
        shrink = _ONE / (_ONE + rate * np.sqrt(gx * gx + gy * gy))
        px[y + 1, x + 1] = (px[y + 1, x + 1] + rate * gx) * shrink
        py[y + 1, x + 1] = (py[y + 1, x + 1] + rate * gy) * shrink


@compiled
def iterate(count, width, limit, theta, rate, data, u1, u2, duals, lines):
    """`count` iterations in one sweep down the rows, each one row behind the one before, while rows are in the cache.

    Row y of an iteration needs rows y - 1 and y of the duals that the iteration before left, and those are ready once
    that one has done row y + 1. So the result is that of one iteration after the other.

    Returns:
        the sum over pixels of the squared change by the last iteration.
    """
    height = u1.shape[0]
    ix, iy, inverse, rho = data[0], data[1], data[2], data[3]
    p11, p12, p21, p22 = duals[0], duals[1], duals[2], duals[3]
    step, changes = lines[0], lines[1]
    for x in range(changes.size):
        changes[x] = _ZERO
    for front in range(height + count):
        for k in range(max(0, front - height), min(count, front + 1)):
            y = front - k
            if y < height:
                _threshold(y, limit, ix, iy, inverse, rho, u1, u2, step)
                if k < count - 1:
                    _primal(y, theta, ix, step, p11, p12, u1)
                    _primal(y, theta, iy, step, p21, p22, u2)
                else:
                    _primal_measured(y, theta, ix, step, p11, p12, u1, changes)
                    _primal_measured(y, theta, iy, step, p21, p22, u2, changes)
                u1[y, width] = u1[y, width - 1]
                u2[y, width] = u2[y, width - 1]
            if y > 0:
                _dual(y - 1, rate, u1, p11, p12)
                _dual(y - 1, rate, u2, p21, p22)
    total = 0.0
    for x in range(width):
        total += changes[x]
    return total


@compiled
def median(u, width, size, exchanges, window, filtered):
    """Replaces every value by the median of the `size` x `size` around it, the edge repeated outwards.

    A sorting network, cut down to what the middle needs, runs on a whole row at a time: `exchanges` are its
    comparisons, `window` holds the size² neighbours of a row's pixels.
    """
    height = u.shape[0]
    reach = size // 2
    for y in range(height):
        number = 0
        for dy in range(-reach, reach + 1):
            row = min(max(y + dy, 0), height - 1)
            for dx in range(-reach, reach + 1):
                first, last = max(0, -dx), min(width, width - dx)
                for x in range(first):
                    window[number, x] = u[row, 0]
                for x in range(first, last):
                    window[number, x] = u[row, x + dx]
                for x in range(last, width):
                    window[number, x] = u[row, width - 1]
                number += 1
        for n in range(exchanges.shape[0]):
            low, high = window[exchanges[n, 0]], window[exchanges[n, 1]]
            for x in range(low.size):
                smaller, larger = min(low[x], high[x]), max(low[x], high[x])
                low[x] = smaller
                high[x] = larger
        middle = window[window.shape[0] // 2]
        for x in range(width):
            filtered[y, x] = middle[x]
    for y in range(height):
        for x in range(width):
            u[y, x] = filtered[y, x]
        u[y, width] = u[y, width - 1]


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


@compiled
def refine(previous, source, flow, exchanges, schedule):
    """Improves the flow (2, rows, stride) in place: all warps of one level.

    Args:
        previous: the first picture (rows, width).
        source: the second one, as `with_gradient` makes it.
        exchanges: comparisons of the median's sorting network.
        schedule: see `Schedule`.

    Returns:
        the number of iterations done.
    """
    height, width = previous.shape
    stride = flow.shape[2]
    size = schedule.median
    base = np.zeros((2, height, stride), np.float32)
    duals = np.zeros((4, height + 1, stride + 1), np.float32)
    data = np.zeros((4, height, stride), np.float32)
    lines = np.zeros((4, stride), np.float32)
    window = np.zeros((size * size, stride), np.float32)
    filtered = np.zeros((height, stride), np.float32)
    enough = schedule.tolerance * schedule.tolerance * height * width
    if schedule.around_dominant_motion:
        dominant_motion(flow, width, base)
    u1, u2 = flow[0], flow[1]
    for y in range(height):
        for x in range(width):
            u1[y, x] -= base[0, y, x]
            u2[y, x] -= base[1, y, x]
        u1[y, width] = u1[y, width - 1]
        u2[y, width] = u2[y, width - 1]
    done = 0
    for _ in range(schedule.warps):
        linearise(
            previous, source, base, u1, u2, schedule.fineness, schedule.sharpness, schedule.inside_only, data, lines
        )
        change = np.inf
        count = 0
        while count < schedule.iterations and change > enough:
            if size > 1 and count % schedule.between_medians == 0:
                median(u1, width, size, exchanges, window, filtered)
                median(u2, width, size, exchanges, window, filtered)
            change = iterate(
                schedule.together, width, schedule.limit, schedule.theta, schedule.rate, data, u1, u2, duals, lines
            )
            count += schedule.together
        done += count
        if schedule.stop_level and change <= enough:
            break
    for y in range(height):
        for x in range(width):
            u1[y, x] += base[0, y, x]
            u2[y, x] += base[1, y, x]
    return done
