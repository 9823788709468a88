"""The one contract of everything that turns an order into frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from reelops.clip import ClipFormat, ClipOrder
from reelops.progress import OnProgress, Progress, ShouldStop

__all__ = ["GeneratedFrames", "Generator", "OnProgress", "Progress", "ShouldStop"]


@dataclass(frozen=True)
class GeneratedFrames:
    """Frames, and what made them.

    Attributes:
        frames_THWC: RGB uint8.
        format: frames, rate and size.
        picture_HWC: RGB uint8, the conditioning image as the model got it (cropped or padded, at the clip's size).
        seconds: wall time of each stage.
        facts: JSON values: base, base_revision, adapter_sha256, dtype, offload, device, steps, guidance, seed,
            picture_sha256, notes (everything the user should be told aloud: crops, fallbacks), ...
        peak_memory_bytes: `rss`, and on CUDA `cuda_allocated` and `cuda_reserved`.
    """

    frames_THWC: np.ndarray
    format: ClipFormat
    picture_HWC: np.ndarray
    seconds: Mapping[str, float]
    peak_memory_bytes: Mapping[str, int]
    facts: Mapping[str, Any] = field(default_factory=dict)


class Generator(Protocol):
    """Turns an order into frames.

    Raises:
        InputError: the order cannot be carried out.
        WeightsError, MachineError: the generator cannot run here.
        Cancelled: `should_stop` said so; asked at least once a sampling step.
    """

    name: str

    def generate(
        self, order: ClipOrder, on_progress: OnProgress | None = None, should_stop: ShouldStop | None = None
    ) -> GeneratedFrames: ...
