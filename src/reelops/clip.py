"""The values everything passes around: a clip's format, a clip in a file, an order for one."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

PictureFit = Literal["crop", "pad"]


@dataclass(frozen=True)
class ClipFormat:
    """Frames, exact rate (frames per second) and size in pixels."""

    num_frames: int
    fps: Fraction
    width: int
    height: int

    @property
    def seconds(self) -> Fraction:
        return self.num_frames / self.fps


@dataclass(frozen=True)
class Clip:
    """A finished clip: a file under its final name, the digest of its bytes, and what people should be told of it."""

    path: Path
    sha256: str
    format: ClipFormat
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClipOrder:
    """What somebody asks for. None leaves the choice to the profile.

    Attributes:
        picture: the conditioning image.
        prompt: one sentence or a few; may name a camera move.
        profile: a name under `profiles` (`tiny`, `cogvideox-5b-i2v`) or a folder in diffusers layout.
        seed: the same seed gives the same clip, bit for bit, on the same machine's CPU.
        steps: sampling steps.
        guidance: classifier-free guidance scale; 1 turns guidance off.
        negative_prompt: what to steer away from.
        adapter: a LoRA file or folder.
        adapter_strength: 1 applies the adapter as trained.
        fit: what happens to a picture of another aspect: centre-crop it, or pad it.
        num_frames, width, height: another clip format than the profile's own.
    """

    picture: Path
    prompt: str
    profile: str = "tiny"
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    negative_prompt: str = ""
    adapter: Path | None = None
    adapter_strength: float = 1.0
    fit: PictureFit = "crop"
    num_frames: int | None = None
    width: int | None = None
    height: int | None = None
