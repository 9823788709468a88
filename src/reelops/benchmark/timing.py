"""How long work takes: seconds on the wall, and of processor time over all threads and processes.

Other work on the machine slows whatever runs beside it. So a call is repeated and its quickest run counts, and ways
that are compared take turns within one run.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Seconds:
    """What a piece of work took.

    Attributes:
        wall: seconds from start to end.
        cpu: seconds of processor time, summed over threads, and over processes that were started and waited for.
    """

    wall: float
    cpu: float

    def __sub__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall - other.wall, self.cpu - other.cpu)

    def __truediv__(self, count: float) -> Seconds:
        return Seconds(self.wall / count, self.cpu / count)

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def clock() -> Seconds:
    """Now. Two readings tell what was done between them."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Seconds(time.perf_counter(), time.process_time() + ended.ru_utime + ended.ru_stime)


def timed(call: Callable[[], Result]) -> tuple[Result, Seconds]:
    """What `call` returns, and what it took."""
    began = clock()
    result = call()
    return result, clock() - began


def quickest(call: Callable[[], Result], rounds: int) -> tuple[Result, Seconds]:
    """What `call` returns, and the run of `rounds` that was quickest on the wall."""
    return min((timed(call) for _ in range(rounds)), key=lambda run: run[1].wall)


def by_turns(ways: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[Seconds]]:
    """Every way once a round, so that what else the machine does falls on all of them."""
    took: dict[str, list[Seconds]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, call in ways.items():
            took[name].append(timed(call)[1])
    return took
