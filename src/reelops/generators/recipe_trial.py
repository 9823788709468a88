"""A recipe tried out here: a clip with it and one without, and what each of its switches did."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reelops.clip import ClipOrder
from reelops.cogvideox.profiles import BASELINE, Profile, find_profile
from reelops.cogvideox.recipes.finding import Finding
from reelops.cogvideox.recipes.recipe import NamedRecipe, RecipeRefused, find_recipe, recipe_names
from reelops.generators.cogvideox import CogVideoXGenerator
from reelops.generators.cogvideox_recipe import recipe_of, sampling_seconds
from reelops.params import Config
from reelops.progress import QUIET, RunContext
from reelops.system.scratch import scratch_folder


@dataclass(frozen=True)
class Usable:
    """Whether an order may name a recipe, as far as can be said before anything is loaded.

    Attributes:
        switches: of the recipe, by family.
        refusal: None where nothing speaks against it.
    """

    name: str
    switches: tuple[str, ...]
    refusal: str | None


@dataclass(frozen=True)
class RecipeTrial:
    """What a recipe did.

    Attributes:
        findings: of each switch, in the order of the recipe.
        seconds, baseline_seconds: from picture to frames, the model being loaded, each of one clip.
        difference: mean of the frames' differences, in grey levels of 255.
    """

    name: str
    profile: str
    findings: tuple[Finding, ...]
    seconds: float
    baseline_seconds: float
    difference: float

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "findings": [one.to_json() for one in self.findings]}


def list_recipes(order: ClipOrder, config: Config) -> Iterator[Usable]:
    """All recipes of params.yaml, and whether they can be used with an order.

    Raises:
        SettingsError: there is no such profile, or it is of another kind.
    """
    profile = find_profile(order.profile, config)
    for name in recipe_names(config):
        yield _usable(name, order, profile, config)


def _usable(name: str, order: ClipOrder, profile: Profile, config: Config) -> Usable:
    switches = tuple(find_recipe(name, config).recipe.switches)
    try:
        recipe_of(order.but(recipe=name), profile, config)
    except RecipeRefused as error:
        return Usable(name, switches, str(error))
    return Usable(name, switches, None)


def try_recipe(order: ClipOrder, config: Config, context: RunContext = QUIET) -> RecipeTrial:
    """Makes the order's clip with its recipe and without, on the model that is loaded once for both if it can be.

    What the recipe goes by and is not known of the model is measured first.

    Raises:
        RecipeRefused: it cannot be used here.
        WeightsError, MachineError: the model cannot run here.
    """
    named, _ = recipe_of(order, find_profile(order.profile, config), config)
    _require_switches(named)
    generator = CogVideoXGenerator(config, calibrates=True)
    plain = generator.generate(order.but(recipe=BASELINE), context)
    made = generator.generate(order, context)
    with_it, without = made.read_frames(), plain.read_frames()
    return RecipeTrial(
        named.name,
        order.profile,
        tuple(Finding(**one) for one in made.facts.own["recipe_did"]),
        sampling_seconds(made.seconds),
        sampling_seconds(plain.seconds),
        difference=float(np.abs(with_it.astype(np.int16) - without).mean()),
    )


def _require_switches(named: NamedRecipe) -> None:
    if not named.recipe.switches:
        raise RecipeRefused(named.name, "no switch", "there is nothing to try", "Name another recipe.")


@contextmanager
def any_picture(config: Config) -> Iterator[Path]:
    """A picture to try recipes on where nobody gives one: smooth colours, edges and a texture, 720x480."""
    from PIL import Image

    y, x = np.mgrid[0:480, 0:720]
    grain = np.random.default_rng(0).integers(-12, 13, (480, 720, 1))
    colours = np.stack([255 * x / 720, 255 * y / 480, 128 + 80 * np.sin(x / 40) * np.cos(y / 30)], -1)
    colours[120:300, 150:330] = (230, 60, 40)
    with scratch_folder(config.cache) as folder:
        path = folder / "picture.png"
        Image.fromarray((colours + grain).clip(0, 255).astype(np.uint8)).save(path)
        yield path
