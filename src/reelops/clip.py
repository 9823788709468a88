"""The values everything passes around: a clip's format, a clip in a file, an order for one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator

from reelops.errors import InputError, PromptError
from reelops.params import ParamsBlock, Seed, describe

DEFAULT_PROFILE = "tiny"
"""The profile that ships with its weights, so that a first clip needs no download."""
# What no clip of ours can be larger than; each model has narrower limits of its own.
MAX_FRAMES = 10_000
MAX_SIDE = 8192
MAX_FPS = 1000
MAX_STEPS = 1000
MAX_STRENGTH = 10.0
MAX_PROMPT = 20_000
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


class ClipOrder(ParamsBlock):
    """What somebody asks for: the one place where an order's fields are declared.

    Command-line options, the form on Prefect's page and every other way to order a clip are made from these fields;
    their descriptions are the help that people read. None leaves the choice to the profile.
    """

    picture: Path = Field(description="The picture that the clip starts from.")
    prompt: str = Field(
        max_length=MAX_PROMPT,
        description="A sentence or a few; it may name a camera move, such as 'slow zoom in'.",
    )
    profile: str = Field(
        default=DEFAULT_PROFILE, description="A profile of params.yaml, or a folder in diffusers layout."
    )
    seed: Seed = Field(default=0, description="The same seed gives the same clip, bit for bit, on one machine.")
    steps: int | None = Field(default=None, ge=1, le=MAX_STEPS, description="Sampling steps.")
    guidance: float | None = Field(
        default=None,
        ge=1.0,
        le=100.0,
        description="How strictly the prompt is followed; 1 is off.",
    )
    negative_prompt: str = Field(default="", max_length=MAX_PROMPT, description="What to steer away from.")
    adapter: Path | None = Field(default=None, description="A LoRA, file or folder.")
    adapter_strength: float = Field(
        default=1.0, ge=-MAX_STRENGTH, le=MAX_STRENGTH, description="1 applies the adapter as trained; 0 to 2 is usual."
    )
    other_base: bool = Field(default=False, description="Apply the adapter though it was trained on another base.")
    fit: PictureFit = Field(default="crop", description="A picture of another aspect is cropped or padded.")
    num_frames: int | None = Field(default=None, ge=1, le=MAX_FRAMES, description="Frames of the clip.")
    width: int | None = Field(default=None, ge=1, le=MAX_SIDE, description="Width of the clip in pixels.")
    height: int | None = Field(default=None, ge=1, le=MAX_SIDE, description="Height of the clip in pixels.")
    quality: Quality = Field(default="high", description="How the file is encoded.")

    @field_validator("picture", "adapter", "profile")
    @classmethod
    def _can_be_a_path(cls, path: Path | str | None) -> Path | str | None:
        if "\0" in str(path):
            raise ValueError("no path has a NUL character in it")
        return path

    @field_validator("prompt")
    @classmethod
    def _say_something(cls, prompt: str) -> str:
        if not prompt.strip():
            raise ValueError('say in a sentence what should happen, such as "slow zoom in"')
        return prompt

    @field_validator("prompt", "negative_prompt", mode="before")
    @classmethod
    def _is_unicode(cls, text: Any) -> Any:
        try:
            str(text).encode("utf-8")
        except UnicodeEncodeError as error:
            where = f"character {error.start + 1} is no Unicode"
            raise ValueError(f"{where}; type it again, or send it in UTF-8") from error
        return text

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
