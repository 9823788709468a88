"""How far a sampling is, for what depends on it, and what its loop has asked of the network so far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Pace:
    """Kept up by the sampling loop.

    Attributes:
        timestep: that of the step under way.
        passes: of the transformer, the one under way included.
        rows: samples in all passes: two with guidance, the empty prompt's and the prompt's, else one.
        unguided: passes that left the empty prompt out though guidance is on.
        decoded, decoded_whole: calls of the VAE's decoder, and those that it would take without tiles.
    """

    timestep: int = 0
    passes: int = 0
    rows: int = 0
    unguided: int = 0
    decoded: int = 0
    decoded_whole: int = 0

    def begin(self, timestep: int, rows: int, left_out: bool) -> None:
        """A pass of so many samples is about to begin."""
        self.timestep = timestep
        self.passes += 1
        self.rows += rows
        self.unguided += left_out
