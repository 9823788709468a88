"""Small clips that are really there: a textured picture, filmed, frozen or broken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from reelops.camera.moves import CameraMove, film, path_of
from reelops.clip import Clip
from reelops.video.encode import encode


def textured(width: int = 160, height: int = 120, seed: int = 0) -> np.ndarray:
    """A picture with soft shapes of many sizes, RGB uint8."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for cells in (4, 9, 20, 45):
        coarse = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
        picture += np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float64) / 4
    return np.clip(picture, 0, 255).astype(np.uint8)


def filmed(move: CameraMove = CameraMove.ZOOM_IN, num_frames: int = 5, seed: int = 0) -> np.ndarray:
    """The camera moves over the picture: frames of 96x64."""
    return film(textured(seed=seed), (32.0, 30.0, 84.0, 56.0), path_of(move), (96, 64), np.linspace(0, 1, num_frames))


def write_clip(path: Path, frames_THWC: np.ndarray, metadata: Mapping[str, Any] | None = None) -> Clip:
    return encode(frames_THWC, path, Fraction(8), "fast", metadata)


def write_sidecar(clip: Clip, picture: Path, prompt: str, profile: str = "tiny") -> Path:
    """What `reelops generate` leaves beside a clip, as far as scoring reads it."""
    sidecar = clip.path.with_suffix(".json")
    order = {"picture": str(picture), "prompt": prompt, "profile": profile}
    sidecar.write_text(json.dumps({"sha256": clip.sha256, "order": order}))
    return sidecar
