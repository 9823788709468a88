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

from collections.abc import Callable, Iterator
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

_ZERO, _HALF, _ONE, _THREE_HALVES, _FIVE_HALVES = (np.float32(value) for value in (0, 0.5, 1, 1.5, 2.5))
FLAT = np.float32(np.finfo(np.float32).eps)
"""A squared gradient below this tells nothing about motion."""

GRID, ROUNDS, NEAR = 24, 6, 0.02
"""How the dominant motion is fitted: points a side, rounds, and the pixels below which a deviation weighs no more."""

_FAR = 4.0
"""From so many times the squared change at which a warp has settled, several iterations are done at once."""


class Schedule(NamedTuple):
    """What one level does.

    Attributes:
        warps: how often the data term is taken anew.
        iterations: at most so many for each of them.
        together: so many in one sweep through memory while the flow is far from settling.
        between_medians: a median is taken before every so many iterations.
        median: its side in pixels: 3, 5, or 1 for none.
        tolerance: a warp ends with the iteration whose root mean square change is not above it.
        limit: lambda theta, the furthest that the data term pulls, times the gradient.
        theta: how far the two flows of Zach et al. may lie apart.
        rate: tau / theta, the step of the dual variables.
        around_dominant_motion: variation counts from the affine motion that most of the flow follows.
        as_opencv: arithmetic is OpenCV's, operation by operation.
    """

    warps: int
    iterations: int
    together: int
    between_medians: int
    median: int
    tolerance: float
    limit: np.float32
    theta: np.float32
    rate: np.float32
    around_dominant_motion: bool
    as_opencv: bool


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles at the first call, and keeps the code for the next process where there is a folder to keep it in."""
    options = {"nogil": True, "error_model": "numpy"}
    try:
        kept: Callable[..., Any] = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither the folder of this file nor the user's cache can be written to
        return numba.njit(**options)(function)  # type: ignore[no-any-return]
    return kept


def _in_line(function: Callable[..., Any]) -> Any:
    """Part of what calls it, from the first pass of LLVM on: rows are short, and calls with many planes are not."""
    return numba.njit(nogil=True, error_model="numpy", forceinline=True)(function)


def stride_of(width: int) -> int:
    """How long a row of a plane is: the picture's width, at least one spare column, and a whole number of lanes."""
    return -(-(width + 1) // LANE) * LANE


@compiled
def with_gradient(picture_HW):
    """What a warp looks up: (H + 2 BORDER, W + 2 BORDER, 4) of picture, its central differences in x and y, and 0.

    Beyond its edge the picture goes on as at the edge.
    """
    height, width = picture_HW.shape
    planes = np.zeros((height + 2 * BORDER, width + 2 * BORDER, 4), np.float32)
    for y in range(-BORDER, height + BORDER):
        row = min(max(y, 0), height - 1)
        above, below = max(row - 1, 0), min(row + 1, height - 1)
        line = planes[y + BORDER]
        for x in range(width):
            left, right = max(x - 1, 0), min(x + 1, width - 1)
            line[x + BORDER, 0] = picture_HW[row, x]
            line[x + BORDER, 1] = _HALF * (picture_HW[row, right] - picture_HW[row, left])
            line[x + BORDER, 2] = _HALF * (picture_HW[below, x] - picture_HW[above, x])
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
def _cubic(t):
    """Catmull-Rom weights of the four taps around a position `t` past the second one."""
    s = _ONE - t
    far_left = -_HALF * t * s * s
    far_right = -_HALF * s * t * t
    left = (_THREE_HALVES * t - _FIVE_HALVES) * t * t + _ONE
    return far_left, left, _ONE - far_left - left - far_right, far_right


@compiled
def linearise(previous, source, base, u1, u2, data, position):
    """The data term around the flow base + u: gradient, 1 / its square, and the residual's constant part.

    residual(u) = rho + ix u1 + iy u2, where `ix` and `iy` are the next picture's gradient where the flow leads. Where
    that lies outside the picture, there is no data term.
    """
    height, width = previous.shape
    ix, iy, inverse, rho = data[0], data[1], data[2], data[3]
    flat = source.reshape(source.size)
    row = np.uint64(4 * source.shape[1])
    last_x, last_y = np.float32(width - 1), np.float32(height - 1)
    for y in range(height):
        for x in range(width):
            position[0, x] = np.float32(x) + base[0, y, x] + u1[y, x]
            position[1, x] = np.float32(y) + base[1, y, x] + u2[y, x]
        for x in range(width):
            at_x = min(max(position[0, x], -_ONE), last_x + _ONE)
            at_y = min(max(position[1, x], -_ONE), last_y + _ONE)
            cell_x, cell_y = np.floor(at_x), np.floor(at_y)
            start = np.uint64(np.int64(cell_y) + (BORDER - 1)) * row
            start += np.uint64(4 * (np.int64(cell_x) + (BORDER - 1)))
            weights_y, weights_x = _cubic(at_y - cell_y), _cubic(at_x - cell_x)
            rho[y, x], ix[y, x], iy[y, x] = _weighted_cell(flat, start, row, weights_y, weights_x)
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


@_in_line
def _threshold(y, limit, ix, iy, inverse, rho, u1, u2, step):
    """How far along the gradient the data term pulls a row's flow: the thresholding step of Zach et al. 2007."""
    for x in range(step.size):
        residual = rho[y, x] + (ix[y, x] * u1[y, x] + iy[y, x] * u2[y, x])
        step[x] = min(max(-residual * inverse[y, x], -limit), limit)


@_in_line
def _threshold_as_opencv(y, limit, ix, iy, square, rho, u1, u2, step):
    for x in range(step.size):
        residual = rho[y, x] + (ix[y, x] * u1[y, x] + iy[y, x] * u2[y, x])
        far = limit * square[y, x]
        within = -residual / square[y, x] if square[y, x] > FLAT else _ZERO
        step[x] = limit if residual < -far else (-limit if residual > far else within)


@_in_line
def _primal(y, theta, gradient, step, px, py, u, changes, k):
    """u = v + theta div p for a row, v = u + step * gradient; adds the squared change to row k of `changes`."""
    first = u[y, 0]
    for x in range(step.size):
        divergence = (px[y + 1, x + 1] - px[y + 1, x]) + (py[y + 1, x + 1] - py[y, x + 1])
        before = u[y, x]
        u[y, x] = before + step[x] * gradient[y, x] + theta * divergence
        change = u[y, x] - before
        changes[k, x] += change * change
    # OpenCV adds up the first column's divergence in another order.
    divergence = px[y + 1, 1] + py[y + 1, 1] - py[y, 1]
    u[y, 0] = first + step[0] * gradient[y, 0] + theta * divergence


@_in_line
def _dual(y, rate, u, px, py):
    """p = (p + rate grad u) / (1 + rate |grad u|) for a row; there is no gradient beyond the last row and column."""
    below = min(y + 1, u.shape[0] - 1)
    for x in range(u.shape[1] - 1):
        gx = u[y, x + 1] - u[y, x]
        gy = u[below, x] - u[y, x]
        shrink = _ONE / (_ONE + rate * np.sqrt(gx * gx + gy * gy))
        px[y + 1, x + 1] = (px[y + 1, x + 1] + rate * gx) * shrink
        py[y + 1, x + 1] = (py[y + 1, x + 1] + rate * gy) * shrink


@_in_line
def _dual_as_opencv(y, rate, u, px, py):
    below = min(y + 1, u.shape[0] - 1)
    for x in range(u.shape[1] - 1):
        gx = u[y, x + 1] - u[y, x]
        gy = u[below, x] - u[y, x]
        length = np.float32(np.sqrt(np.float64(gx) * np.float64(gx) + np.float64(gy) * np.float64(gy)))
        grow = _ONE + rate * length
        px[y + 1, x + 1] = (px[y + 1, x + 1] + rate * gx) / grow
        py[y + 1, x + 1] = (py[y + 1, x + 1] + rate * gy) / grow


@compiled
def iterate(count, width, data, u1, u2, duals, step, changes, schedule):
    """`count` iterations in one sweep down the rows, each one row behind the one before, while rows are in the cache.

    Row y of an iteration needs rows y - 1 and y of the duals that the iteration before left, and those are ready once
    that one has done row y + 1. So the result is that of one iteration after the other. Row k of `changes` receives
    the sums of squared change by iteration k.
    """
    height = u1.shape[0]
    limit, theta, rate = schedule.limit, schedule.theta, schedule.rate
    ix, iy, inverse, rho = data[0], data[1], data[2], data[3]
    p11, p12, p21, p22 = duals[0], duals[1], duals[2], duals[3]
    for k in range(count):
        for x in range(changes.shape[1]):
            changes[k, x] = _ZERO
    for front in range(height + count):
        for k in range(max(0, front - height), min(count, front + 1)):
            y = front - k
            if y < height:
                if schedule.as_opencv:
                    _threshold_as_opencv(y, limit, ix, iy, inverse, rho, u1, u2, step)
                else:
                    _threshold(y, limit, ix, iy, inverse, rho, u1, u2, step)
                _primal(y, theta, ix, step, p11, p12, u1, changes, k)
                _primal(y, theta, iy, step, p21, p22, u2, changes, k)
                u1[y, width] = u1[y, width - 1]
                u2[y, width] = u2[y, width - 1]
            if y > 0:
                if schedule.as_opencv:
                    _dual_as_opencv(y - 1, rate, u1, p11, p12)
                    _dual_as_opencv(y - 1, rate, u2, p21, p22)
                else:
                    _dual(y - 1, rate, u1, p11, p12)
                    _dual(y - 1, rate, u2, p21, p22)


def median_exchanges(count: int) -> list[tuple[int, int]]:
    """Comparisons after which the middle one of `count` values is the median.

    Batcher's odd-even merge sort, without the comparisons that the middle does not depend on.
    """
    needed, kept = {count // 2}, []
    for low, high in reversed(list(_merge_sort(count))):
        if low in needed or high in needed:
            needed |= {low, high}
            kept.append((low, high))
    return kept[::-1]


def _merge_sort(count: int) -> Iterator[tuple[int, int]]:
    """Batcher's comparisons (Knuth, The Art of Computer Programming 3, 5.2.2, algorithm M)."""
    run = 1
    while run < count:
        apart = run
        while apart:
            for start in range(apart % run, count - apart, 2 * apart):
                for low in range(start, min(start + apart, count - apart)):
                    if low // (2 * run) == (low + apart) // (2 * run):
                        yield low, low + apart
            apart //= 2
        run *= 2


def _window_median(size: int) -> Any:
    """The compiled median of `size` x `size` floats whose first one is at `start`, rows `row` floats apart.

    A sorting network in straight code: LLVM makes it vector code that sorts many windows at once, all in registers.
    """

    @intrinsic
    def of_window(typing_context, flat, start, row):  # noqa: ARG001 (numba hands it over)
        def generate(context, builder, signature, arguments):
            flat, start, row = arguments
            data = context.make_array(signature.args[0])(context, builder, flat).data
            values = []
            for _ in range(size):
                for column in range(size):
                    at = builder.add(start, ir.Constant(start.type, column))
                    values.append(builder.load(builder.gep(data, [at])))
                start = builder.add(start, row)
            for i, j in median_exchanges(size * size):
                low, high = values[i], values[j]
                values[i] = builder.select(builder.fcmp_ordered("<", low, high), low, high)
                values[j] = builder.select(builder.fcmp_ordered(">", low, high), low, high)
            return values[size * size // 2]

        return types.float32(flat, start, row), generate

    return of_window


_median_of_3x3, _median_of_5x5 = _window_median(3), _window_median(5)


@compiled
def median(u, width, size, around):
    """Replaces every value by the median of the 3 x 3 or 5 x 5 around it, the edge repeated outwards.

    `around` (rows + 4, stride + 4) receives a copy of `u` with its surroundings.
    """
    height, stride = u.shape
    reach = size // 2
    for y in range(height + 2 * reach):
        row = min(max(y - reach, 0), height - 1)
        for x in range(width):
            around[y, x + reach] = u[row, x]
        for x in range(reach):
            around[y, x] = u[row, 0]
            around[y, x + width + reach] = u[row, width - 1]
    flat = around.reshape(around.size)
    row = np.uint64(around.shape[1])
    for y in range(height):
        first = np.uint64(y) * row
        if size == 3:
            for x in range(stride):
                u[y, x] = _median_of_3x3(flat, first + np.uint64(x), row)
        else:
            for x in range(stride):
                u[y, x] = _median_of_5x5(flat, first + np.uint64(x), row)
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
def _copy(source, target):
    for plane in range(source.shape[0]):
        for y in range(source.shape[1]):
            for x in range(source.shape[2]):
                target[plane, y, x] = source[plane, y, x]


@compiled
def settle(width, data, u, duals, schedule):
    """Iterates within one warp until the flow `u` (2, rows, stride) changes no more, or `iterations` are done.

    Far from settling, several iterations are done in one sweep. Where one of them turns out to be the last, the sweep
    is taken back, and done again as far as that; so the result is that of one iteration after the other.

    Returns:
        whether it settled before the iterations ran out.
    """
    height, stride = u.shape[1:]
    size = schedule.median
    kept_u, kept_duals = np.empty_like(u), np.empty_like(duals)
    changes = np.zeros((schedule.together, stride), np.float32)
    step = np.zeros(stride, np.float32)
    around = np.zeros((height + 4, stride + 4), np.float32)
    enough = schedule.tolerance * schedule.tolerance * height * width
    done, change = 0, np.inf
    while done < schedule.iterations:
        to_median = schedule.between_medians - done % schedule.between_medians
        if size > 1 and to_median == schedule.between_medians:
            median(u[0], width, size, around)
            median(u[1], width, size, around)
        count = min(schedule.together, to_median, schedule.iterations - done) if change > _FAR * enough else 1
        if count > 1:
            _copy(u, kept_u)
            _copy(duals, kept_duals)
        iterate(count, width, data, u[0], u[1], duals, step, changes, schedule)
        for k in range(count):
            change = 0.0
            for x in range(width):
                change += changes[k, x]
            if change <= enough:
                if k + 1 < count:
                    _copy(kept_u, u)
                    _copy(kept_duals, duals)
                    iterate(k + 1, width, data, u[0], u[1], duals, step, changes, schedule)
                return True
        done += count
    return False


@compiled
def data_as_opencv(value, ix, iy, previous, u, data):
    """The data term from the next picture and its gradient where the flow `u` leads; the gradient's square at [2]."""
    height, width = previous.shape
    for y in range(height):
        for x in range(width):
            data[0, y, x] = ix[y, x]
            data[1, y, x] = iy[y, x]
            data[2, y, x] = ix[y, x] * ix[y, x] + iy[y, x] * iy[y, x]
            data[3, y, x] = value[y, x] - ix[y, x] * u[0, y, x] - iy[y, x] * u[1, y, x] - previous[y, x]


@compiled
def refine(previous, source, flow, schedule):
    """Improves the flow (2, rows, stride) in place: all warps of one level, until one of them settles.

    Args:
        previous: the first picture (rows, width).
        source: the second one, as `with_gradient` makes it.
        schedule: see `Schedule`.
    """
    height, width = previous.shape
    stride = flow.shape[2]
    base = np.zeros((2, height, stride), np.float32)
    duals = np.zeros((4, height + 1, stride + 1), np.float32)
    data = np.zeros((4, height, stride), np.float32)
    position = np.zeros((2, stride), np.float32)
    if schedule.around_dominant_motion:
        dominant_motion(flow, width, base)
    for c in range(2):
        for y in range(height):
            for x in range(width):
                flow[c, y, x] -= base[c, y, x]
            flow[c, y, width] = flow[c, y, width - 1]
    for _ in range(schedule.warps):
        linearise(previous, source, base, flow[0], flow[1], data, position)
        if settle(width, data, flow, duals, schedule):
            break
    for c in range(2):
        for y in range(height):
            for x in range(width):
                flow[c, y, x] += base[c, y, x]
