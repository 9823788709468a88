"""The block `metadata` of params.yaml: which part of each clip is learnt from, and which clips are not."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from reelops.params import Config

Share = Field(ge=0, le=1)


class _Block(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WindowParams(_Block):
    """The part of a clip that is learnt from.

    Attributes:
        frames, fps: pictures, and how many of them a second, sampled by their times.
        search_seconds: a longer clip is looked through for so long only, from a moment that follows from the seed.
    """

    frames: int = Field(default=49, ge=2)
    fps: PositiveInt = 8
    search_seconds: PositiveInt = 60

    @property
    def seconds(self) -> Fraction:
        return Fraction(self.frames, self.fps)

    @model_validator(mode="after")
    def _fits(self) -> WindowParams:
        if self.search_seconds < self.seconds:
            raise ValueError(f"a window lasts {float(self.seconds):g} s; search_seconds must be at least that")
        return self


class Limits(_Block):
    """Beyond these a clip is thrown out. What each is measured in, `docs/datasets.md` tells.

    Attributes:
        smallest_side: of the video, in pixels.
        cut: the break between two pictures that counts as a cut.
        still_share: of the window's steps in which nothing changes.
        least_motion: in pixels at 480 rows from picture to picture.
        text_share: of the picture that letters seem to cover.
        duplicate_bits: of 64 in which the hashes of two pictures that look alike may differ; None looks for none.
    """

    smallest_side: int = Field(default=128, ge=32)
    cut: float = Field(default=0.2, gt=0, le=1)
    still_share: float = Share
    least_motion: float = Field(default=0.02, ge=0)
    text_share: float = Share
    duplicate_bits: int | None = Field(default=6, ge=0, le=7)


class CaptionParams(_Block):
    """Which captions can be used, and what becomes of the chosen one.

    Attributes:
        fewest_words: what is shorter says too little.
        most_words: what is longer is cut after a sentence; a model reads 226 tokens.
        template: `press` puts the caption into the words of a press picture's.
    """

    fewest_words: PositiveInt = 3
    most_words: PositiveInt = 120
    template: Literal["press"] | None = None


class SplitParams(_Block):
    """Who is learnt from, and who is held back.

    Attributes:
        validation, test: shares of the sources' videos, by a hash of each one's name.
        published: `all` keeps to the publisher's word where there is one; `held_out` keeps what the publisher holds
            back, and holds back shares of the rest; `ignore` asks nobody.
    """

    validation: float = Field(default=0.1, ge=0, lt=1)
    test: float = Field(default=0.1, ge=0, lt=1)
    published: Literal["all", "held_out", "ignore"] = "all"

    @model_validator(mode="after")
    def _leaves_some(self) -> SplitParams:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing to learn from")
        return self


class MetadataParams(_Block):
    """The whole block.

    Attributes:
        seed: chooses among windows that are equally good, and among captions.
        most_thrown_out: the share of clips beyond which the stage fails.
    """

    seed: NonNegativeInt = 0
    window: WindowParams = WindowParams()
    limits: Limits
    captions: CaptionParams = CaptionParams()
    splits: SplitParams = SplitParams()
    most_thrown_out: float = Share


def load_metadata_params(config: Config) -> MetadataParams:
    """The block `metadata`.

    Raises:
        SettingsError: it is missing or cannot be used.
    """
    return config.block("metadata", MetadataParams)
