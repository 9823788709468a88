"""The median filter of Dual TV-L1: sorting networks that LLVM makes vector code of."""
# Numba reads no annotations, and types of its own would have to stand in for them.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, attr-defined"

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from reelops.optical_flow.tvl1.compiling import compiled


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
def median(u, width, size):
    """Replaces every value of a plane (rows, stride) by the median of the 3 x 3 or 5 x 5 around it, the edge repeated
    outwards."""
    height, stride = u.shape
    around = np.zeros((height + 4, stride + 4), np.float32)
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
