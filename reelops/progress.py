"""How long work tells how far it is, and hears that it should stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a generation is: `done` of `total` steps of `stage` (load, encode, denoise, decode)."""

    stage: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]
ShouldStop = Callable[[], bool]
