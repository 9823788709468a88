"""The data term of Dual TV-L1: the next picture and its gradient, looked up where the flow leads.

Planes are laid out as `tvl1_dual` says.
"""
# Numba reads no annotations, and types of its own would have to stand in for them.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, attr-defined"

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from reelops.optical_flow.tvl1.compiling import compiled, in_line

BORDER = 4
"""Rows and columns around the picture that is looked up: one more than a cubic kernel reaches."""

FLAT = np.float32(np.finfo(np.float32).eps)
"""A squared gradient below this tells nothing about motion."""

_ZERO, _HALF, _ONE, _THREE_HALVES, _FIVE_HALVES = (np.float32(value) for value in (0, 0.5, 1, 1.5, 2.5))


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


@in_line
def _cell_and_weights(position, last, cell, weights):
    """The cell that each position of a row lies in, and Catmull-Rom weights of the four taps around it.

    Positions far outside count as just outside, where the picture goes on as at its edge.
    """
    for x in range(position.size):
        at = min(max(position[x], -_ONE), last + _ONE)
        floor = np.floor(at)
        cell[x] = np.int32(floor)
        t = at - floor
        s = _ONE - t
        far_left = -_HALF * t * s * s
        far_right = -_HALF * s * t * t
        left = (_THREE_HALVES * t - _FIVE_HALVES) * t * t + _ONE
        weights[0, x] = far_left
        weights[1, x] = left
        weights[2, x] = _ONE - far_left - left - far_right
        weights[3, x] = far_right


@compiled
def linearise(previous, source, base, u, data):
    """The data term around the flow base + u: gradient, 1 / its square, and the residual's constant part.

    residual(u) = rho + ix u1 + iy u2, where `ix` and `iy` are the next picture's gradient where the flow leads. Where
    that lies outside the picture, there is no data term.
    """
    height, width = previous.shape
    u1, u2 = u[0], u[1]
    ix, iy, inverse, rho = data[0], data[1], data[2], data[3]
    to_x, to_y = np.empty(width, np.float32), np.empty(width, np.float32)
    cell_x, cell_y = np.empty(width, np.int32), np.empty(width, np.int32)
    weights_x, weights_y = np.empty((4, width), np.float32), np.empty((4, width), np.float32)
    flat = source.reshape(source.size)
    row = np.uint64(4 * source.shape[1])
    last_x, last_y = np.float32(width - 1), np.float32(height - 1)
    for y in range(height):
        for x in range(width):
            to_x[x] = np.float32(x) + base[0, y, x] + u1[y, x]
        for x in range(width):
            to_y[x] = np.float32(y) + base[1, y, x] + u2[y, x]
        _cell_and_weights(to_x, last_x, cell_x, weights_x)
        _cell_and_weights(to_y, last_y, cell_y, weights_y)
        for x in range(width):
            start = np.uint64(cell_y[x] + (BORDER - 1)) * row + np.uint64(4 * (cell_x[x] + (BORDER - 1)))
            taps_y = weights_y[0, x], weights_y[1, x], weights_y[2, x], weights_y[3, x]
            taps_x = weights_x[0, x], weights_x[1, x], weights_x[2, x], weights_x[3, x]
            rho[y, x], ix[y, x], iy[y, x] = _weighted_cell(flat, start, row, taps_y, taps_x)
        for x in range(width):
            inside = to_x[x] >= _ZERO and to_y[x] >= _ZERO and to_x[x] <= last_x and to_y[x] <= last_y
            ix[y, x] = ix[y, x] if inside else _ZERO
            iy[y, x] = iy[y, x] if inside else _ZERO
        for x in range(width):
            square = ix[y, x] * ix[y, x] + iy[y, x] * iy[y, x]
            inverse[y, x] = _ONE / square if square > FLAT else _ZERO
        for x in range(width):
            rho[y, x] = rho[y, x] - ix[y, x] * u1[y, x] - iy[y, x] * u2[y, x] - previous[y, x]


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
