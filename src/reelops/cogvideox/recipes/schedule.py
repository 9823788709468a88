"""How the schedule is walked, and which of its steps are guided: what a recipe changes of a sampling's settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from reelops.cogvideox.recipes.caches import Faster, FirstBlock, TaylorSeer, skips_whole_blocks, switch_name
from reelops.cogvideox.recipes.finding import Finding, Found, Run
from reelops.cogvideox.recipes.recipe import GuidanceWindow, NamedRecipe, Sampling
from reelops.cogvideox.sampling_config import SamplingConfig

_TIMESTEPS = 1000  # of CogVideoX's noise schedule


def resolve(named: NamedRecipe, given: SamplingConfig, steps_asked: int | None = None) -> SamplingConfig:
    """The settings of a sampling with a recipe, which is refused where a switch of it would change nothing.

    Args:
        given: as profile and order have it.
        steps_asked: by the order, which count whatever the recipe says.

    Raises:
        RecipeRefused: a switch is of no use with these settings, or with another one.
    """
    recipe, config = named.recipe, given
    if recipe.sampling is not None:
        config = _sampled(named, recipe.sampling, given, steps_asked)
    if recipe.guidance is not None:
        config = _guided(named, recipe.guidance, config)
    if recipe.cache is not None:
        _check_cache(named, config)
    if recipe.compiled is not None and recipe.offload == "sequential":
        raise named.refuse("compiled", "blocks whose layers come to the GPU one by one are no code of one piece")
    if recipe.weights is not None and recipe.offload == "sequential":
        raise named.refuse("weights", "layers that come to the GPU one by one cannot be stored in another format")
    return config


def _sampled(named: NamedRecipe, asked: Sampling, given: SamplingConfig, steps_asked: int | None) -> SamplingConfig:
    scheduler = asked.scheduler or given.scheduler
    dynamic = given.dynamic_guidance if asked.dynamic_guidance is None else asked.dynamic_guidance
    if asked.dynamic_guidance and scheduler != "dpm":
        raise named.refuse("sampling", "dynamic guidance is meant for dpm, and with ddim the authors do without it")
    if asked.dynamic_guidance and given.guidance <= 1.0:
        raise named.refuse("sampling", "guidance is off, so dynamic guidance would change nothing")
    steps = given.steps if steps_asked is not None or asked.steps is None else min(given.steps, asked.steps)
    config = replace(given, scheduler=scheduler, dynamic_guidance=dynamic, steps=steps, trailing=True)
    if replace(config, trailing=given.trailing) == given and steps_asked is None:
        fewer = "" if asked.steps is None else f": {asked.steps} steps are no fewer than {given.steps}"
        raise named.refuse("sampling", f"the profile samples so already{fewer}")
    return config


def _guided(named: NamedRecipe, window: GuidanceWindow, config: SamplingConfig) -> SamplingConfig:
    if config.guidance <= 1.0:
        raise named.refuse("guidance", "it is off, so there is no step to leave it out of")
    left_out = window.unguided(config.steps)
    if left_out in (0, config.steps):
        raise named.refuse("guidance", f"of {config.steps} steps {'none' if not left_out else 'all'} would be left out")
    return replace(config, guided=window.guided)


def _check_cache(named: NamedRecipe, config: SamplingConfig) -> None:
    cache = named.recipe.cache
    assert cache is not None
    switch = switch_name(cache)
    if isinstance(cache, Faster) and config.guidance <= 1.0:
        raise named.refuse(switch, "guidance is off, and it is the empty prompt's half that it skips")
    if named.recipe.guidance is not None and not _knows_both_kinds_of_steps(named):
        raise named.refuse(switch, "it cannot tell guided steps from others; leave out `guidance`")
    if named.recipe.compiled is not None and not skips_whole_blocks(cache):
        raise named.refuse(switch, "it works within blocks, which are compiled as a whole; leave out `compiled`")
    if cache.most_skipped(_trailing(config.steps)) < 1:
        raise named.refuse(switch, f"of {config.steps} step{'s' * (config.steps != 1)} it would skip none")


def _knows_both_kinds_of_steps(named: NamedRecipe) -> bool:
    """Whether what a cache keeps is kept apart by the name that the loop gives to a step."""
    return isinstance(named.recipe.cache, FirstBlock | TaylorSeer)


def _trailing(steps: int) -> list[int]:
    """Timesteps of so many steps, the noisiest first, as both schedulers have them with trailing spacing."""
    return [round(_TIMESTEPS - step * _TIMESTEPS / steps) - 1 for step in range(steps)]


@contextmanager
def sampling_set(_asked: Sampling, run: Run) -> Iterator[Found]:
    """What the settings of the sampling say; the loop goes by them."""
    config = run.config
    words = f"{config.scheduler}, {config.steps} steps"
    words += f" in place of {run.profile_steps}" if run.profile_steps > config.steps else ""
    words += ", dynamic guidance" if config.dynamic_guidance else ""
    yield lambda: Finding("sampling", run.pace.passes == config.steps, words)


@contextmanager
def guidance_set(_window: GuidanceWindow, run: Run) -> Iterator[Found]:
    """What the settings of the sampling say of guided steps."""
    pace = run.pace
    yield lambda: Finding(
        "guidance", pace.unguided > 0, f"left out of {pace.unguided} of {pace.passes} steps, which are half the work"
    )
