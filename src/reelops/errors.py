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

REJECTED = 3
"""The exit code of a run whose clip, or one of whose clips, the gate rejected; the run itself went well."""


class ReelOpsError(Exception):
    """Anything ReelOps raises on purpose; its text is meant for a person, without a traceback."""

    exit_code = 1


class InputError(ReelOpsError):
    exit_code = 2


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
    exit_code = 130
