"""How clips are scored: the `score` block of params.yaml, validated when it is read."""

from __future__ import annotations

from pydantic import ConfigDict, Field, field_validator

from reelops.optical_flow.engines import ENGINES
from reelops.optical_flow.working_size import SMALLEST_ROWS
from reelops.params import Amount, Config, ParamsBlock


class Weights(ParamsBlock):
    """Where networks are to be had; None where they are not.

    Attributes:
        dino, clip: a folder in transformers' layout, or a name on the hub.
        lpips: a safetensors file; see `Lpips`.
    """

    model_config = ConfigDict(strict=True)

    dino: str | None = None
    clip: str | None = None
    lpips: str | None = None


class ScoreSettings(ParamsBlock):
    """The `score` block of params.yaml.

    Attributes:
        temporal_engine: the optical flow engine of temporal consistency.
        temporal_rows: the height in pixels at which it looks at frames; at least `SMALLEST_ROWS`.
        temporal_scale: the variance, in square pixels at 480 rows, at which temporal consistency falls to 1/e.
        weights: where the networks of the metrics that take one are to be had.
    """

    model_config = ConfigDict(strict=True)

    temporal_engine: str
    temporal_rows: int = Field(ge=1, le=2160)
    temporal_scale: Amount
    weights: Weights = Weights()

    @field_validator("temporal_rows")
    @classmethod
    def _enough(cls, rows: int) -> int:
        if rows < SMALLEST_ROWS:
            raise ValueError(
                f"at least {SMALLEST_ROWS} are wanted; with fewer, measured motion depends on how many by 5% and more"
            )
        return rows

    @field_validator("temporal_engine")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ENGINES:
            raise ValueError(f"one of {', '.join(ENGINES)} is wanted")
        return name


def load_score_settings(config: Config) -> ScoreSettings:
    """The `score` block.

    Raises:
        SettingsError: it is missing or cannot be used.
    """
    return config.block("score", ScoreSettings)
