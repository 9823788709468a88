"""Validating a table against a pandera schema, with what is wrong in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reelops.errors import InputError

if TYPE_CHECKING:
    import pandas

INFINITE = float("inf")


def validate_table(schema: Any, frame: pandas.DataFrame, name: str, key: str) -> None:
    """Validates a table.

    Args:
        schema: pandera's.
        name: what the table is called in the error.
        key: the column by which people know a row.

    Raises:
        InputError: it does not fit; names column, row and value.
    """
    import pandera.pandas as pandera

    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        raise InputError(f"{name} {_sentence(error.failure_cases, frame, key)}") from error


def range_check(low: float, high: float) -> Any:
    """pandera's check of a range; infinity is no limit."""
    import pandera.pandas as pandera

    # Sums of floats end a little beside where algebra says they do.
    return pandera.Check.in_range(low - 1e-9, high + 1e-9, include_max=high < INFINITE)


def _sentence(failures: pandas.DataFrame, frame: pandas.DataFrame, key: str) -> str:
    """The first thing wrong in a sentence, single values first, and how many more there are."""
    # A check of whole rows fails once for each cell of the row; only the row counts.
    single = failures["schema_context"] == "Column"
    failures = failures.assign(column=failures["column"].where(single, ""), single=single)
    distinct = failures.drop_duplicates(["column", "check", "index"]).sort_values(
        "single", ascending=False, kind="stable"
    )
    first, more = distinct.iloc[0], len(distinct) - 1
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
