"""How large a video may be: strangers' files state sizes and times that a machine could never hold."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from reelops.errors import VideoError

# 8K UHD has 33 million. FFmpeg allows 64 times as many, of which a few kilobytes are enough to ask for.
MAX_FRAME_PIXELS = 40_000_000
# A day, at up to 60 pictures per second.
MAX_SECONDS = 24 * 60 * 60
MAX_FRAMES = MAX_SECONDS * 60


def check_frame_size(path: Path, width: int, height: int) -> None:
    """Refuses pictures that are too large, as stored or as shown.

    Raises:
        VideoError: they have more than `MAX_FRAME_PIXELS`.
    """
    if width * height > MAX_FRAME_PIXELS:
        raise VideoError(
            f"{path} is {width}x{height}, {width * height / 1e6:,.0f} million pixels per picture; the limit is "
            f"{MAX_FRAME_PIXELS / 1e6:,.0f} million. Make it smaller first."
        )


def check_num_frames(path: Path, count: int) -> None:
    """Refuses a video of too many pictures.

    Raises:
        VideoError: there are more than `MAX_FRAMES`.
    """
    if count > MAX_FRAMES:
        raise VideoError(f"{path} has more than {MAX_FRAMES:,} pictures, which is the limit. Cut it first.")


def check_seconds(path: Path, seconds: Fraction) -> None:
    """Refuses a video, or a sound, that lasts for too long by its own times.

    Raises:
        VideoError: it lasts for more than `MAX_SECONDS`.
    """
    if seconds > MAX_SECONDS:
        raise VideoError(
            f"{path} lasts for {float(seconds):,.0f} seconds by its own times; the limit is {MAX_SECONDS:,}. "
            "Cut it first, or copy it again if its times are wrong."
        )
