"""How detail is carried: what a user may tune."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from reelops.params import ParamsBlock


class DetailSettings(ParamsBlock):
    """The `detail` block of params.yaml.

    Attributes:
        strength: how much of the detail that is believed is added: 0 leaves the clip enlarged and no more.
    """

    model_config = ConfigDict(strict=True)

    strength: float = Field(default=1.0, ge=0, le=1)


DEFAULT_SETTINGS = DetailSettings()
