"""A bound says what it wants, and holds for nothing that was not measured."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelops.gate.bound import Bound

finite = st.floats(allow_nan=False, allow_infinity=False)


@given(finite, finite)
def test_a_value_keeps_to_a_bound_on_one_side_or_the_other(value: float, limit: float) -> None:
    assert Bound.at_least(limit).holds(value) is (value >= limit)
    assert Bound.at_most(limit).holds(value) is (value <= limit)


@given(finite)
def test_the_limit_itself_is_still_good(limit: float) -> None:
    assert Bound.at_least(limit).holds(limit) and Bound.at_most(limit).holds(limit)


@pytest.mark.parametrize("value", [None, math.nan])
@pytest.mark.parametrize("bound", [Bound.at_least(0), Bound.at_most(0)])
def test_what_could_not_be_measured_keeps_to_no_bound(bound: Bound, value: float | None) -> None:
    assert not bound.holds(value)


def test_a_figure_that_misses_its_limit_by_rounding_alone_is_good() -> None:
    three_tenths = 0.1 + 0.1 + 0.1
    assert not Bound.at_most(0.3).holds(three_tenths)
    assert Bound.at_most(0.3, rounding=1e-9).holds(three_tenths)
    assert not Bound.at_least(0.31, rounding=1e-9).holds(three_tenths)


def test_a_bound_is_said_as_people_say_it() -> None:
    assert str(Bound.at_least(0.6)) == "at least 0.6"
    assert Bound.at_most(2.0).words("s") == "at most 2 s"


@pytest.mark.parametrize("limit", [math.nan, math.inf, -math.inf])
def test_a_limit_that_bounds_nothing_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="bounds nothing; give a finite number"):
        Bound.at_most(limit)
