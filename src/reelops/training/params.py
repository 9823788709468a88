"""The blocks `latents` and `train` of params.yaml.

What a project chooses stands in params.yaml and has no default here. Every default is here and nowhere else:
CogVideoX's own recipe where it has a value, so params.yaml names only what differs from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from reelops.dataset.table import CLIPS
from reelops.errors import SettingsError
from reelops.params import Amount, AmountOrZero, Count, CountOrZero, ParamsBlock, Seed

Share = Annotated[float, Field(ge=0, le=1)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Dtype = Literal["float32", "bfloat16", "float16"]
RECIPE_TARGETS = ("to_q", "to_k", "to_v", "to_out.0")


class LatentParams(ParamsBlock):
    """What is encoded, and how.

    Attributes:
        profile: the base model whose VAE and text encoder are used.
        table: the table of clips that `reelops metadata` makes, relative to the project.
        noised_pictures: how many noised encodings of a clip's picture training draws from; 0 trains on clean pictures.
        dtype: what the encoders compute in. What they make is kept in float32 if that is it, else in float16.
        seed: of the noise on the pictures.
        max_failed_share: the share of clips that may fail before the stage does.
    """

    renamed: ClassVar[Mapping[str, str]] = {"most_lost": "max_failed_share"}

    profile: str
    table: Path = CLIPS
    noised_pictures: CountOrZero = 4
    dtype: Dtype = "bfloat16"
    seed: Seed = 0
    max_failed_share: float = Field(default=0.2, ge=0.0, le=1.0)


class Budget(ParamsBlock):
    """Where training ends whatever the steps: in hours, or in money at so much an hour."""

    hours: Amount | None = None
    money: Amount | None = None
    money_per_hour: Amount | None = None
    currency: str = "USD"

    @model_validator(mode="after")
    def _money_has_a_rate(self) -> Self:
        if self.money is not None and self.money_per_hour is None:
            raise ValueError("`money` needs `money_per_hour`, the price of this machine")
        return self

    @property
    def seconds(self) -> float | None:
        """Whichever limit comes first."""
        limits = [self.hours] if self.hours is not None else []
        if self.money is not None and self.money_per_hour is not None:
            limits.append(self.money / self.money_per_hour)
        return min(limits) * 3600 if limits else None

    def cost_of(self, seconds: float) -> str | None:
        """What so many seconds cost, in words; None where no price is given."""
        if self.money_per_hour is None:
            return None
        return f"{seconds / 3600 * self.money_per_hour:.2f} {self.currency}"


class HeldOutParams(ParamsBlock):
    """The loss on clips of the split `validation`, at fixed timesteps and with fixed noise.

    Attributes:
        every: steps between two evaluations; 0 does none.
        clips: how many clips, the first by a digest of their names.
        quantiles: where on the way from data (0) to noise (1).
        patience: evaluations without a better loss after which training stops; 0 never stops for that.
        min_improvement: share of the best loss by which a loss has to be below it to count as better.
    """

    renamed: ClassVar[Mapping[str, str]] = {"least_gain": "min_improvement"}

    every: CountOrZero = 100
    clips: Count = 4
    quantiles: list[Share] = Field(default=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9], min_length=1)
    patience: CountOrZero = 0
    min_improvement: AmountOrZero = 0.0


class TrainParams(ParamsBlock):
    """How an adapter is trained.

    Attributes:
        name: of the adapter; its folder under models/adapters and its name in the registry.
        profile: the base model; the one the latents were made with.
        start_from: an adapter to start from, with the same rank and targets.
        other_base: start from it though it was trained on another base.
        rank, alpha: W + alpha / rank * B A.
        targets: layers that get an adapter, by the end of their names.
        steps: optimizer steps.
        batch: samples per step, over all devices and accumulated passes; what is learnt depends on it alone.
        micro_batch: samples per pass of one device; as many passes are accumulated as `batch` needs.
        frames_per_step: latent frames that a step sees, the first and others drawn for each step, at their true
            positions; None sees whole clips. Far cheaper on a processor, and no longer CogVideoX's own recipe.
        min_timestep: timesteps are drawn evenly from here to 999. 0 is CogVideoX's own recipe; a base that is
            sampled in few steps starts each of them high, and learns sooner what it is asked there.
        lr, schedule, warmup_steps: the learning rate rises over the warm-up, then follows the schedule.
        optimizer: `adamw`; `offload` keeps its averages in main memory; `adamw8bit` needs bitsandbytes and a GPU. Where
            these are missing adamw is taken, and the result says so.
        ema: decay of an average of the adapter, which is then what is evaluated and published; None keeps none.
        text_dropout, picture_dropout: how often a sample loses its caption or its picture.
        empty_text: what a lost caption becomes: what the text encoder makes of "", as in sampling, or zeros.
        prompt_probability: how often a clip is described by its prompt rather than by one of its other captions.
        dtype: what the base computes in; None chooses by machine. Adapter and loss are float32 in any case.
        gradient_checkpointing: less memory, a third more time.
        workers: processes that read samples; 0 reads in the training process. They change no bit of the result.
        checkpoint_every, keep_checkpoints: steps between checkpoints, and how many stay.
        publish: `best` held-out loss or `last` step.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "frames_a_step": "frames_per_step",
        "lowest_timestep": "min_timestep",
        "prompt_share": "prompt_probability",
    }

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    profile: str
    start_from: Path | None = None
    other_base: bool = False
    rank: Count = 64
    alpha: Amount = 64.0
    targets: list[str] = Field(default=list(RECIPE_TARGETS), min_length=1)
    steps: Count = 1000
    batch: Count = 1
    micro_batch: Count = 1
    frames_per_step: Count | None = None
    min_timestep: int = Field(default=0, ge=0, le=999)
    lr: float = Field(default=1e-4, gt=0, le=1000)
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    warmup_steps: CountOrZero = 50
    optimizer: Literal["adamw", "adamw8bit", "offload"] = "adamw"
    betas: tuple[Beta, Beta] = (0.9, 0.95)
    weight_decay: AmountOrZero = 1e-3
    clip_norm: Amount = 1.0
    ema: float | None = Field(default=None, gt=0, lt=1)
    text_dropout: float = Field(default=0.1, ge=0.0, le=1.0)
    picture_dropout: float = Field(default=0.05, ge=0.0, le=1.0)
    empty_text: Literal["encoded", "zeros"] = "encoded"
    prompt_probability: float = Field(default=0.5, ge=0.0, le=1.0)
    dtype: Literal["float32", "bfloat16"] | None = None
    gradient_checkpointing: bool = True
    seed: Seed = 0
    workers: int = Field(default=0, ge=0, le=1024)
    checkpoint_every: Count = 100
    keep_checkpoints: Count = 2
    publish: Literal["best", "last"] = "last"
    held_out: HeldOutParams = HeldOutParams()
    budget: Budget = Budget()

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.batch % self.micro_batch:
            raise ValueError(f"`batch` {self.batch} is no multiple of `micro_batch` {self.micro_batch}")
        return self

    @model_validator(mode="after")
    def _best_needs_held_out(self) -> Self:
        if self.held_out.every == 0 and (self.publish == "best" or self.held_out.patience):
            raise ValueError("`publish: best` and `held_out.patience` need `held_out.every` above 0")
        return self

    def accumulated(self, devices: int) -> int:
        """Passes of every device in one step.

        Raises:
            SettingsError: the batch cannot be shared out evenly.
        """
        passes, rest = divmod(self.batch, self.micro_batch * devices)
        if rest or not passes:
            raise SettingsError(
                f"train.batch is {self.batch}, which {devices} devices with {self.micro_batch} samples per pass cannot "
                f"share evenly. Choose a multiple of {self.micro_batch * devices}."
            )
        return passes

    def learning_rate(self, step: int) -> float:
        """Of the step that comes after `step` finished ones: a function of the step alone, so nothing needs saving."""
        import math

        if step < self.warmup_steps:
            return self.lr * (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        left = {"constant": 1.0, "linear": 1.0 - done, "cosine": 0.5 * (1.0 + math.cos(math.pi * done))}
        return self.lr * left[self.schedule]

    def identity(self) -> dict[str, Any]:
        """What decides the weights, as JSON values: two runs that differ elsewhere only are the same run."""
        elsewhere = {"micro_batch", "workers", "checkpoint_every", "keep_checkpoints", "budget", "name"}
        elsewhere |= {"gradient_checkpointing", "publish", "other_base"}
        values: dict[str, Any] = json.loads(self.model_dump_json(exclude=elsewhere))
        return values
