"""Styles in words."""

from __future__ import annotations

# Ways to ask for what `reelops.augment.grading.nightfall` does. They name no camera move.
NIGHTFALL = ("nightfall", "at nightfall", "shot at nightfall", "turning into nightfall")
