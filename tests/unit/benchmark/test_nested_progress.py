"""A part's progress is told as progress of the whole."""

from __future__ import annotations

from reelops.benchmark.nested_progress import within
from reelops.progress import Event, LogMessage, RunContext


def test_a_part_counts_in_its_own_units_and_the_whole_in_its_own() -> None:
    heard: list[Event] = []
    part = within(RunContext(heard.append, lambda: True), "flow", begin=10, length=20, total=40)
    part.progress("self_test", 1, 4, "versions")
    part.progress("self_test", 9, 4, detail="the last one")
    part.log("a sentence")
    first, beyond, sentence = heard
    assert (first.stage, first.done, first.total, first.detail) == ("flow", 15, 40, "self test, 1 of 4 versions")
    assert (beyond.done, beyond.detail) == (30, "the last one")
    assert sentence == LogMessage("a sentence") and part.should_stop()
