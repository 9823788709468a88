"""What can go wrong, as one tree:

ReelOpsError
├── InputError            the user gave something that cannot work and can mend it (exit code 2)
│   ├── PictureError      a picture that cannot be read or used
│   ├── VideoError        a video that cannot be read or used
│   ├── PromptError       a prompt that cannot be used
│   ├── ClipFormatError   frames, size or rate that the base model cannot make
│   ├── DatasetError      annotations, a folder or an archive of a data set that cannot be used
│   └── SettingsError     params.yaml, an environment variable or an option
├── WeightsError          weights that cannot be had, or are not what they should be
├── MachineError          this machine cannot do it: memory, disk, accelerator
│   └── LostProcess       another process of the same run has ended
├── DownloadError         something on the network that cannot be had
├── TrackingError         the tracking server cannot be reached or refuses
└── Cancelled             somebody asked to stop (exit code 130)

Every message finishes the user's sentence: what was wrong, the value, what to do next.
"""

from __future__ import annotations

from collections.abc import Mapping

DONE, FAILED, UNUSABLE, REJECTED, STOPPED, TERMINATED = 0, 1, 2, 3, 130, 143
EXIT_CODES: Mapping[int, str] = {
    DONE: "done",
    FAILED: "failed",
    UNUSABLE: "unusable input",
    REJECTED: "rejected: a clip by the gate, an adapter by a check, or a benchmark that became worse",
    STOPPED: "stopped by Ctrl-C",
    TERMINATED: "stopped by SIGTERM",
}
"""How a command ends; docs/exit_codes.md has what each means for which command."""


class ReelOpsError(Exception):
    """Anything ReelOps raises on purpose; its text is meant for a person, without a traceback."""

    exit_code = FAILED


class InputError(ReelOpsError):
    exit_code = UNUSABLE


class PictureError(InputError):
    pass


class VideoError(InputError):
    pass


class PromptError(InputError):
    pass


class ClipFormatError(InputError):
    pass


class DatasetError(InputError):
    pass


class SettingsError(InputError):
    pass


class WeightsError(ReelOpsError):
    pass


class MachineError(ReelOpsError):
    pass


class LostProcess(MachineError):
    pass


class DownloadError(ReelOpsError):
    pass


class TrackingError(ReelOpsError):
    pass


class Cancelled(ReelOpsError):
    exit_code = STOPPED
