"""A recipe: a named list of switches that make a clip faster or smaller, at some loss that is to be measured.

A switch is here as a value, without torch: what it asks for, and what can be said of it before anything is loaded. One
that would change nothing is refused, as is one that the rest of the order makes impossible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from reelops.clip import MAX_STEPS
from reelops.cogvideox.profiles import BASELINE, SchedulerName
from reelops.cogvideox.recipes.caches import Cache
from reelops.errors import SettingsError
from reelops.params import Config, ParamsBlock

if TYPE_CHECKING:
    from reelops.cogvideox.recipes.finding import Finding


class RecipeRefused(SettingsError):
    """A switch of a recipe cannot be used, or would change nothing."""

    def __init__(self, recipe: str, switch: str, why: str, remedy: str = "") -> None:
        super().__init__(
            f"Recipe {recipe}, {switch}: {why.rstrip('.')}. {remedy or 'Choose another recipe, or leave that out.'}"
        )
        self.recipe, self.switch, self.why = recipe, switch, why


class Sampling(ParamsBlock):
    """How the schedule is walked, in place of what the profile says.

    Attributes:
        scheduler: its timesteps are "trailing", so that sampling begins with pure noise.
        steps: at most; a profile of fewer keeps its own.
        dynamic_guidance: the authors' setting for CogVideoX-5B-I2V with `dpm`; with `ddim` they do without.
    """

    scheduler: SchedulerName | None = None
    steps: int | None = Field(default=None, ge=1, le=MAX_STEPS)
    dynamic_guidance: bool | None = None


class GuidanceWindow(ParamsBlock):
    """Guidance in a part of the schedule only (Kynkäänniemi et al. 2024, arXiv:2404.07724).

    Attributes:
        begin, end: shares of the steps; in all others the network sees the prompt alone, which is half the work.
    """

    begin: float = Field(default=0.0, ge=0.0, lt=1.0)
    end: float = Field(default=1.0, gt=0.0, le=1.0)

    @model_validator(mode="after")
    def _leaves_something_out(self) -> Self:
        if self.begin >= self.end:
            raise ValueError(f"begin {self.begin:g} is not before end {self.end:g}")
        if (self.begin, self.end) == (0.0, 1.0):
            raise ValueError("from 0 to 1 is the whole schedule; give a begin or an end")
        return self

    def guided(self, step: int, steps: int) -> bool:
        """Whether a step, counted from 0, is guided."""
        return self.begin <= step / steps < self.end

    def unguided(self, steps: int) -> int:
        """How many of so many steps are not."""
        return sum(not self.guided(step, steps) for step in range(steps))


class Attention(ParamsBlock):
    """The kernel of the transformer's attention, of this model alone.

    Attributes:
        backends: names of diffusers' attention backends; the first that works here is taken.
    """

    backends: list[str] = Field(min_length=1, max_length=20)


class Compiled(ParamsBlock):
    """The transformer's blocks, compiled once for all of them.

    Attributes:
        backend: of torch.compile.
        mode: of inductor: `default`, `reduce-overhead`, `max-autotune`, `max-autotune-no-cudagraphs`.
    """

    backend: str = "inductor"
    mode: Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"] = "default"


class WeightFormat(ParamsBlock):
    """The transformer's weights in fewer bits.

    Attributes:
        format: `float8_stored` keeps them in eight bits and computes as before; `float8` computes in it too, and `int8`
            stores whole numbers, both by the package torchao.
    """

    format: Literal["float8_stored", "float8", "int8"]


class Vae(ParamsBlock):
    """How pictures are encoded and frames decoded.

    Attributes:
        channels_last: the layout in memory that convolutions are quickest with.
        tiling: in overlapping tiles, which bounds memory; a little different at their seams.
    """

    channels_last: bool = False
    tiling: bool = False

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not (self.channels_last or self.tiling):
            raise ValueError("neither channels_last nor tiling is asked for")
        return self


class KeptEncodings(ParamsBlock):
    """What text encoder and VAE made of prompts and pictures, kept for the next clips of this process.

    Attributes:
        kept: prompts, and as many pictures; the one that was not used for the longest time goes first.
    """

    kept: int = Field(default=16, ge=1, le=10_000)


class Recipe(ParamsBlock):
    """Switches by family; None leaves a thing as it is.

    Attributes:
        offload: what lies in main memory until its turn comes: whole networks, groups of layers, or single layers.
    """

    sampling: Sampling | None = None
    guidance: GuidanceWindow | None = None
    cache: Cache | None = None
    attention: Attention | None = None
    compiled: Compiled | None = None
    weights: WeightFormat | None = None
    vae: Vae | None = None
    encodings: KeptEncodings | None = None
    offload: Literal["model", "group", "sequential"] | None = None

    @property
    def switches(self) -> Mapping[str, Any]:
        """What is asked for, by family, in the order of the fields."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}

    def to_json(self) -> dict[str, Any]:
        """What is asked for, as plain JSON values."""
        return self.model_dump(mode="json", exclude_none=True)


class NamedRecipe(ParamsBlock):
    """A recipe under its name, as an order asks for it."""

    name: str = BASELINE
    recipe: Recipe = Recipe()

    def refuse(self, switch: str, why: str, remedy: str = "") -> RecipeRefused:
        """The error that says why a switch cannot be used."""
        return RecipeRefused(self.name, switch, why, remedy)


def require_acting(recipe: str, findings: Iterable[Finding]) -> None:
    """Fails a recipe of which a switch changed nothing.

    Raises:
        RecipeRefused: names the first of them.
    """
    for one in findings:
        if not one.acts:
            raise RecipeRefused(recipe, one.switch, f"it changed nothing ({one.found})")


def recipe_names(config: Config) -> list[str]:
    """Names of all recipes of params.yaml."""
    return config.names("recipes")


def find_recipe(name: str, config: Config) -> NamedRecipe:
    """The recipe of that name in params.yaml.

    Raises:
        SettingsError: there is none, or a value in it cannot be used.
    """
    return NamedRecipe(name=name, recipe=config.entry("recipes", name, Recipe))
