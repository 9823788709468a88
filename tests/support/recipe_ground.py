"""A small model of several blocks, sampled with and without recipes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from small_model import CLIP, PROMPT_LENGTH

from reelops.cogvideox.recipes.applied import recipe_applied
from reelops.cogvideox.recipes.finding import Finding, Run
from reelops.cogvideox.recipes.recipe import NamedRecipe, Recipe
from reelops.cogvideox.recipes.schedule import resolve
from reelops.cogvideox.sampling import sample_frames
from reelops.cogvideox.sampling_config import SamplingConfig

BLOCKS = 3
STEPS = 12
CONFIG = SamplingConfig(seed=7, steps=STEPS, guidance=3.0, prompt_length=PROMPT_LENGTH)


@dataclass(frozen=True)
class Made:
    """A clip made with a recipe, what each switch did, and the run."""

    frames: np.ndarray
    findings: dict[str, Finding]
    run: Run


def recipe_of(**switches: Any) -> NamedRecipe:
    """A recipe called `mine`."""
    return NamedRecipe(name="mine", recipe=Recipe(**switches))


def made_with(
    pipeline: Any,
    picture: np.ndarray,
    config: SamplingConfig = CONFIG,
    run: dict[str, Any] | None = None,
    **switches: Any,
) -> Made:
    """A clip with these switches.

    Args:
        run: further fields of the run.
    """
    named = recipe_of(**switches)
    resolved = resolve(named, config)
    this = Run(pipeline, named, resolved, profile_steps=config.steps, **(run or {}))
    with recipe_applied(this) as applied:
        sampled = sample_frames(pipeline, picture, "pan left", CLIP, resolved, pace=this.pace, encodings=this.encodings)
        findings = dict(zip(switches, applied.findings(), strict=True))
    return Made(sampled.frames_THWC, findings, this)
