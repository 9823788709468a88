"""Holding a table to a pandera schema, with what is wrong told in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelops.errors import InputError

if TYPE_CHECKING:
    import pandas

INFINITE = float("inf")


def hold_to(schema: Any, frame: pandas.DataFrame, name: str, key: str) -> None:
    """Holds a table to a contract.

    Args:
        schema: pandera's.
        name: what the table is called in the complaint.
        key: the column by which people know a row.

    Raises:
        InputError: it breaks the contract; names column, row and value.
    """
    import pandera.pandas as pandera

    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        raise InputError(f"{name} {_complaint(error.failure_cases, frame, key)}") from error


def within(low: float, high: float) -> Any:
    """pandera's check of a range; infinity is no limit."""
    import pandera.pandas as pandera

    # Sums of floats end a little beside where algebra says they do.
    return pandera.Check.in_range(low - 1e-9, high + 1e-9, include_max=high < INFINITE)


def _complaint(failures: pandas.DataFrame, frame: pandas.DataFrame, key: str) -> str:
    """The first thing wrong in a sentence, single values first, and how many more there are."""
    # A check of whole rows fails once for each cell of the row; only the row counts.
    single = failures["schema_context"] == "Column"
    failures = failures.assign(column=failures["column"].where(single, ""), single=single)
    told = failures.drop_duplicates(["column", "check", "index"]).sort_values("single", ascending=False, kind="stable")
    first, more = told.iloc[0], len(told) - 1
    words = _in_words(first, frame, key)
    return f"breaks the contract: {words}.{f' {more} more to mend after it.' if more else ''}"


def _in_words(failure: Any, frame: pandas.DataFrame, key: str) -> str:
    import pandas

    if pandas.isna(failure["index"]):
        return f"{failure['failure_case']} ({failure['check']})"
    row = int(failure["index"])
    known_as = frame[key].iloc[row] if key in frame else "?"
    value = f"{failure['column']} is {failure['failure_case']!r}; " if failure["single"] else ""
    return f"row {row + 1} ({known_as}): {value}wanted: {failure['check']}"
