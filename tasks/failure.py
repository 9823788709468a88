"""Which failed tasks are worth a retry: those whose failure may pass; see `reelops.errors.may_pass`."""

from __future__ import annotations

from typing import Any

from reelops.errors import may_pass


def retry_if_it_may_pass(_task: Any, _run: Any, state: Any) -> bool:
    """Prefect's `retry_condition_fn`."""
    try:
        state.result()
    except Exception as error:
        return may_pass(error)
    return False
