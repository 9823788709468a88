"""How a clip is sampled: steps, scheduler, guidance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from reelops.clip import MAX_STEPS
from reelops.cogvideox.profiles import SchedulerName
from reelops.errors import SettingsError


@dataclass(frozen=True)
class SamplingConfig:
    """How to sample; see `ClipOrder` and `Profile` for most fields.

    Attributes:
        guided: whether a step, counted from 0, of so many is guided; None guides all where guidance is on.
        trailing: whatever the model's schedule says, its last timestep is the first of the sampling.

    Raises:
        SettingsError: a value cannot be used.
    """

    seed: int = 0
    steps: int = 50
    guidance: float = 6.0
    dynamic_guidance: bool = False
    scheduler: SchedulerName = "ddim"
    prompt_length: int = 226
    negative_prompt: str = ""
    guided: Callable[[int, int], bool] | None = None
    trailing: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MAX_STEPS:
            raise SettingsError(f"{self.steps} steps cannot be taken. Choose 1 to {MAX_STEPS}.")
        if not (math.isfinite(self.guidance) and 1.0 <= self.guidance <= 100.0):
            raise SettingsError(f"Guidance {self.guidance} is out of range. Choose 1 (off) to 100.")
        if not 0 <= self.seed < 2**63:
            raise SettingsError(f"Seed {self.seed} is out of range. Choose a whole number from 0 to 2^63 - 1.")


def guidance_at(config: SamplingConfig, timestep: int) -> float:
    """The guidance scale at a timestep.

    Dynamic guidance is 1 + w (1 - cos(pi ((n - t) / n)^5)) / 2 with n steps and t in [0, 999], as diffusers has it. As
    t runs far beyond n, the scale jumps between 1 and 1 + w for most of the way rather than rising; it is kept for the
    sake of published settings.
    """
    if not config.dynamic_guidance:
        return config.guidance
    share = (config.steps - timestep) / config.steps
    return 1.0 + config.guidance * (1.0 - math.cos(math.pi * share**5.0)) / 2.0
