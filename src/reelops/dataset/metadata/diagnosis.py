"""Why a file gives no video: the facts of the file itself, asked for once reading it has failed."""

from __future__ import annotations

import stat
from pathlib import Path

from reelops.dataset.table import Reason
from reelops.errors import VideoError
from reelops.foreign import refuse_machine_fault
from reelops.video.source import open_container, reading_video
from reelops.video.truncation import extent_of

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (lambda mode: stat.S_ISCHR(mode) or stat.S_ISBLK(mode), "a device"),
)


def no_plain_file(path: Path) -> tuple[Reason, str] | None:
    """What stands where a file should; None where one does. Opens nothing: a named pipe would never answer.

    Raises:
        MachineError: this machine cannot say now.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            return Reason.MISSING, f"it is a link to {str(path.readlink())!r}, and nothing is there"
        return Reason.MISSING, "it is not there any more; run `reelops fetch`"
    except OSError as error:  # a folder that may not be entered, links in a circle
        refuse_machine_fault(path, error)
        return Reason.UNREADABLE, f"it cannot be reached: {error.strerror}"
    kind = next((name for is_kind, name in _KINDS if is_kind(mode)), None)
    return (Reason.UNREADABLE, f"it is {kind}, not a file") if kind else None


def without_bytes(path: Path) -> tuple[Reason, str] | None:
    """What is wrong with a file that can be told without reading it; None where nothing is.

    Raises:
        MachineError: this machine cannot say now.
    """
    if odd := no_plain_file(path):
        return odd
    return None if path.stat().st_size else (Reason.EMPTY, "the file has no bytes")


def diagnose(path: Path) -> Reason:
    """The reason why a file cannot be read as a video, or not to its end.

    Raises:
        MachineError: this machine cannot say now.
    """
    if odd := no_plain_file(path):
        return odd[0]
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        refuse_machine_fault(path, error)
        return Reason.UNREADABLE
    if not path.stat().st_size:
        return Reason.EMPTY
    extent = extent_of(path)
    if extent.missing_bytes or not extent.has_index:
        return Reason.TRUNCATED
    try:
        with reading_video(path), open_container(path) as container:
            kinds = {stream.type for stream in container.streams}
            name = container.format.name
    except VideoError:
        return Reason.NOT_A_VIDEO
    if "video" not in kinds:
        return Reason.NO_PICTURES if "audio" in kinds else Reason.NOT_A_VIDEO
    # FFmpeg opens a still picture, or a text as a picture of one, like a video.
    return Reason.NOT_A_VIDEO if name.endswith("_pipe") or name in ("image2", "tty") else Reason.DAMAGED
