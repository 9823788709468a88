"""What is measured: the 5B's clip, or one that any processor makes in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reelops.benchmark.small import SMALL, with_small_profile
from reelops.cogvideox.profiles import load_profiles
from reelops.errors import MachineError
from reelops.params import Config
from reelops.system.hardware import inspect_machine

FAST = ("optimized-gpu", "optimized")
RECIPES = (*FAST, "low-memory")
"""Recipes of params.yaml that are measured beside the baseline, the most valuable first."""


@dataclass(frozen=True)
class GpuShape:
    """A profile with random weights, and how far it is followed.

    Attributes:
        architecture: that training takes.
        steps: of a whole clip.
        probe: of a clip that only tells what one step takes; so many that a recipe's switches act.
        training_steps: of the training loop, and of the shared base.
        rank: of the adapter.
        config: the project's, with that profile.
        needs_gpu: refuse to run without one.
    """

    profile: str
    architecture: str
    steps: int
    probe: int
    training_steps: int
    rank: int
    config: Callable[[Config], Config]
    needs_gpu: bool = True

    def check(self) -> None:
        """Fails where it would take hours.

        Raises:
            MachineError: there is no GPU, and it needs one.
        """
        if self.needs_gpu and not inspect_machine().gpus:
            raise MachineError(
                "There is no CUDA GPU here to measure on; `reelops benchmark gpu --small` tries the same on a small "
                "network."
            )

    def picture(self, config: Config) -> np.ndarray:
        """Something to begin a clip with, RGB uint8, H W C."""
        profile = load_profiles(self.config(config))[self.profile]
        y, x = np.mgrid[0 : profile.height, 0 : profile.width]
        bands = [255 * x / profile.width, 255 * y / profile.height, 128 + 100 * np.sin(x / 9)]
        return np.stack(bands, -1).astype(np.uint8)


FULL = GpuShape("cogvideox-5b-i2v-random", "cogvideox-5b-i2v", 50, 8, 20, 64, lambda config: config)
SMALL_SHAPE = GpuShape(
    SMALL, "small", 10, 8, 3, 4, lambda config: with_small_profile(config, steps=10, guidance=6.0), needs_gpu=False
)
