"""The gate's limits: the `gate` block of params.yaml, validated when it is read.

Each metric has its limits, beyond which a clip is looked at by a person or rejected. A profile states what differs
from `default`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, Field, RootModel, field_validator, model_validator

from reelops.errors import SettingsError, did_you_mean
from reelops.gate.bound import Bound
from reelops.gate.decision import Decision
from reelops.metrics.catalogue import METRICS
from reelops.params import MOST, Config, ParamsBlock
from reelops.settings import with_home

DEFAULT = "default"


class Limit(ParamsBlock):
    """What a metric must keep to.

    Attributes:
        reject_below, review_below, review_above, reject_above: beyond these, in the metric's unit; the limit itself is
            still good.
        if_static_asked: what is asked for is not held against a clip. Where the prompt asked for a camera that does not
            move, `review` softens a rejection, and so does `accept`, which drops the limit where that was measured,
            too; `accept_if_still` drops it where moreover nothing else moves.
        unless_move_asked: the limit is for clips whose prompt names no camera move.
        unless_light_asked: the limit is for clips whose prompt asks for no light that changes.
    """

    reject_below: float | None = Field(default=None, ge=-MOST, le=MOST)
    review_below: float | None = Field(default=None, ge=-MOST, le=MOST)
    review_above: float | None = Field(default=None, ge=-MOST, le=MOST)
    reject_above: float | None = Field(default=None, ge=-MOST, le=MOST)
    if_static_asked: Literal["review", "accept", "accept_if_still"] | None = None
    unless_move_asked: bool = False
    unless_light_asked: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> Limit:
        named = ("reject_below", "review_below", "review_above", "reject_above")
        given = [(name, value) for name in named if (value := getattr(self, name)) is not None]
        if not given:
            raise ValueError(f"at least one of {', '.join(named)} is wanted")
        for (lower, low), (upper, high) in itertools.pairwise(given):
            if low > high:
                raise ValueError(f"{lower} ({low:g}) must not be greater than {upper} ({high:g})")
        return self

    @property
    def accepted(self) -> tuple[float | None, float | None]:
        """The least and the greatest value that a clip is accepted with; None where that side has no limit."""
        low = self.review_below if self.review_below is not None else self.reject_below
        high = self.review_above if self.review_above is not None else self.reject_above
        return low, high

    def judge(self, value: float, static_asked: bool) -> tuple[Decision, Bound] | None:
        """What the worst limit that a finite value is beyond leads to, and that limit; None within all."""
        harshest = Decision.REVIEW if static_asked and self.if_static_asked else Decision.REJECT
        for decision, low, high in (
            (harshest, self.reject_below, self.reject_above),
            (Decision.REVIEW, self.review_below, self.review_above),
        ):
            for bound in _bounds(low, high):
                if not bound.holds(value):
                    return decision, bound
        return None


def _bounds(low: float | None, high: float | None) -> Iterator[Bound]:
    if low is not None:
        yield Bound.at_least(low)
    if high is not None:
        yield Bound.at_most(high)


class ProfileLimits(ParamsBlock):
    """Limits by metric, and what follows when another camera move is measured than was asked for.

    None, and a metric that is left out, leave it to the default block. What `finished` names is for clips alone that
    carry their picture's detail: a clip as it was generated may be softer than anybody would accept of those.
    """

    wrong_camera_move: Decision | None = None
    metrics: Mapping[str, Limit] = {}
    finished: Mapping[str, Limit] = {}

    @field_validator("metrics", "finished")
    @classmethod
    def _known(cls, metrics: Mapping[str, Limit]) -> Mapping[str, Limit]:
        for name in metrics:
            if name not in METRICS:
                raise ValueError(f"there is no metric {name!r}; one of {', '.join(METRICS)} is wanted")
        return metrics


class GateSettings(RootModel[Mapping[str, ProfileLimits]]):
    """The `gate` block of params.yaml: `default`, and for each profile what differs from it."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="after")
    def _has_default(self) -> GateSettings:
        default = self.root.get(DEFAULT)
        if default is None or default.wrong_camera_move is None:
            raise ValueError(f"a block {DEFAULT!r} with wrong_camera_move is wanted")
        return self

    def limits_of(self, profile: str, finished: bool = False) -> GateLimits:
        """The limits of a profile; the default ones where it has none of its own.

        Args:
            finished: the clip carries its picture's detail.
        """
        default = self.root[DEFAULT]
        own = self.root.get(profile)
        wrong_camera_move = (own and own.wrong_camera_move) or default.wrong_camera_move
        assert wrong_camera_move is not None
        return GateLimits(
            name=profile if own else DEFAULT,
            wrong_camera_move=wrong_camera_move,
            metrics={**default.metrics, **(own.metrics if own else {}), **(own.finished if own and finished else {})},
        )


@dataclass(frozen=True)
class GateLimits:
    """The limits that a clip is judged by, and whose they are."""

    name: str
    wrong_camera_move: Decision
    metrics: Mapping[str, Limit]


def load_gate_settings(config: Config) -> GateSettings:
    """The `gate` block.

    Raises:
        SettingsError: it is missing or cannot be used, or has limits for a profile that is not there.
    """
    settings = config.block("gate", GateSettings)
    for name in settings.root:
        require_profile(name, config, f"{config.params_file}: gate.{name}")
    return settings


def require_profile(name: str, config: Config, what: str) -> None:
    """That limits can be those of `name`: a profile, the folder of a model, or the default.

    Args:
        what: where it was named, to begin the sentence with.

    Raises:
        SettingsError: it is none of them.
    """
    known = [DEFAULT, *config.names("profiles")]
    if name not in known and not (config.root / with_home(Path(name))).is_dir():
        guess = did_you_mean(name, known) or f" There are: {', '.join(known)}."
        raise SettingsError(f"{what} is no profile and no folder.{guess}")
