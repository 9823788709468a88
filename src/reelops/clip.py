"""The values everything passes around: a clip's format, a clip in a file, an order for one."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator

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
MIN_SIDE = 16
MIN_SECONDS, MAX_SECONDS = 0.1, 600.0
_SHORT_SIDE = re.compile(r"([0-9]{1,6})p")
_BOTH_SIDES = re.compile(r"([0-9]{1,6})x([0-9]{1,6})")
PictureFit = Literal["crop", "pad"]
DetailWish = Literal["auto", "on", "off"]
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
class WantedSize:
    """A size as people ask for it: 720p is a short side, whose long side follows from the clip's shape; 1280x720 is
    both.

    Attributes:
        short: in pixels; that of `width` and `height` where both are given.
        width, height: in pixels; None where the shape decides.
    """

    short: int
    width: int | None = None
    height: int | None = None

    @classmethod
    def parse(cls, text: str) -> WantedSize:
        """The size that a text such as 480p or 1280x720 names.

        Raises:
            ValueError: it names none that a clip can have.
        """
        if found := _SHORT_SIDE.fullmatch(text):
            wanted = cls(int(found[1]))
        elif found := _BOTH_SIDES.fullmatch(text):
            width, height = int(found[1]), int(found[2])
            wanted = cls(min(width, height), width, height)
        else:
            raise ValueError("give the short side, such as 480p, 720p, 1080p or 2160p, or width x height, as 1280x720")
        sides = (wanted.short, wanted.width or 0, wanted.height or 0)
        if wanted.short < MIN_SIDE or max(sides) > MAX_SIDE or any(side % 2 for side in sides):
            raise ValueError(f"sides are even numbers of pixels, from {MIN_SIDE} to {MAX_SIDE}")
        return wanted

    @property
    def aspect(self) -> float | None:
        """Width by height, where both are given."""
        return None if self.width is None or self.height is None else self.width / self.height

    def of_shape(self, aspect: float) -> tuple[int, int]:
        """Width and height in pixels, both even; of the shape given, where both sides are not."""
        if self.width is not None and self.height is not None:
            return self.width, self.height
        long = even(self.short * max(aspect, 1 / aspect))
        return (long, self.short) if aspect >= 1 else (self.short, long)


def size_named(text: str | None) -> str | None:
    """The text itself, where it names a size or there is none: for a field's validator.

    Raises:
        ValueError: it names none that a clip can have.
    """
    if text is not None:
        WantedSize.parse(text)
    return text


def even(side: float) -> int:
    """The even number of pixels nearest to a side, as every common player wants them; at least 2."""
    return max(2, 2 * round(side / 2))


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
    more_adapters: str = Field(
        default="",
        max_length=MAX_PROMPT,
        description="Further LoRAs beside that one, with their strengths: dusk.safetensors=0.5,rain=0.8.",
    )
    other_base: bool = Field(default=False, description="Apply the adapter though it was trained on another base.")
    recipe: str | None = Field(
        default=None, description="A recipe of params.yaml: another way to make the clip, faster or in less memory."
    )
    fit: PictureFit = Field(default="crop", description="A picture of another aspect is cropped or padded.")
    size: str | None = Field(
        default=None,
        description="Size of the finished clip: its short side, as 480p, 720p, 1080p or 2160p, or both, as 1280x720. "
        "No larger than the picture.",
    )
    detail: DetailWish = Field(
        default="auto",
        description="Carry the picture's own detail along the clip's motion; auto does where the finished clip is "
        "larger than the generated one.",
    )
    num_frames: int | None = Field(default=None, ge=1, le=MAX_FRAMES, description="Frames that are generated.")
    seconds: float | None = Field(
        default=None,
        ge=MIN_SECONDS,
        le=MAX_SECONDS,
        description="Length of the clip; a longer one than the model makes goes on from its last frame.",
    )
    width: int | None = Field(default=None, ge=1, le=MAX_SIDE, description="Width that is generated, in pixels.")
    height: int | None = Field(default=None, ge=1, le=MAX_SIDE, description="Height that is generated, in pixels.")
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

    _is_a_size = field_validator("size")(size_named)

    @field_validator("seconds")
    @classmethod
    def _one_length(cls, seconds: float | None, given: ValidationInfo) -> float | None:
        if seconds is not None and given.data.get("num_frames") is not None:
            raise ValueError("give either the length in seconds or the number of frames")
        return seconds

    @field_validator("more_adapters")
    @classmethod
    def _further_ones(cls, text: str, given: ValidationInfo) -> str:
        if text and given.data.get("adapter") is None:
            raise ValueError("name the first one as the adapter")
        for path, strength in paths_with_strengths(text):
            if not path or not abs(strength) <= MAX_STRENGTH:
                raise ValueError(f"give paths with strengths up to {MAX_STRENGTH:g}, such as a=0.5,b.safetensors=1")
        return text

    @property
    def adapters(self) -> tuple[tuple[Path, float], ...]:
        """All LoRAs with their strengths, in their order."""
        further = ((Path(path), strength) for path, strength in paths_with_strengths(self.more_adapters))
        return () if self.adapter is None else ((self.adapter, self.adapter_strength), *further)

    def but(self, **changes: Any) -> ClipOrder:
        """The same order with other values in some fields.

        Raises:
            InputError: a value cannot be used; names the field and the value.
        """
        return order_of(type(self), **{**self.model_dump(), **changes})

    def to_json(self) -> dict[str, Any]:
        """The fields as plain JSON values."""
        return self.model_dump(mode="json")


def paths_with_strengths(text: str) -> Iterator[tuple[str, float]]:
    """Adapters as an order names them: `a=0.5,b` as (a, 0.5) and (b, 1); what is no number is NaN."""
    for part in filter(None, (part.strip() for part in text.split(","))):
        path, is_given, strength = part.rpartition("=")
        try:
            yield (path.strip(), float(strength)) if is_given else (part, 1.0)
        except ValueError:
            yield path, math.nan


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
