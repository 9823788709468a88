"""Step caches as values: which part of the network each may skip, and how many steps it needs to skip any.

A cache takes what a part of the network made in an earlier step for what it would make in this one. One at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reelops.params import ParamsBlock

# Timesteps count from 999, noise, down to 0.
Timestep = Annotated[int, Field(ge=-1, le=1000)]
Every = Annotated[int, Field(ge=2, le=1000)]


class _Window(ParamsBlock):
    """Attention is computed every so many steps where the timestep lies between two, and else taken from before."""

    every: Every = 2
    timesteps: tuple[Timestep, Timestep] = (100, 800)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.timesteps[0] >= self.timesteps[1]:
            raise ValueError(f"timesteps {list(self.timesteps)} are not a lower and a higher one")
        return self

    def _skipped(self, timesteps: Sequence[int]) -> int:
        low, high = self.timesteps
        return sum(low < at < high and step % self.every != 0 for step, at in enumerate(timesteps))


class FirstBlock(ParamsBlock):
    """All blocks but the first are skipped where the first one's change is nearly that of the step before
    (First Block Cache, from ParaAttention).

    Attributes:
        threshold: the relative difference below which they are.
    """

    kind: Literal["first_block"]
    threshold: float = Field(default=0.1, gt=0.0, le=10.0)

    def most_skipped(self, timesteps: Sequence[int]) -> int:
        """Steps of a sampling that it can skip at most."""
        return len(timesteps) - 1


class PyramidAttention(_Window):
    """Attention of the middle of the schedule is taken from the step before (Zhao et al. 2024, arXiv:2408.12588)."""

    kind: Literal["pyramid_attention"]

    def most_skipped(self, timesteps: Sequence[int]) -> int:
        return self._skipped(timesteps)


class Faster(_Window):
    """The empty prompt's half, and attention beside it, are extrapolated (Lv et al. 2024, arXiv:2410.19355).

    Attributes:
        every, timesteps: of attention.
        guidance_every, guidance_timesteps: of the empty prompt's half.
        weight: how far attention is extrapolated.
    """

    kind: Literal["faster"]
    timesteps: tuple[Timestep, Timestep] = (-1, 681)
    guidance_every: Every = 5
    guidance_timesteps: tuple[Timestep, Timestep] = (-1, 641)
    weight: float = Field(default=0.5, ge=0.0, le=1.0)

    def most_skipped(self, timesteps: Sequence[int]) -> int:
        low, high = self.guidance_timesteps
        return sum(low < at < high and step % self.guidance_every != 0 for step, at in enumerate(timesteps))


class Magnitude(ParamsBlock):
    """All blocks are skipped as long as the known ratios of their changes say that little is lost
    (MagCache, Ma et al. 2025, arXiv:2506.09045).

    Attributes:
        threshold: error that may add up.
        most: steps that are skipped in a row, at most.
        retained: share of the first steps that are never skipped.
        ratios: of the changes of each step and the one before; None takes those that were measured here for the model
            and the schedule.
    """

    kind: Literal["magnitude"]
    threshold: float = Field(default=0.06, gt=0.0, le=10.0)
    most: int = Field(default=3, ge=1, le=1000)
    retained: float = Field(default=0.2, ge=0.0, lt=1.0)
    ratios: list[Annotated[float, Field(ge=0.0, le=1000.0)]] | None = Field(default=None, min_length=1)

    def most_skipped(self, timesteps: Sequence[int]) -> int:
        return max(0, len(timesteps) - max(1, int(self.retained * len(timesteps) + 0.5)))


class TaylorSeer(ParamsBlock):
    """Attention and feed-forward layers are extrapolated from the steps before (Liu et al. 2025, arXiv:2503.06923).

    Attributes:
        every: steps from one whole computation to the next.
        begin: steps that are computed whole before it begins.
        order: of the series.
        lite: keep the network's last layer alone, which takes next to no memory, and skip all blocks.
    """

    kind: Literal["taylorseer"]
    every: Every = 3
    begin: int = Field(default=3, ge=2, le=1000)
    order: int = Field(default=1, ge=1, le=4)
    lite: bool = False

    def most_skipped(self, timesteps: Sequence[int]) -> int:
        return sum((step - self.begin - 1) % self.every != 0 for step in range(self.begin, len(timesteps)))


Cache = Annotated[FirstBlock | PyramidAttention | Faster | Magnitude | TaylorSeer, Field(discriminator="kind")]
"""Any of them, by `kind` in params.yaml."""


def switch_name(cache: Cache) -> str:
    """How a cache is called to people."""
    return f"cache {cache.kind}"


def skips_whole_blocks(cache: Cache) -> bool:
    """Whether it skips nothing within a block, so that it can go with compiled ones."""
    return isinstance(cache, FirstBlock | Magnitude) or (isinstance(cache, TaylorSeer) and cache.lite)
