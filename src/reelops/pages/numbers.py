"""Numbers as people write them."""

from __future__ import annotations

import math

_MOST_DECIMALS = 4
# A difference is small beside the values it is one of.
_MOST_DECIMALS_OF_A_DIFFERENCE = 6
_GROUPED_FROM = 10_000


def human(value: float, digits: int = 4, signed: bool = False) -> str:
    """A number without an exponent, whose decimals end where nobody reads on; 0 where all of them would be zeros.

    Args:
        digits: as many as count, of which at most four are decimals; whole numbers keep all of theirs.
        signed: it is a difference: a plus before what is above 0, and up to six decimals.
    """
    if not math.isfinite(value):
        return str(value)
    leading = math.floor(math.log10(abs(value))) if value else 0
    most = _MOST_DECIMALS_OF_A_DIFFERENCE if signed else _MOST_DECIMALS
    decimals = min(most, max(0, digits - 1 - leading))
    rounded = round(value, decimals) + 0.0  # no "-0"
    grouped = "," if abs(rounded) >= _GROUPED_FROM else ""
    text = f"{rounded:{'+' if signed and rounded else ''}{grouped}.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text
