"""Styles in words."""

from __future__ import annotations

# Ways to ask for the light that `reelops.video.grading.GOLDEN_HOUR` makes. They name no camera move.
GOLDEN_HOUR = ("golden hour", "golden hour light", "turning into golden hour", "shot at golden hour")
