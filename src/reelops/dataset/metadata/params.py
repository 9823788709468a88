"""The block `metadata` of params.yaml: which part of each clip is learnt from, and which clips are not."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from reelops.params import Config, Count, ParamsBlock, Seed

Share = Field(ge=0, le=1)


class WindowParams(ParamsBlock):
    """The part of a clip that is learnt from.

    Attributes:
        frames, fps: pictures, and how many of them a second, sampled by their times.
        search_seconds: a longer clip is looked through for so long only, from a moment that follows from the seed.
    """

    frames: int = Field(default=49, ge=2, le=10_000)
    fps: int = Field(default=8, ge=1, le=1000)
    search_seconds: Count = 60

    @property
    def seconds(self) -> Fraction:
        return Fraction(self.frames, self.fps)

    @model_validator(mode="after")
    def _fits(self) -> WindowParams:
        if self.search_seconds < self.seconds:
            raise ValueError(f"a window lasts {float(self.seconds):g} s; search_seconds must be at least that")
        return self


class Limits(ParamsBlock):
    """Beyond these a clip is quarantined. What each is measured in, `docs/datasets.md` tells.

    Attributes:
        min_side: of the video, in pixels.
        cut_threshold: the break between two pictures that counts as a cut.
        max_still_share: of the window's steps in which nothing changes.
        min_motion: in pixels at 480 rows from picture to picture.
        max_text_share: of the picture that letters seem to cover.
        max_duplicate_bits: of 64 in which the hashes of two pictures that look alike may differ; None looks for none.
    """

    renamed: ClassVar[Mapping[str, str]] = {
        "smallest_side": "min_side",
        "cut": "cut_threshold",
        "still_share": "max_still_share",
        "least_motion": "min_motion",
        "text_share": "max_text_share",
        "duplicate_bits": "max_duplicate_bits",
    }

    min_side: int = Field(default=128, ge=32, le=100_000)
    cut_threshold: float = Field(default=0.2, gt=0, le=1)
    max_still_share: float = Share
    min_motion: float = Field(default=0.02, ge=0, le=1000)
    max_text_share: float = Share
    max_duplicate_bits: int | None = Field(default=6, ge=0, le=7)


class CaptionParams(ParamsBlock):
    """Which captions can be used, and what becomes of the chosen one.

    Attributes:
        min_words: what is shorter says too little.
        max_words: what is longer is cut after a sentence; a model reads 226 tokens.
        template: `press` puts the caption into the words of a press picture's.
    """

    renamed: ClassVar[Mapping[str, str]] = {"fewest_words": "min_words", "most_words": "max_words"}

    min_words: Count = 3
    max_words: Count = 120
    template: Literal["press"] | None = None


class SplitParams(ParamsBlock):
    """Who is learnt from, and who is held back.

    Attributes:
        validation, test: shares of the sources' videos, by a hash of each one's name.
        published: what counts where the publisher made splits. `all`: they do, and the shares are taken of clips
            without one. `held_out`: its validation and test splits do, and the shares are taken of all other clips.
            `ignore`: they do not, and the shares are taken of all clips.
    """

    validation: float = Field(default=0.1, ge=0, lt=1)
    test: float = Field(default=0.1, ge=0, lt=1)
    published: Literal["all", "held_out", "ignore"] = "all"

    @model_validator(mode="after")
    def _leaves_some(self) -> SplitParams:
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing to learn from")
        return self


class MetadataParams(ParamsBlock):
    """The whole block.

    Attributes:
        seed: chooses among windows that are equally good, and among captions.
        max_quarantined_share: the share of clips beyond which the stage fails.
    """

    renamed: ClassVar[Mapping[str, str]] = {"most_thrown_out": "max_quarantined_share"}

    seed: Seed = 0
    window: WindowParams = WindowParams()
    limits: Limits
    captions: CaptionParams = CaptionParams()
    splits: SplitParams = SplitParams()
    max_quarantined_share: float = Share


def load_metadata_params(config: Config) -> MetadataParams:
    """The block `metadata`.

    Raises:
        SettingsError: it is missing or cannot be used.
    """
    return config.block("metadata", MetadataParams)
