"""Profiles: which base model, its clip format, and how it is sampled unless somebody asks otherwise."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from reelops.clip import MAX_FPS, MAX_FRAMES, MAX_SIDE, MAX_STEPS, ClipFormat, size_named
from reelops.cogvideox.architecture import Architecture, named_architecture, read_architecture
from reelops.errors import SettingsError, did_you_mean
from reelops.params import Config, ParamsBlock, describe, exact_rate
from reelops.settings import with_home

SchedulerName = Literal["ddim", "dpm"]

# CogVideoX was trained on clips of 8 frames per second; the diffusers layout has no place that says so.
NATIVE_FPS = Fraction(8)
KIND: Final = "cogvideox"
BASELINE: Final = "baseline"
"""The recipe without a switch: a profile as it stands."""


class Profile(ParamsBlock):
    """One base model and its defaults. Exactly one of `folder`, `hub` or `weights: random` says where it comes from.

    Attributes:
        folder: weights in diffusers layout; a relative one counts from the folder of params.yaml.
        hub: a repository on the Hugging Face hub.
        revision: branch, tag or commit of `hub`; a commit pins the weights.
        weights: `random` builds the named architecture without its weights, only to measure time and memory.
        architecture: configs that ship with the package, for planning before weights are there and for `random`.
        fps: exact frames per second.
        guidance: classifier-free guidance scale; 1 turns it off.
        dynamic_guidance: vary the scale over the steps, by the formula of diffusers' `use_dynamic_cfg`.
        camera_moves_only: the base was taught camera moves in English and nothing else, and to make a clip in `steps`
            steps; a prompt that it cannot read reaches it in words that it can.
        prompt_length: tokens a prompt is padded or cut to.
        picture_shape: clips take the shape of their picture, in as many pixels; what the base learned of positions is
            stretched over it.
        size: of the finished clip, as in an order; None leaves it as it is generated.
        recipe: of params.yaml, for orders that name none.
    """

    name: str
    kind: Literal["cogvideox"] = KIND
    folder: Path | None = None
    hub: str | None = None
    revision: str | None = None
    weights: Literal["trained", "random"] = "trained"
    architecture: str | None = None
    num_frames: int = Field(ge=1, le=MAX_FRAMES)
    fps: Fraction = Field(gt=0, le=MAX_FPS)
    width: int = Field(ge=1, le=MAX_SIDE)
    height: int = Field(ge=1, le=MAX_SIDE)
    steps: int = Field(default=50, ge=1, le=MAX_STEPS)
    guidance: float = Field(default=6.0, ge=1.0, le=100.0)
    dynamic_guidance: bool = False
    scheduler: SchedulerName = "ddim"
    camera_moves_only: bool = False
    prompt_length: int = Field(default=226, ge=1, le=100_000)
    picture_shape: bool = False
    size: str | None = None
    recipe: str = BASELINE

    _exact_rate = field_validator("fps", mode="before")(exact_rate)
    _is_a_size = field_validator("size")(size_named)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = [self.folder is not None, self.hub is not None, self.weights == "random"]
        if sum(sources) != 1:
            raise ValueError("give exactly one of `folder`, `hub` and `weights: random`")
        if self.weights == "random" and self.architecture is None:
            raise ValueError("`weights: random` needs `architecture`")
        if self.revision is not None and self.hub is None:
            raise ValueError("`revision` belongs to `hub`")
        return self

    @property
    def clip_format(self) -> ClipFormat:
        return ClipFormat(self.num_frames, self.fps, self.width, self.height)

    @property
    def source(self) -> str:
        """Where the weights come from, in words."""
        if self.hub:
            return f"{self.hub}@{self.revision or 'main'}"
        return str(self.folder) if self.folder else f"random weights of {self.architecture}"

    @property
    def pinned(self) -> bool:
        """Whether the weights cannot change under this profile's name."""
        return self.hub is None or bool(self.revision and len(self.revision) == 40)

    def known_architecture(self) -> Architecture | None:
        """The architecture, where it can be known before anything is downloaded.

        Raises:
            WeightsError: the folder is not whole, or there is no architecture of that name.
        """
        if self.folder is not None and self.folder.is_dir():
            return read_architecture(self.folder)
        return named_architecture(self.architecture) if self.architecture is not None else None


def load_profiles(config: Config) -> dict[str, Profile]:
    """All profiles of params.yaml that are of CogVideoX's kind, by name.

    Raises:
        SettingsError: there are none, or one is wrong; the message names the field.
    """
    blocks = config.content.get("profiles")
    if not isinstance(blocks, dict) or not blocks:
        raise SettingsError(f"{config.params_file} has no `profiles` block. Add one with at least one profile.")
    return {
        str(name): _profile(str(name), block, config)
        for name, block in blocks.items()
        if not isinstance(block, dict) or block.get("kind", KIND) == KIND
    }


def _profile(name: str, block: Any, config: Config) -> Profile:
    params_file = config.params_file
    if not isinstance(block, dict):
        raise SettingsError(f"{params_file}: profiles.{name} is {block!r}, not a block of settings. Correct it.")
    values = dict(block)
    if isinstance(values.get("folder"), str):
        values["folder"] = config.settings.locate(Path(values["folder"]))
    try:
        return Profile(name=name, **values)
    except TypeError as error:
        raise SettingsError(f"{params_file}: profiles.{name}: {error}. Correct it.") from error
    except ValidationError as error:
        raise SettingsError(f"{params_file}: {describe(error, 'profiles', name)}") from error


def profile_of_folder(folder: Path) -> Profile:
    """A profile for any folder in diffusers layout: the format its configs state, and the usual sampling."""
    architecture = read_architecture(folder).check()
    return Profile(
        name=str(folder),
        folder=folder.resolve(),
        num_frames=architecture.native_frames,
        fps=NATIVE_FPS,
        width=architecture.native_width,
        height=architecture.native_height,
        prompt_length=architecture.prompt_length,
    )


def find_profile(name: str, config: Config) -> Profile:
    """The profile of that name in params.yaml, or of that folder.

    Raises:
        SettingsError: there is no such profile; the message lists those there are.
        WeightsError: the folder is not an image-to-video model in diffusers layout.
    """
    profiles = load_profiles(config)
    if name in profiles:
        return profiles[name]
    folder = with_home(Path(name))
    if folder.is_dir() and folder.name:
        return profile_of_folder(folder)
    others = config.content["profiles"]
    if name in others:
        raise SettingsError(
            f"Profile {name} is of kind {others[name]['kind']}, which has no base model. "
            f"Choose one that has: {', '.join(profiles)}."
        )
    raise SettingsError(
        f"No profile and no folder {name!r}.{did_you_mean(name, others)} "
        f"Profiles in {config.params_file.name}: {', '.join(others)}."
    )
