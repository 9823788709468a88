"""The values everything passes around: a clip's format, a clip in a file, an order for one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from reelops.errors import InputError, PromptError
from reelops.params import describe

DEFAULT_PROFILE = "tiny"
"""The profile that ships with its weights, so that a first clip needs no download."""
PictureFit = Literal["crop", "pad"]
Quality = Literal["high", "medium", "low", "fast", "lossless"]


@dataclass(frozen=True)
class ClipFormat:
    """Frames, exact rate (frames per second) and size in pixels."""

    num_frames: int
    fps: Fraction
    width: int
    height: int

    @property
    def seconds(self) -> Fraction:
        return self.num_frames / self.fps


@dataclass(frozen=True)
class Clip:
    """A finished clip: a file under its final name, the digest of its bytes, and notes for the user."""

    path: Path
    sha256: str
    format: ClipFormat
    notes: tuple[str, ...] = ()


class ClipOrder(BaseModel):
    """What somebody asks for: the one place where an order's fields are declared.

    Command-line options, the form on Prefect's page and every other way to order a clip are made from these fields;
    their descriptions are the help that people read. None leaves the choice to the profile.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    picture: Path = Field(description="The picture that the clip starts from.")
    prompt: str = Field(description="A sentence or a few; it may name a camera move, such as 'slow zoom in'.")
    profile: str = Field(
        default=DEFAULT_PROFILE, description="A profile of params.yaml, or a folder in diffusers layout."
    )
    seed: int = Field(
        default=0, ge=0, lt=2**63, description="The same seed gives the same clip, bit for bit, on one machine."
    )
    steps: int | None = Field(default=None, ge=1, le=1000, description="Sampling steps.")
    guidance: float | None = Field(
        default=None,
        ge=1.0,
        le=100.0,
        allow_inf_nan=False,
        description="How strictly the prompt is followed; 1 is off.",
    )
    negative_prompt: str = Field(default="", description="What to steer away from.")
    adapter: Path | None = Field(default=None, description="A LoRA, file or folder.")
    adapter_strength: float = Field(default=1.0, allow_inf_nan=False, description="1 applies the adapter as trained.")
    fit: PictureFit = Field(default="crop", description="A picture of another aspect is cropped or padded.")
    num_frames: int | None = Field(default=None, ge=1, description="Frames of the clip.")
    width: int | None = Field(default=None, ge=1, description="Width of the clip in pixels.")
    height: int | None = Field(default=None, ge=1, description="Height of the clip in pixels.")
    quality: Quality = Field(default="high", description="How the file is encoded.")

    @field_validator("prompt")
    @classmethod
    def _say_something(cls, prompt: str) -> str:
        if not prompt.strip():
            raise ValueError('say in a sentence what should happen, such as "slow zoom in"')
        return prompt

    def but(self, **changes: Any) -> ClipOrder:
        """The same order with other values in some fields.

        Raises:
            InputError: a value cannot be used; names the field and the value.
        """
        return order_of(type(self), **{**self.model_dump(), **changes})

    def to_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return self.model_dump(mode="json")


def order_of(kind: type[ClipOrder] = ClipOrder, **fields: Any) -> ClipOrder:
    """An order from what a user gave.

    Args:
        kind: an order with further fields.

    Raises:
        PromptError: there is no prompt.
        InputError: another value cannot be used, or there is no such field; names the field and the value.
    """
    try:
        return kind(**fields)
    except ValidationError as error:
        wrong = PromptError if error.errors()[0]["loc"] == ("prompt",) else InputError
        raise wrong(describe(error)) from error
