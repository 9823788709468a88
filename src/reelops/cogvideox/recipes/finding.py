"""What a switch did in a sampling, by count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from reelops.cogvideox.encodings import Encodings
from reelops.cogvideox.pace import Pace
from reelops.cogvideox.recipes.counting import Work

if TYPE_CHECKING:
    from reelops.cogvideox.memory import MemoryPlan
    from reelops.cogvideox.recipes.recipe import NamedRecipe
    from reelops.cogvideox.recipes.weights import HeldWeights
    from reelops.cogvideox.sampling_config import SamplingConfig


@dataclass(frozen=True)
class Finding:
    """What became of one switch.

    Attributes:
        switch: its family, and its kind where there are several.
        acts: whether it changed what is computed, kept or held, as it claims.
        found: the counts, in words.
    """

    switch: str
    acts: bool
    found: str

    def to_json(self) -> dict[str, Any]:
        return vars(self)


@dataclass
class Run:
    """One sampling with a recipe: what its switches are applied to, and what they are judged by afterwards.

    Attributes:
        pipeline: diffusers' CogVideoXImageToVideoPipeline.
        work: what the transformer really computed; complete when the sampling is.
        held: how the transformer's weights are held, where in another way than they were loaded.
        plan: how the model is held in memory.
        profile_steps: that the profile takes.
        ratios: of changes between steps, as they were measured here; None where they were not.
    """

    pipeline: Any
    named: NamedRecipe
    config: SamplingConfig
    pace: Pace = field(default_factory=Pace)
    work: Work = field(default_factory=Work)
    encodings: Encodings = field(default_factory=Encodings)
    held: HeldWeights | None = None
    plan: MemoryPlan | None = None
    profile_steps: int = 0
    ratios: Sequence[float] | None = None


Found = Callable[[], Finding]
"""What a switch did, once the sampling is over."""
Switch = Callable[[Any, Run], AbstractContextManager[Found]]
"""A family: it puts a value of its setting into effect within a block, and takes it back afterwards."""


def per_block(counts: Sequence[int]) -> str:
    """Counts of blocks in their order, equal neighbours together: `20, 4 in 3 blocks` for [20, 4, 4, 4]."""
    return ", ".join(_runs(counts))


def _runs(counts: Sequence[int]) -> Iterator[str]:
    for count, same in groupby(counts):
        blocks = len(list(same))
        yield str(count) if blocks == 1 else f"{count} in {blocks} blocks"
