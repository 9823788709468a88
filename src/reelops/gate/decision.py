"""What the gate can decide about a clip."""

from __future__ import annotations

from enum import StrEnum


class Decision(StrEnum):
    """From best to worst."""

    ACCEPT = "accept"
    REVIEW = "review"
    REJECT = "reject"

    @property
    def severity(self) -> int:
        return list(Decision).index(self)
