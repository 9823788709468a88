"""Why a file gives no video: the facts of the file itself, asked for once reading it has failed."""

from __future__ import annotations

import os
from pathlib import Path

import av
from av.error import FFmpegError

from reelops.dataset.table import Reason
from reelops.video.truncation import extent_of


def diagnose(path: Path) -> Reason:
    """The reason why a file cannot be read as a video, or not to its end."""
    if not path.exists():
        return Reason.MISSING
    if not path.is_file() or not os.access(path, os.R_OK):
        return Reason.UNREADABLE
    if not path.stat().st_size:
        return Reason.EMPTY
    extent = extent_of(path)
    if extent.missing_bytes or not extent.has_index:
        return Reason.TRUNCATED
    try:
        with av.open(str(path.absolute()), options={"protocol_whitelist": "file"}) as container:
            kinds = {stream.type for stream in container.streams}
            name = container.format.name
    except (FFmpegError, OSError, ValueError):
        return Reason.NOT_A_VIDEO
    if "video" not in kinds:
        return Reason.NO_PICTURES if "audio" in kinds else Reason.NOT_A_VIDEO
    # FFmpeg opens a still picture, or a text as a picture of one, like a video.
    return Reason.NOT_A_VIDEO if name.endswith("_pipe") or name in ("image2", "tty") else Reason.DAMAGED
