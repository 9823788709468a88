"""What is asked of a figure that a benchmark measures."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, computed_field

from reelops.gate.bound import Bound


class Target(BaseModel):
    """A bound on a figure.

    Attributes:
        figure: what is bounded, in words, with its unit.
        measured: None where something is missing that it takes.
        aim: what would be better still than the bound.
    """

    model_config = ConfigDict(frozen=True)

    figure: str
    measured: float | None
    bound: Bound
    aim: float | None = None

    @computed_field  # type: ignore[prop-decorator] # mypy knows properties only as what they return
    @property
    def met(self) -> bool | None:
        """None where nothing was measured."""
        return None if self.measured is None else self.bound.holds(self.measured)

    @property
    def wanted(self) -> str:
        """`at most 2, aim 1`."""
        aim = f", aim {self.aim:g}" if self.aim is not None else ""
        return f"{self.bound.side} {self.bound.limit:.4g}{aim}"


def at_least(figure: str, measured: float | None, limit: float, aim: float | None = None) -> Target:
    """The figure must reach the limit."""
    return Target(figure=figure, measured=measured, bound=Bound.at_least(limit), aim=aim)


def at_most(figure: str, measured: float | None, limit: float, aim: float | None = None) -> Target:
    """The figure must not exceed the limit."""
    return Target(figure=figure, measured=measured, bound=Bound.at_most(limit), aim=aim)
