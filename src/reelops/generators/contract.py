"""The one contract of everything that turns an order into frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from reelops.clip import ClipFormat, ClipOrder
from reelops.generators.finish import Finish
from reelops.progress import QUIET, RunContext


@dataclass(frozen=True)
class GeneratorFacts:
    """What made the frames.

    Attributes:
        generator: the generator's kind.
        profile: the profile's name, or its folder.
        base: what generated, in words: a base model, a method.
        base_revision: digest or revision that pins it; the same order and revision give the same frames.
        seed: of the random numbers.
        picture_sha256: digest of the picture's file.
        notes: what the user should know: crops, fallbacks, settings without effect.
        own: what only this kind of generator has: steps, dtype, adapter_sha256, ...; plain JSON values.
    """

    generator: str
    profile: str
    base: str
    base_revision: str
    seed: int
    picture_sha256: str
    notes: tuple[str, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """All of them side by side, as plain JSON values."""
        return {
            "generator": self.generator,
            "profile": self.profile,
            "base": self.base,
            "base_revision": self.base_revision,
            "seed": self.seed,
            "picture_sha256": self.picture_sha256,
            **self.own,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Generation:
    """Frames of one order, as they come.

    Attributes:
        frames: one after the other, each RGB uint8, H W C; as many as `format` says. They can be read once.
        format: frames, rate and size.
        picture_HWC: RGB uint8, the conditioning image as the generator got it (cropped or padded, at the clip's size).
        facts: what made them.
        seconds: wall time of each stage; complete once the frames have been read.
        peak_memory_bytes: `rss`, and on CUDA `cuda_allocated` and `cuda_reserved`; complete once they have been read.
        finish: what is done to the frames afterwards; None leaves them as they are.
    """

    frames: Iterator[np.ndarray]
    format: ClipFormat
    picture_HWC: np.ndarray
    facts: GeneratorFacts
    seconds: Mapping[str, float]
    peak_memory_bytes: Mapping[str, int]
    finish: Finish | None = None

    def read_frames(self) -> np.ndarray:
        """All frames at once, T H W C: for clips that fit into memory."""
        return np.stack(list(self.frames))


class Generator(Protocol):
    """Turns orders into frames; made for a `Config`, which says what its profiles are.

    Attributes:
        kind: its name in the catalogue, and in `kind` of a profile.
        needs_device: whether a network computes, so that one run at a time may be on the device.
    """

    kind: str
    needs_device: bool

    def check(self, order: ClipOrder) -> None:
        """Fails on what can be seen without loading anything.

        Raises:
            InputError: the order cannot be carried out: no such profile, no picture, a format that cannot be made.
            WeightsError: what the profile names is not there.
        """

    def plan(self, order: ClipOrder, picture: tuple[int, int]) -> tuple[ClipFormat, Finish]:
        """The format of what is generated, and what becomes of it.

        Args:
            picture: width and height in pixels, upright; the order's own is not looked at.

        Raises:
            InputError: such a clip cannot be made.
        """

    def notes(self, order: ClipOrder) -> tuple[str, ...]:
        """What the user should know before the work: what was understood of the prompt, what has no effect.

        The notes of its generation hold these, too.
        """

    def generate(self, order: ClipOrder, context: RunContext = QUIET) -> Generation:
        """The frames of an order. Cheap checks come first: a wrong order fails before anything is loaded.

        Raises:
            InputError: the order cannot be carried out.
            WeightsError, MachineError: the generator cannot run here.
            Cancelled: somebody asked to stop; heard at least once a sampling step, or once a frame.
        """
