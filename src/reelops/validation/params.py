"""The block `validate` of params.yaml."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import (
    Field,
    field_validator,
    model_validator,
)

from reelops.camera.request import asked_move
from reelops.gate.bound import Bound
from reelops.metrics.catalogue import METRICS
from reelops.params import MOST, AmountOrZero, Count, CountOrZero, ParamsBlock, Seed

Share = Annotated[float, Field(ge=0, le=1)]
Split = Literal["validation", "test"]


class TraitLimit(ParamsBlock):
    """One of the things that all have to hold where a style is present.

    Attributes:
        metric: a name of `METRICS`.
        at_least, at_most: in the metric's unit; one of them or both.
    """

    metric: str
    at_least: float | None = Field(default=None, ge=-MOST, le=MOST)
    at_most: float | None = Field(default=None, ge=-MOST, le=MOST)

    @field_validator("metric")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in METRICS:
            raise ValueError(f"there is no such metric; one of {', '.join(METRICS)} is wanted")
        return name

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.at_least is None and self.at_most is None:
            raise ValueError("`at_least` or `at_most` is wanted")
        return self

    @property
    def bounds(self) -> list[Bound]:
        low = [] if self.at_least is None else [Bound.at_least(self.at_least)]
        high = [] if self.at_most is None else [Bound.at_most(self.at_most)]
        return low + high

    def holds(self, value: float | None) -> bool:
        """Whether a clip's value keeps to it; what could not be measured does not."""
        return all(bound.holds(value) for bound in self.bounds)

    @property
    def words(self) -> str:
        """Its bounds for people: `at least 0.4`."""
        return " and ".join(bound.words() for bound in self.bounds)


class Prompts(ParamsBlock):
    """Prompts, each tried on some of the pictures.

    Attributes:
        pictures: on how many; which ones goes round from prompt to prompt.
    """

    pictures: Count = 2
    prompts: list[str] = Field(min_length=1)

    @field_validator("prompts")
    @classmethod
    def _say_something(cls, prompts: list[str]) -> list[str]:
        if not all(prompt.strip() for prompt in prompts):
            raise ValueError("one of them is empty")
        if len(set(prompts)) != len(prompts):
            raise ValueError("one of them is there twice")
        return prompts


class Moves(Prompts):
    """Prompts that each ask for a camera move, which is measured."""

    @field_validator("prompts")
    @classmethod
    def _ask_for_a_move(cls, prompts: list[str]) -> list[str]:
        for prompt in prompts:
            if asked_move(prompt) is None:
                raise ValueError(f"{prompt!r} asks for no camera move")
        return prompts


class Style(Prompts):
    """What the adapter was trained for: how it is called, and how one sees that it is there.

    Attributes:
        name: for people.
        phrase: in every prompt of this group, and in no other.
        trait: limits that all have to hold in a clip that shows the style.
    """

    name: str
    phrase: str = Field(min_length=1)
    trait: list[TraitLimit] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_called(self) -> Self:
        for prompt in self.prompts:
            if not self.called_by(prompt):
                raise ValueError(f"prompt {prompt!r} does not say the phrase {self.phrase!r}")
        return self

    def called_by(self, prompt: str) -> bool:
        return self.phrase.lower() in prompt.lower()


class Limits(ParamsBlock):
    """What an adapter has to reach. None checks nothing.

    Attributes:
        max_style_in_base: largest share of base clips that show the style where prompts ask for it.
        min_style_in_adapter: smallest share of adapter clips that do.
        max_style_uncalled: largest share of adapter clips that show it where prompts do not ask for it.
        max_adherence_loss: how far the share of clips whose camera does as asked may fall.
        max_added_rejections: how far the share of clips that the gate rejects may rise, on prompts without the phrase.
        max_reload_difference: between plain diffusers' frames and ours, as a share of what the adapter changes.
        min_change: mean absolute difference that the adapter makes to a clip, in grey levels.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "style_in_base": "max_style_in_base",
        "style_in_adapter": "min_style_in_adapter",
        "style_uncalled": "max_style_uncalled",
        "adherence_lost": "max_adherence_loss",
        "rejections_added": "max_added_rejections",
        "reload_difference": "max_reload_difference",
        "least_change": "min_change",
    }

    max_style_in_base: Share | None
    min_style_in_adapter: Share | None
    max_style_uncalled: Share | None
    max_adherence_loss: Share | None
    max_added_rejections: Share | None
    max_reload_difference: AmountOrZero | None
    min_change: AmountOrZero | None


class ValidateParams(ParamsBlock):
    """How an adapter is held against its base.

    Attributes:
        profile: the base.
        seed: decides which pictures are taken, and the seed of every clip.
        pictures: at most so many, of as many different photographs as there are.
        splits: of data/metadata/clips.parquet, whose pictures were kept from training.
        held_out: globs of further pictures, relative to the project; what is not there is left out, with a note.
        moves, style, prompts: the three groups of prompts; None leaves a group out.
        side_by_sides: so many pairs are shown as videos.
    """

    profile: str
    seed: Seed = 0
    pictures: Count = 6
    splits: list[Split] = Field(default=["validation", "test"])
    held_out: list[str] = Field(default=[])
    moves: Moves | None = None
    style: Style | None = None
    prompts: Prompts | None = None
    side_by_sides: CountOrZero = 8
    limits: Limits

    @model_validator(mode="after")
    def _has_prompts(self) -> Self:
        if not self.groups:
            raise ValueError("one of `moves`, `style` and `prompts` is wanted")
        if self.style:
            for name, group in self.groups:
                for prompt in group.prompts:
                    if name != "style" and self.style.called_by(prompt):
                        raise ValueError(f"{name}.prompts: {prompt!r} says the phrase of the style")
        return self

    @property
    def groups(self) -> Sequence[tuple[str, Prompts]]:
        """The groups of prompts that there are, by name."""
        named = (("style", self.style), ("moves", self.moves), ("prompts", self.prompts))
        return [(name, group) for name, group in named if group is not None]
