"""A network of the 5B's kind that makes a clip in milliseconds: to check what measures, not what is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reelops.params import Config

SMALL = "small-random"
_PROFILE: Mapping[str, Any] = {
    "weights": "random",
    "architecture": "small",
    "num_frames": 9,
    "fps": 8,
    "width": 48,
    "height": 32,
    "steps": 1,
    "guidance": 1.0,
    "prompt_length": 24,
}


def with_small_profile(config: Config, **changes: Any) -> Config:
    """The same project with one more profile, `small-random`: nine frames of 48x32, noise.

    Args:
        changes: of the profile's values.
    """
    profiles = {**config.content.get("profiles", {}), SMALL: {**_PROFILE, **changes}}
    return config.but(profiles=profiles)
