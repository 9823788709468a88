"""What is asked of a figure."""

from __future__ import annotations

import pytest

from reelops.benchmark.target import at_least, at_most


def test_a_target_is_met_at_its_limit_and_open_where_nothing_was_measured() -> None:
    assert at_most("seconds", 2.0, 2.0).met is True
    assert at_least("clips per hour", 1799.0, 1800).met is False
    assert at_least("correlation", None, 0.95).met is None


@pytest.mark.parametrize("aim, words", [(None, "at most 2"), (1.0, "at most 2, aim 1")])
def test_what_is_wanted_is_said_in_words(aim: float | None, words: str) -> None:
    assert at_most("seconds", 1.5, 2.0, aim).wanted == words
