"""Numbers as people write them."""

from __future__ import annotations

import pytest

from reelops.pages.numbers import human


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (6.068e-05, "0.0001"),
        (-5.442e-07, "0"),
        (8.11e-07, "0"),
        (1390.0, "1390"),
        (1981.4, "1981"),
        (63_900.2, "63,900"),
        (0.99996, "1"),
        (-0.20014, "-0.2001"),
        (11.7449, "11.74"),
        (15.50, "15.5"),
        (100.0, "100"),
        (float("inf"), "inf"),
    ],
)
def test_a_number_has_no_exponent_and_no_digits_that_nobody_reads(value: float, text: str) -> None:
    assert human(value) == text


def test_a_difference_has_its_sign_and_is_seen_where_it_is_small() -> None:
    assert [human(one, 3, signed=True) for one in (0.5, -0.5, 0.0, 0.000012, 1e-9)] == [
        *("+0.5", "-0.5", "0", "+0.000012", "0")
    ]
