"""What is asked of a figure that a benchmark measures."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, computed_field


class Target(BaseModel):
    """A bound on a figure; the limit itself is still good.

    Attributes:
        figure: what is bounded, in words, with its unit.
        measured: None where something is missing that it takes.
        bound, limit: at least, or at most, so much.
        aim: what would be better still.
    """

    model_config = ConfigDict(frozen=True)

    figure: str
    measured: float | None
    bound: Literal["at least", "at most"]
    limit: float
    aim: float | None = None

    @computed_field  # type: ignore[prop-decorator] # mypy knows properties only as what they return
    @property
    def met(self) -> bool | None:
        """None where nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.limit if self.bound == "at least" else self.measured <= self.limit

    @property
    def wanted(self) -> str:
        """`at most 2, aim 1`."""
        aim = f", aim {self.aim:g}" if self.aim is not None else ""
        return f"{self.bound} {self.limit:.4g}{aim}"


def at_least(figure: str, measured: float | None, limit: float, aim: float | None = None) -> Target:
    """The figure must reach the limit."""
    return Target(figure=figure, measured=measured, bound="at least", limit=limit, aim=aim)


def at_most(figure: str, measured: float | None, limit: float, aim: float | None = None) -> Target:
    """The figure must not exceed the limit."""
    return Target(figure=figure, measured=measured, bound="at most", limit=limit, aim=aim)
