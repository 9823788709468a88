"""The recipe that an order is made with: found, checked against the order, and told of afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reelops.clip import ClipOrder
from reelops.cogvideox.load import LoadedModel
from reelops.cogvideox.profiles import Profile
from reelops.cogvideox.recipes.recipe import NamedRecipe, find_recipe
from reelops.cogvideox.recipes.schedule import resolve
from reelops.cogvideox.recipes.weights import check_weights
from reelops.cogvideox.sampling_config import SamplingConfig
from reelops.params import Config

if TYPE_CHECKING:
    from reelops.cogvideox.recipes.finding import Finding, Run


def recipe_of(order: ClipOrder, profile: Profile, config: Config) -> tuple[NamedRecipe, SamplingConfig]:
    """The recipe of an order, and how a clip is sampled with it.

    Raises:
        SettingsError: there is no such recipe, or it cannot be used with the rest of the order.
    """
    named = find_recipe(order.recipe or profile.recipe, config)
    check_weights(named)
    return named, resolve(named, sampling_config(order, profile), order.steps)


def sampling_config(order: ClipOrder, profile: Profile) -> SamplingConfig:
    """How a clip of an order is sampled without a recipe."""
    return SamplingConfig(
        seed=order.seed,
        steps=profile.steps if order.steps is None else order.steps,
        guidance=profile.guidance if order.guidance is None else order.guidance,
        dynamic_guidance=profile.dynamic_guidance,
        scheduler=profile.scheduler,
        prompt_length=profile.prompt_length,
        negative_prompt=order.negative_prompt,
    )


def run_on(model: LoadedModel, named: NamedRecipe, sampling: SamplingConfig, config: Config) -> Run:
    """A sampling with a recipe on a model that is loaded."""
    from reelops.cogvideox.recipes.calibration import kept_ratios
    from reelops.cogvideox.recipes.finding import Run

    return Run(
        model.pipeline,
        named,
        sampling,
        encodings=model.encodings,
        held=model.held,
        plan=model.plan,
        profile_steps=model.profile.steps,
        ratios=kept_ratios(config.cache, model.base_revision, sampling) if named.recipe.cache else None,
    )


def sampling_seconds(seconds: Mapping[str, float]) -> float:
    """What of a clip's seconds a recipe can change: from picture to frames, the model being loaded."""
    return sum(seconds[stage] for stage in ("encode", "denoise", "decode"))


def notes_of(named: NamedRecipe, findings: Sequence[Finding]) -> tuple[str, ...]:
    """For the user: which recipe, and which of its switches changed nothing in this clip."""
    return tuple(_notes(named, findings))


def _notes(named: NamedRecipe, findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        yield f"made with the recipe {named.name}: {', '.join(named.recipe.switches)}"
    for one in findings:
        if not one.acts:
            yield f"recipe {named.name}, {one.switch}: it changed nothing in this clip ({one.found})"


def recipe_facts(named: NamedRecipe, findings: Sequence[Finding]) -> dict[str, Any]:
    """The recipe in full, and what its switches did, as plain JSON values; the baseline by its name alone."""
    if not findings:
        return {"recipe": named.name}
    return {
        "recipe": named.name,
        "recipe_asks": named.recipe.to_json(),
        "recipe_did": [one.to_json() for one in findings],
    }
