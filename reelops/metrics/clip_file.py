"""Frames and provenance of a video file.

To be swapped for `reelops.video` (`read_frames`, `probe`, `read_provenance`), which knows rotation and damage.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError

from reelops.errors import VideoError


def open_clip(path: Path) -> tuple[Fraction, int | None, Iterator[np.ndarray]]:
    """A video's average rate, how many frames it claims to have, and its frames: RGB uint8 (H, W, 3), one by one.

    Raises:
        VideoError: it cannot be read as a video; while reading, where it breaks off.
    """
    if not path.is_file():
        raise VideoError(f"There is no file {path}. Give the path of a video.")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise VideoError(f"{path} has no picture track. Give a video.")
            stream = container.streams.video[0]
            return Fraction(stream.average_rate or 1), stream.frames or None, _decode(path)
    except (FFmpegError, OSError) as error:
        raise VideoError(f"{path} cannot be read as a video: {_why(error)}. Give another file.") from error


def provenance_of(path: Path) -> dict[str, Any]:
    """How ReelOps made the clip, from the container's comment; empty for other people's files, readable or not."""
    try:
        with av.open(str(path)) as container:
            comment = json.loads(container.metadata.get("comment", ""))
    except (FFmpegError, OSError, ValueError):
        return {}
    provenance = comment.get("reelops") if isinstance(comment, dict) else None
    return provenance if isinstance(provenance, dict) else {}


def _decode(path: Path) -> Iterator[np.ndarray]:
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
    except (FFmpegError, OSError) as error:
        raise VideoError(f"{path} broke off while reading: {_why(error)}. Give a whole file.") from error


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error)
