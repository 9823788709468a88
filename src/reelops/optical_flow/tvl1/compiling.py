"""How loops are compiled: once, and kept for the next process.

A compiled function calls compiled functions of its own file only: what numba keeps of it is made anew when that file
changes, and no other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles at the first call, and keeps the code for the next process where there is a folder to keep it in.

    It runs without the interpreter's lock. Nothing is `fastmath`: every pixel's arithmetic is the same whatever the
    vector width, so results do not depend on the machine, the number of threads, or how pairs are batched.
    """
    options = {"nogil": True, "error_model": "numpy"}
    fast: Callable[..., Any]
    try:
        fast = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither the folder of this file nor the user's cache can be written to
        fast = numba.njit(**options)(function)
    return fast


def in_line(function: Callable[..., Any]) -> Any:
    """Part of what calls it, from the first pass of LLVM on: rows are short, and calls with many planes are not."""
    return numba.njit(nogil=True, error_model="numpy", forceinline=True)(function)
