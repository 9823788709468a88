"""How long work takes: the quickest of several runs, and ways that take turns."""

from __future__ import annotations

import sys

from reelops.benchmark.own_process import run_command
from reelops.benchmark.timing import Seconds, by_turns, clock, quickest, timed


def spin(times: int = 100_000) -> int:
    return sum(range(times))


def test_work_of_one_thread_takes_processor_time_as_it_takes_time() -> None:
    result, took = timed(spin)
    assert result == sum(range(100_000))
    assert took.cpu > 0 and took.wall > 0


def test_processes_that_were_waited_for_count_as_processor_time() -> None:
    before = clock()
    ended = run_command([sys.executable, "-c", "sum(range(3_000_000))"])
    assert (clock() - before).cpu >= ended.seconds.cpu > 0


def test_ways_take_turns() -> None:
    order: list[str] = []
    took = by_turns({"ours": lambda: order.append("ours"), "theirs": lambda: order.append("theirs")}, rounds=2)
    assert order == ["ours", "theirs", "ours", "theirs"]
    assert {name: len(runs) for name, runs in took.items()} == {"ours": 2, "theirs": 2}


def test_the_quickest_run_is_returned_with_its_own_result() -> None:
    sizes = iter([3_000_000, 1, 1_000_000])
    result, took = quickest(lambda: spin(next(sizes)), rounds=3)
    assert result == 0 and took.wall > 0


def test_seconds_are_shared_out() -> None:
    assert Seconds(3.0, 6.0) / 3 == Seconds(1.0, 2.0)
